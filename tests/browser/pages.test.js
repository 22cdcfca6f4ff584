// Every page, empty and full, in light, in dark and on a phone: complained of by nobody, wide enough for nobody's
// screen, and with a picture of each in `.cache/screenshots`.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { SECRET, until } from "../edge/support/gateway.js";
import { emitted } from "../support/wait.js";
import { PHONE, signIn } from "./support/browser.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";
import { ODD, seedGateway } from "./support/seed.js";

const { dashboard, well, ill } = await opened({ well: "ok", ill: "fail" });

const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { viewport: PHONE },
};

/** What is shown where there is nothing, and what it says to do next. */
const EMPTY = [
  ["overview", "/", "First steps", "Register your backend"],
  ["tasks", "/tasks", "No task yet.", "Paste the URL of this gateway into Settings → Webhooks"],
  ["failed tasks", "/tasks?status=failed", "No task is failed.", "Show all tasks"],
  ["stalled", "/tasks?stalled=30m", "No task is stalled.", "had an event within that time"],
  ["deliveries", "/deliveries", "Nothing is delivered yet.", "Register an endpoint"],
  ["dead letters", "/deliveries?state=dead", "No dead letters.", "arrived, or is still tried"],
  ["quarantine", "/quarantine", "The quarantine is empty.", "could be read"],
  ["rejections", "/rejections", "Nothing was refused.", "its likely mistake stands here"],
  ["webhooks", "/settings/webhooks", "No endpoint yet.", "Register one above"],
  ["tokens", "/settings/tokens", "No token yet.", "Create one above"],
  ["audit", "/settings/audit", "Nothing was changed yet.", "it stands here"],
  ["alerts", "/settings/alerts", "No destination yet.", "nobody is notified"],
  [
    "task",
    "/tasks/none",
    "No event of this task has been received yet.",
    "whether it was rejected",
  ],
  ["delivery", "/deliveries/dlv_0_9", "There is no such delivery.", "See all deliveries"],
  ["endpoint", "/settings/webhooks/ep_9", "There is no such endpoint.", "See all endpoints"],
  ["nowhere", "/nowhere/%zz", "There is no such page.", "Go to the overview"],
];

/** Waits until all is there that a page loads, and it is live. */
async function settled(page) {
  await page.getByText("Live", { exact: true }).first().waitFor();
  await until(async () => (await page.locator(".loading").count()) === 0);
}

async function assertGood(page) {
  await assertFits(page);
  await assertAccessible(page);
}

