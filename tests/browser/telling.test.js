// What pages make of what has happened: numbers, for the eye and for those who do not see charts, and advice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { deliveries } from "../edge/support/deliveries.js";
import { event, until } from "../edge/support/gateway.js";
import { opened } from "./support/opened.js";
import { REFUSED, seedGateway, UNREADABLE } from "./support/seed.js";

const { dashboard, well, ill } = await opened({ well: "ok", ill: "fail" });

/** Four events that move a task, one that comes late, and a body that can't be read. */
const STORY = [
  event("task_one", "queued"),
  event("task_one", "processing"),
  event("task_one", "completed"),
  event("task_two", "processing"),
  event("task_two", "queued"),
  "unreadable",
];

/** Runs in the page: how many pixels of a chart are painted, and in how many colours. */
function painted(chart) {
  const canvas = chart.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Map();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] !== 255) continue;
    const colour = data.slice(at, at + 3).join();
    colours.set(colour, (colours.get(colour) ?? 0) + 1);
  }
  return [...colours].filter(([, count]) => count > 50).map(([colour]) => colour);
}

test("the overview counts, draws, and says the same in words and in numbers", async () => {
  await dashboard.gateway.register(well.url, { order: "all" });
  for (const body of STORY) assert.equal((await dashboard.gateway.post(body)).status, 200);
  const isDone = async () =>
    (await deliveries(dashboard.gateway, { state: "delivered" })).length === 4;
  await until(isDone);
  await dashboard.visit(async (page) => {
    const tile = (name) => page.locator("dl.tiles div").filter({ hasText: name }).locator("dd");
    for (const [name, value] of [
      ["Events stored", "6"],
      ["Tasks in progress", "1"],
      ["Deliveries pending", "0"],
      ["Dead letters", "0"],
      ["In quarantine", "1"],
    ]) {
      // On a busy machine an alarm may be a moment late, which is said beside the number.
      const text = (await tile(name).textContent()).replace(/due for .*/, "");
      assert.equal(text, value, name);
    }
    // On a busy machine a shard may have gone to sleep, and woken, since the events.
    const commits = /^(\d+ ms.*\d|–.*none) since the shards woke$/;
    assert.match(await tile("Durable commit, p95").textContent(), commits);

    const events = page.getByRole("img", { name: "Events per minute. 6 events in this time." });
    await events.waitFor();
    await page.getByRole("img", { name: /^Delivery latency\. .* Median up to \d+ ms, / }).waitFor();
    const success = /^Delivery success rate\. 100% of 4 deliveries that ended\.$/;
    await page.getByRole("img", { name: success }).waitFor();
    const figure = page.getByRole("figure", { name: "Events per minute" });
    const legend = async (shown) => {
      const texts = await shown.getByRole("list").getByRole("listitem").allInnerTexts();
      return texts.map((text) => text.replace(/\s+/g, " "));
    };
    const counts = ["applied 4", "late 1", "quarantined 1"];
    assert.deepEqual(await legend(figure), counts);
    const light = await events.evaluate(painted);
    assert.ok(light.length >= 3, `each outcome in its colour: ${light.join(" ")}`);
    for (const colorScheme of ["dark", "light"]) {
      const drawn = await events.locator("canvas").elementHandle();
      await page.emulateMedia({ colorScheme });
      // In the system's other colours it is drawn anew.
      await drawn.waitForElementState("hidden");
      const isLight = isDeepStrictEqual(await events.evaluate(painted), light);
      assert.equal(isLight, colorScheme === "light");
    }
    await page.getByLabel("Theme").selectOption("dark");
    await until(async () => !isDeepStrictEqual(await events.evaluate(painted), light));

    await figure.getByText("In numbers").click();
    const numbers = figure.getByRole("table", { name: "Events per minute" });
    await numbers.waitFor();
    const headings = await numbers.getByRole("columnheader").allTextContents();
    assert.deepEqual(headings, ["From", "applied", "late", "quarantined"]);
    const cells = await numbers.getByRole("cell").allTextContents();
    const sums = [0, 1, 2].map((column) =>
      cells.filter((_, at) => at % 3 === column).reduce((sum, text) => sum + Number(text), 0),
    );
    assert.deepEqual(sums, [4, 1, 1]);

    await page.getByLabel("Time shown").selectOption("Last 24 hours");
    const longer = page.getByRole("figure", { name: "Events per 24 minutes" });
    await longer.getByRole("img", { name: /6 events in this time/ }).waitFor();
    assert.deepEqual(await legend(longer), counts);
  });
  await dashboard.deleteEndpoints();
});

