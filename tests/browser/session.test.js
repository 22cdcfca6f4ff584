// Who is let in: by the token alone, not by guessing, and not for ever. A session that ends takes nothing with it
// that somebody was about.

import assert from "node:assert/strict";
import { test } from "node:test";
import { elsewhere } from "../edge/caller.js";
import { event, TOKEN } from "../edge/gateway.js";
import { PHONE, signIn } from "./browser.js";
import { assertAccessible, assertFits, shoot } from "./looks.js";
import { opened } from "./opened.js";

const { dashboard } = await opened();

const field = (page) => page.getByLabel("Admin token");

/** Comes from an address of its own: guesses are counted by address. */
const stranger = () => ({
  token: null,
  extraHTTPHeaders: { "cf-connecting-ip": elsewhere() },
});

async function guess(page, token) {
  const answered = page.waitForResponse((answer) => answer.url().endsWith("/api/session"));
  await field(page).fill(token);
  await field(page).press("Enter");
  const status = (await answered).status();
  // The page takes no other before it has seen that.
  await page.locator("[type=submit][aria-disabled=false]").waitFor();
  return status;
}

test("a wrong token is refused; the right one leads to the page that was asked for", async () => {
  await dashboard.visit(
    async (page) => {
      await field(page).waitFor();
      assert.equal(await page.getByRole("navigation").count(), 0, "nothing is shown before");
      assert.equal(await guess(page, "wrong"), 401);
      await page.getByRole("alert").getByText("This is not the token.").waitFor();
      await assertAccessible(page);
      await shoot(page, "wrong-token");
      await signIn(page);
      await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
      assert.equal(page.url(), `${dashboard.url}/deliveries?state=dead`);
      const kept = await page.evaluate(() =>
        JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
      );
      assert.ok(!kept.includes(TOKEN));
      const [cookie] = await page.context().cookies();
      assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    },
    { ...stranger(), at: "/deliveries?state=dead" },
  );
});

test("after ten wrong tokens nobody compares: when to come again is said", async () => {
  await dashboard.visit(
    async (page) => {
      await page.clock.install();
      await field(page).waitFor();
      for (let nth = 1; nth <= 10; nth++) assert.equal(await guess(page, `wrong ${nth}`), 401);
      assert.equal(await guess(page, TOKEN), 429);
      await page.getByText("Too many wrong tokens came from here.").waitFor();
      const button = page.getByRole("button", { name: /^Wait \d+ s$/ });
      assert.ok(await button.isDisabled());
      await assertAccessible(page);
      await shoot(page, "rate-limited");
      await page.clock.fastForward(61_000);
      await page.getByRole("button", { name: "Sign in" }).waitFor();
    },
    { ...stranger(), expected: /status of 4(01|29)/ },
  );
});

test("signed out: here and in every other window, until somebody signs in", async () => {
  await dashboard.visit(async (page) => {
    const other = await page.context().newPage();
    await dashboard.show(other, "/tasks");
    await other.getByRole("heading", { name: "Tasks", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await field(page).waitFor();
    assert.equal(await page.getByRole("navigation").count(), 0);
    await page.reload();
    await field(page).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    await other.getByLabel("Status").selectOption("failed");
    await other.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  });
});

test("the session ends in the middle: nothing is lost but the session", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByLabel("Webhook URL").fill("https://shop.example/half-typed");
      await page.context().clearCookies();
      await page.getByRole("button", { name: "Register Webhook Endpoint" }).click();
      const dialog = page.getByRole("dialog", { name: "Your session has ended" });
      await dialog.waitFor();
      // Chromium closes a dialog by the second Escape, whatever the page says.
      for (const _ of [1, 2, 3]) await page.keyboard.press("Escape");
      assert.ok(await dialog.isVisible());
      await assertAccessible(page);
      await shoot(page, "session-ended", { fullPage: false });
      await page.setViewportSize(PHONE);
      await assertFits(page);
      await signIn(page);
      await dialog.waitFor({ state: "detached" });
      const typed = page.getByLabel("Webhook URL");
      assert.equal(await typed.inputValue(), "https://shop.example/half-typed");
      const focused = await page.evaluate(() => document.activeElement.textContent.trim());
      assert.equal(focused, "Register Webhook Endpoint");
      await page.keyboard.press("Enter");
      await page.getByRole("article", { name: "https://shop.example/half-typed" }).waitFor();
    },
    { at: "/settings/webhooks" },
  );
});

test("the token is changed: open pages ask for the new one, and then miss nothing", async () => {
  const { gateway, door } = dashboard;
  const post = async (status) =>
    assert.equal((await gateway.post(event("task_of_session", status))).status, 200);
  await post("queued");
  await dashboard.visit(
    async (page) => {
      const row = page.getByRole("row", { name: "task_of_session" });
      await row.getByText("Queued").waitFor();
      await gateway.halt();
      await gateway.restart({ GATEWAY_ADMIN_TOKEN: "another-token-of-the-tests" });
      door.leadTo(gateway.url);
      await post("processing");
      const dialog = page.getByRole("dialog", { name: "Your session has ended" });
      await dialog.waitFor();
      assert.ok(await row.getByText("Queued").isVisible(), "the page stands as it stood");
      await signIn(page, "another-token-of-the-tests");
      await row.getByText("Processing").waitFor();
    },
    { at: "/tasks", expected: /status of 401|net::ERR_|WebSocket connection to .* failed/ },
  );
});