test("an empty page says what to do next", async () => {
  await dashboard.visit(async (page) => {
    for (const [name, at, title, next] of EMPTY) {
      await dashboard.show(page, at);
      await page.getByRole("heading", { name: title, exact: true }).waitFor();
      await page.getByText(next).first().waitFor();
      await settled(page);
      await assertGood(page);
      await shoot(page, `empty-${name.replace(" ", "-")}`);
    }
  }, LOOKS.phone);
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`an empty gateway shows the steps to the first event: ${look}`, async () => {
    await dashboard.visit(async (page) => {
      const steps = page.getByRole("region", { name: "First steps" }).getByRole("listitem");
      await steps.first().waitFor();
      assert.equal(await steps.count(), 3);
      await settled(page);
      await assertGood(page);
      await shoot(page, `first-steps-${look}`);
      const inOrder = [
        page.getByRole("button", { name: "Copy the URL of this gateway" }),
        page.getByLabel("Send a first signed event yourself"),
        page.getByRole("link", { name: "Register your backend" }),
      ];
      for (const [step, what] of inOrder.entries()) await steps.nth(step).locator(what).waitFor();
      // By keyboard, from the first step to the last one.
      await inOrder[0].focus();
      const isLast = () => inOrder[2].evaluate((link) => link === document.activeElement);
      for (let n = 0; n < 4 && !(await isLast()); n++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Webhooks", exact: true }).waitFor();
    }, options);
  });
}

/** Runs in the page: the contrasts (WCAG 2.2) of a field's placeholder and of its border to what is behind them. */
function contrastsOf(field) {
  const luminance = (colour) => {
    const parts = colour.match(/\d+/g).map((part) => part / 255);
    const [r, g, b] = parts.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (...colours) => {
    const [darker, lighter] = colours.map(luminance).sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const { backgroundColor, borderTopColor } = getComputedStyle(field);
  const { color, opacity } = getComputedStyle(field, "::placeholder");
  const around = getComputedStyle(field.closest(".card")).backgroundColor;
  return [opacity, contrast(color, backgroundColor), contrast(borderTopColor, around)];
}

for (const look of ["light", "dark"]) {
  test(`a field and its placeholder can be seen: ${look}`, async () => {
    await dashboard.visit(
      async (page) => {
        const field = page.getByLabel("Webhook URL");
        const [opacity, placeholder, border] = await field.evaluate(contrastsOf);
        assert.equal(opacity, "1");
        assert.ok(placeholder >= 4.5, `placeholder: ${placeholder}`);
        assert.ok(border >= 3, `border: ${border}`);
      },
      { at: "/settings/webhooks", ...LOOKS[look] },
    );
  });
}

/** Runs commands in a terminal, and types the secret when they ask for it; returns what is to be seen. */
async function inTerminal(commands) {
  const run = ["--quiet", "--return", "--command", 'bash -c "$COMMANDS"', "/dev/null"];
  const env = { ...process.env, SECRET: "", COMMANDS: commands };
  const terminal = spawn("script", run, { env, stdio: ["pipe", "pipe", "inherit"] });
  let shown = "";
  let isTyped = false;
  terminal.stdout.on("data", (text) => {
    shown += text;
    if (isTyped || !shown.includes("VTRYON_WEBHOOK_SECRET")) return;
    isTyped = true;
    terminal.stdin.write(`${SECRET}\n`);
  });
  const [status] = await emitted(terminal, "close");
  assert.equal(status, 0, shown);
  return shown;
}

test("the commands of the first steps work as they stand", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByRole("heading", { name: "No task yet." }).waitFor();
      const shown = page.getByRole("textbox", { name: "URL of this gateway" });
      assert.equal(await shown.inputValue(), `${dashboard.url}/webhooks/vtryon`);
      const lines = await page.getByLabel("Send a first signed event yourself").textContent();
      const env = { ...process.env, SECRET };
      const { stdout } = await promisify(execFile)("bash", ["-c", lines], { env });
      assert.equal(stdout.trim(), '{"received":true}');
      const printed = await inTerminal(lines);
      assert.match(printed, /\{"received":true\}/);
      assert.ok(!printed.includes(SECRET), "it is not shown while it is typed");
      await page.getByRole("row", { name: "task_123" }).getByText("Queued").waitFor();
      await dashboard.show(page, "/");
      await page.getByText("Events stored").waitFor();
      assert.equal(await page.getByRole("heading", { name: "First steps" }).count(), 0);
    },
    { at: "/tasks" },
  );
});

let seeded;
test("the gateway is seeded", async () => {
  seeded = await seedGateway(dashboard.gateway, { well, ill });
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every page where much has happened: ${look}`, async () => {
    const pages = [
      ["overview", "/", "Events per minute"],
      ["tasks", "/tasks", "Tasks"],
      ["task", `/tasks/${ODD}`, "Timeline"],
      ["deliveries", "/deliveries", "Deliveries"],
      ["delivery", `/deliveries/${seeded.tried.id}`, seeded.tried.id],
      ["quarantine", "/quarantine", "duplicate_key"],
      ["rejections", "/rejections", "signature_mismatch"],
      ["webhooks", "/settings/webhooks", "Endpoints"],
      ["endpoint", `/settings/webhooks/${seeded.failing.id}`, "Deliveries per minute, by state"],
      ["tokens", "/settings/tokens", "Tokens in use"],
      ["audit", "/settings/audit", "Audit trail"],
      ["alerts", "/settings/alerts", "Destinations"],
    ];
    await dashboard.visit(
      async (page) => {
        await page.getByLabel("Token", { exact: true }).waitFor();
        await assertGood(page);
        await shoot(page, `${look}-sign-in`);
        await signIn(page);
        for (const [name, at, title] of pages) {
          await dashboard.show(page, at);
          await page.getByRole("heading", { name: title, exact: true }).waitFor();
          await settled(page);
          await shoot(page, `${look}-${name}`);
          await assertFits(page);
          await page.locator("main summary").evaluateAll((all) => {
            for (const summary of all) summary.click();
          });
          await settled(page);
          await assertGood(page);
        }
      },
      { ...options, token: null },
    );
  });
}