test("problems that need attention come first, with links", async () => {
  await seedGateway(dashboard.gateway, { well, ill });
  await dashboard.visit(async (page) => {
    const list = page.getByRole("region", { name: "Needs attention" });
    for (const [text, heading] of [
      [/^1 dead letter: /, "Deliveries"],
      [/^6 signed bodies could not be read/, "Quarantine"],
      [/^Requests were refused/, "Rejections"],
    ]) {
      await list.getByRole("link", { name: text }).click();
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await page.goBack();
    }
  });
});

test("an alert destination that gets nothing needs attention, as an endpoint does", async () => {
  const answer = { alerts: [], destinations: [{ id: "ep_9", disabled: null, problem: "a key" }] };
  await dashboard.visit(async (page) => {
    await page.route("**/api/alerts", (route) => route.fulfill({ json: answer }));
    await dashboard.show(page, "/");
    const list = page.getByRole("region", { name: "Needs attention" });
    const link = list.getByRole("link", { name: "1 alert destination gets nothing any more." });
    assert.match(await link.getAttribute("href"), /\/settings\/alerts$/);
    await page.unroute("**/api/alerts");
  });
});

test("what can't be asked is not passed over as if all were well", async () => {
  const unavailable = { error: "unavailable", message: "this can't be answered now" };
  const work = async (page) => {
    for (const path of ["**/api/rejections", "**/api/endpoints"]) {
      await page.route(path, (route) => route.fulfill({ status: 503, json: unavailable }));
    }
    await dashboard.show(page, "/");
    const failure = page
      .getByRole("alert")
      .filter({ hasText: "Not everything could be looked at" });
    await failure.waitFor();
    await page.unroute("**/api/rejections");
    await page.unroute("**/api/endpoints");
    await failure.getByRole("button", { name: "Try again" }).click();
    await failure.waitFor({ state: "detached" });
    await page.route("**/api/endpoints", (route) =>
      route.fulfill({ status: 503, json: unavailable }),
    );
    await page.route("**/api/deliveries", (route) =>
      route.fulfill({ json: { deliveries: [], cursor: null } }),
    );
    await dashboard.show(page, "/deliveries");
    await page.getByRole("alert").getByText("The endpoints were not loaded.").waitFor();
    await page.getByRole("heading", { name: "Nothing was delivered yet." }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Register an endpoint" }).count(), 0);
  };
  await dashboard.visit(work, { expected: /status of (401|503)|closed before the conn/ });
});

test("each rejected request has its cause, its likely mistake, and a remedy", async () => {
  const { rejections } = (await dashboard.gateway.api("/api/rejections")).body;
  assert.deepEqual(rejections.map(({ code }) => code).sort(), Object.keys(REFUSED).sort());
  await dashboard.visit(
    async (page) => {
      for (const { code, mistake, hint } of rejections) {
        const article = page.getByRole("article", { name: code });
        await article.getByText(mistake, { exact: true }).first().waitFor();
        const advice = await article.getByText("What to do.").locator("..").textContent();
        assert.ok(advice.toLowerCase().includes(hint.toLowerCase()), code);
        await article.getByText("The last one").click();
        await article.getByText("task_refused").waitFor();
        const form = REFUSED[code] === null ? "none" : /^\d+ characters, (not )?hex$/;
        await article.getByText(form, { exact: true }).waitFor();
      }
    },
    { at: "/rejections" },
  );
});

test("each quarantined body has its error, a remedy, and the endpoints that received it", async () => {
  await dashboard.visit(
    async (page) => {
      for (const [code, body] of Object.entries(UNREADABLE)) {
        const article = page.getByRole("article", { name: new RegExp(`^${code} `) }).first();
        const advice = await article.getByText("What to do.").locator("..").textContent();
        assert.match(
          advice,
          /^What to do\. (Vtryon|It|A field) .*(Report|Look for a newer version)/,
        );
        if (code !== "invalid_utf8") {
          assert.equal(await article.getByLabel("Beginning of the body").textContent(), body);
        }
        await article.getByText("Deliveries", { exact: true }).click();
        await article.getByText("Pending", { exact: true }).waitFor();
      }
    },
    { at: "/quarantine" },
  );
});

test("a body that came before the quarantine was read is in it, and not counted as newer", async () => {
  await dashboard.visit(
    async (page) => {
      const came = [];
      page.on("websocket", (socket) =>
        socket.on("framereceived", ({ payload }) => came.push(String(payload))),
      );
      await page.clock.install();
      const { promise: released, resolve: release } = Promise.withResolvers();
      await page.route("**/api/quarantine", async (route) => {
        await released;
        await route.continue();
      });
      await page.reload();
      await page.getByText("Live", { exact: true }).first().waitFor();
      const body = "unreadable, and new";
      assert.equal((await dashboard.gateway.post(body)).status, 200);
      await until(() => came.some((text) => text.includes('"outcome":"quarantined"')));
      // Messages are taken in batches.
      await page.clock.runFor(1000);
      release();
      await page.getByLabel("Beginning of the body").getByText(body).waitFor();
      assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 0);
      assert.equal((await dashboard.gateway.post(`${body}er`)).status, 200);
      await page.getByRole("button", { name: "Show 1 newer body" }).click();
      await page.getByLabel("Beginning of the body").getByText(`${body}er`).waitFor();
      await page.getByRole("button", { name: /^Show / }).waitFor({ state: "detached" });
    },
    { at: "/quarantine" },
  );
});

