// Everything without a pointer: where one is can always be seen, and closing something leads back to where one was.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { delivery } from "../edge/support/deliveries.js";
import { event, TOKEN, until } from "../edge/support/gateway.js";
import { shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard, backend } = await opened({ backend: "ok" });

afterEach(() => dashboard.deleteEndpoints());

/** Runs in the page: what has the focus, by its name, and whether that can be seen. */
function focused() {
  const { activeElement: element } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { width, height, top } = element.getBoundingClientRect();
  const name =
    element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
  return {
    name: name.trim(),
    tag: element.localName,
    isSeen: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
    isThere: width > 0 && height > 0 && top < innerHeight,
  };
}

/** Goes on by Tab to what has a name; whatever is passed has to be seen. */
async function goTo(page, name, key = "Tab") {
  const passed = [];
  while (passed.length < 60) {
    await page.keyboard.press(key);
    const at = await page.evaluate(focused);
    if (at.tag !== "body") assert.ok(at.isSeen && at.isThere, `not seen: ${JSON.stringify(at)}`);
    if (name instanceof RegExp ? name.test(at.name) : at.name === name) return;
    passed.push(at.name);
  }
  assert.fail(`${name} is not reached: ${passed.join(" | ")}`);
}

/** Waits until something has the focus. */
const isAt = (page, tag, name) =>
  until(async () => {
    const at = await page.evaluate(focused);
    return at.tag === tag && at.name === name;
  });

const heading = (page, name) => page.getByRole("heading", { name, level: 1 }).waitFor();

test("signed in, registered, tested, opened and replayed by keys alone", async () => {
  await dashboard.visit(
    async (page) => {
      const { keyboard } = page;
      await page.getByLabel("Token", { exact: true }).waitFor();
      await isAt(page, "input", "Token");
      await keyboard.type(TOKEN);
      await keyboard.press("Enter");
      await heading(page, "Overview");

      await goTo(page, "Webhooks");
      await keyboard.press("Enter");
      await heading(page, "Webhooks");
      await isAt(page, "h1", "Webhooks");
      await goTo(page, "Webhook URL");
      await keyboard.type(backend.url);
      await keyboard.press("Enter");
      await page.getByText("it is shown this once").waitFor();
      await goTo(page, "Copy the secret");
      await goTo(page, "I have saved it");
      await keyboard.press("Enter");
      await page.getByLabel("Webhook Secret Key").waitFor({ state: "detached" });
      await isAt(page, "h3", backend.url);
      await goTo(page, "Send test event");
      await keyboard.press("Enter");
      await page.getByText("The test event was delivered.").waitFor();
      await isAt(page, "button", "Send test event");
      await shoot(page, "keyboard");

      await goTo(page, "Tasks", "Shift+Tab");
      await keyboard.press("Enter");
      await heading(page, "Tasks");
      assert.equal((await dashboard.gateway.post(event("task_keys", "queued"))).status, 200);
      await delivery(dashboard.gateway, { task_id: "task_keys" });
      await page.getByRole("link", { name: "task_keys" }).waitFor();
      await goTo(page, "task_keys");
      await keyboard.press("Enter");
      await heading(page, "task_keys");
      await page.getByText("Delivered", { exact: true }).waitFor();
      await page.locator("summary", { hasText: "/hook" }).waitFor();
      await goTo(page, /\/hook/);
      await keyboard.press("Enter");
      await page.getByRole("button", { name: /^(Replay|Attempt now): dlv_/ }).waitFor();
      await goTo(page, /^(Replay|Attempt now): dlv_/);
      await keyboard.press("Enter");
      await page.getByText("1 of replay 1").waitFor();
      assert.match((await page.evaluate(focused)).name, /^(Replay|Attempt now): dlv_/);
      assert.equal(backend.bodies.filter((body) => body.includes("task_keys")).length, 2);
    },
    { token: null },
  );
});

test("dialogs hold the focus, close by Escape, and give it back", async () => {
  await dashboard.gateway.register(backend.url);
  await dashboard.visit(
    async (page) => {
      const { keyboard } = page;
      for (const [button, name] of [
        ["Edit", "Edit endpoint"],
        ["Rotate secret", "Rotate secret"],
        ["Delete", "Delete endpoint"],
      ]) {
        await goTo(page, button);
        await keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name });
        await dialog.waitFor();
        for (let nth = 0; nth < 8; nth++) {
          await keyboard.press("Tab");
          const isInside = await page.evaluate(
            () =>
              document.activeElement === document.body ||
              document.activeElement.closest("dialog") !== null,
          );
          assert.ok(isInside, `${name}: the page behind has the focus`);
        }
        await keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        await isAt(page, "button", button);
      }
      await keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Delete endpoint" }).waitFor();
      await goTo(page, "Delete");
      await keyboard.press("Enter");
      await page.getByRole("heading", { name: "No endpoint yet." }).waitFor();
      await until(async () => (await page.evaluate(focused)).name === "Endpoints");
    },
    { at: "/settings/webhooks" },
  );
});

/** Waits until the focus is on an element. */
const isOn = (locator) => until(() => locator.evaluate((it) => it === document.activeElement));

test("what goes gives the focus to what was around it", async () => {
  await dashboard.gateway.register(backend.url);
  assert.equal((await dashboard.gateway.post(event("task_goes", "queued"))).status, 200);
  await dashboard.visit(
    async (page) => {
      const { keyboard } = page;
      const card = page.getByRole("article", { name: backend.url });
      await card.waitFor();
      await goTo(page, "Send test event");
      await keyboard.press("Enter");
      await page.getByText("The test event was delivered.").waitFor();
      await goTo(page, "Dismiss");
      await keyboard.press("Enter");
      await isOn(card);
      await goTo(page, "Edit");
      await keyboard.press("Enter");
      const edit = page.getByRole("dialog", { name: "Edit endpoint" });
      await edit.getByRole("button", { name: "Add header" }).click();
      await edit.getByRole("button", { name: "Remove" }).focus();
      await keyboard.press("Enter");
      await isOn(edit.getByRole("group", { name: "Headers" }));

      await dashboard.show(page, "/tasks/task_goes");
      await page.getByRole("button", { name: "Erase task" }).focus();
      await keyboard.press("Enter");
      const erase = page.getByRole("dialog", { name: "Erase task" });
      await erase.getByRole("button", { name: "Erase", exact: true }).focus();
      await keyboard.press("Enter");
      await page.getByRole("heading", { name: "This task was erased." }).waitFor();
      await isAt(page, "h1", "task_goes");
    },
    { at: "/settings/webhooks" },
  );
});

test("the menu is skipped by one key, and on a phone opened by one", async () => {
  await dashboard.visit(async (page) => {
    await page.reload();
    await heading(page, "Overview");
    await goTo(page, "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.setViewportSize({ width: 375, height: 760 });
    await page.reload();
    await heading(page, "Overview");
    await goTo(page, "Menu");
    await page.keyboard.press("Enter");
    await goTo(page, "Rejections");
    await page.keyboard.press("Enter");
    await heading(page, "Rejections");
    await isAt(page, "h1", "Rejections");
  });
});
