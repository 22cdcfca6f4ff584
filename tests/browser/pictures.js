// Takes the two pictures of the documentation: node tests/browser/pictures.js, after scripts/build-dashboard. What they
// show is made up, and the same each time.

import { statSync } from "node:fs";
import path from "node:path";
import { Gateway } from "../edge/support/gateway.js";
import { launch } from "../support/chromium.js";
import { signIn } from "./support/browser.js";
import * as data from "./support/pictures-data.js";

const DOCS = path.resolve(import.meta.dirname, "../../docs");
const MOST_BYTES = 120 * 1024;

/** What is answered in place of the gateway; whatever is not named here the gateway answers itself. */
const ANSWERS = {
  [`/api/tasks/${data.TASK}`]: data.task,
  "/api/deliveries": { deliveries: data.deliveries, cursor: null },
  "/api/endpoints": { endpoints: data.endpoints },
  "/api/stats": data.stats(),
};

/** Answers by the made-up data, the live updates too. */
async function pretend(context) {
  await context.route("**/api/**", (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/api/metrics") return route.fulfill({ body: data.metrics });
    const json = ANSWERS[pathname];
    return json === undefined ? route.fallback() : route.fulfill({ json });
  });
  await context.routeWebSocket(/\/live(\/\d+)?$/, (socket) => {
    const shard = Number(/\d+$/.exec(socket.url())?.[0] ?? 0);
    const of = socket.url().includes("/tasks/")
      ? { task: data.task }
      : { tasks: shard === 0 ? data.tasks() : [] };
    for (const message of [{ type: "snapshot", ...of }, { type: "ready" }]) {
      socket.send(JSON.stringify({ id: "1", shard, shards: 4, ...message }));
    }
  });
}

async function take(page, name, height) {
  await page.getByText("Live", { exact: true }).first().waitFor();
  await page.setViewportSize({ width: 1280, height });
  await page.mouse.move(0, 0);
  const file = path.join(DOCS, `${name}.png`);
  await page.screenshot({ path: file, animations: "disabled" });
  const { size } = statSync(file);
  console.log(`${file}: ${size} bytes`);
  if (size > MOST_BYTES) throw new Error(`${name} is too large`);
}

const browser = await launch();
const gateway = await Gateway.start({ dashboard: true });
try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    colorScheme: "light",
  });
  await pretend(context);
  const page = await context.newPage();
  await page.clock.setFixedTime(data.NOW);
  await page.goto(gateway.url);
  await signIn(page);
  await page.getByRole("list", { name: "Latest changes" }).getByText(data.TASK).waitFor();
  await take(page, "dashboard-overview", 960);

  await page.goto(`${gateway.url}/tasks/${data.TASK}`);
  await page
    .locator("details.delivery")
    .nth(data.deliveries.length - 1)
    .waitFor();
  await take(page, "dashboard-task", 750);
} finally {
  await browser.close();
  await gateway.stop();
}