test("answers that take longer than the pause between two questions are waited for", async () => {
  await dashboard.visit(async (page) => {
    await page.clock.install();
    const { promise: released, resolve: release } = Promise.withResolvers();
    let asked = 0;
    await page.route("**/api/stats?*", async (route) => {
      asked += 1;
      await released;
      await route.continue();
    });
    const first = page.waitForRequest("**/api/stats?*");
    await page.reload();
    await first;
    await page.getByText("Events stored").waitFor();
    const polled = page.waitForRequest("**/api/metrics");
    // Less than a minute: after that it is asked again even without an answer.
    await page.clock.runFor(16_000);
    await polled;
    release();
    await page.getByRole("img", { name: /^Events per minute/ }).waitFor();
    assert.equal(asked, 1);
  });
});

test("a page that is looked at again asks at once", async () => {
  await dashboard.visit(async (page) => {
    await page.clock.install();
    await page.reload();
    await page.getByText("Events stored").waitFor();
    const turn = (hidden) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await turn(true);
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/api/metrics")) asked += 1;
    });
    await page.clock.runFor(120_000);
    assert.equal(asked, 0, "nobody looks at it");
    const again = page.waitForRequest("**/api/metrics");
    await turn(false);
    await again;
  });
});

test("a time says its day once it is not today's any more", async () => {
  await dashboard.visit(
    async (page) => {
      await page.clock.install();
      await page.reload();
      const time = page.getByRole("table", { name: "Audit trail" }).getByRole("time").first();
      await time.waitFor();
      await page.clock.fastForward(24 * 3_600_000);
      await until(async () => /^\d+ .*, \d+:/.test(await time.textContent()));
    },
    { at: "/settings/audit" },
  );
});
