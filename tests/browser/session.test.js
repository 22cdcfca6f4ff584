// Who is let in: by the token alone, not by guessing, and not for ever. A session that ends takes nothing with it
// that somebody was about.

import assert from "node:assert/strict";
import { test } from "node:test";
import { elsewhere } from "../edge/support/api/caller.js";
import { createToken } from "../edge/support/api/tokens.js";
import { event, TOKEN } from "../edge/support/gateway.js";
import { until } from "../support/wait.js";
import { PHONE, signIn } from "./support/browser.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

/** How many sockets a page has: one for each shard, and a task's page one for its task. */
const SHARDS = 16;

const { dashboard } = await opened({}, { bindings: { SHARDS: String(SHARDS) } });

const field = (page) => page.getByLabel("Token", { exact: true });

/** Waits for all sockets: one that is opened while the session ends is refused, and the browser complains of it. */
const isLive = (page) => page.getByText("Live", { exact: true }).first().waitFor();

/** The sockets of a page over which something has come, and which are open. */
function openSockets(page) {
  const open = new Set();
  page.on("websocket", (socket) => {
    socket.on("framereceived", () => open.add(socket));
    socket.on("close", () => open.delete(socket));
  });
  // Sockets of a page that was left are not reported as closed.
  page.on("framenavigated", () => open.clear());
  return open;
}

/** Comes from an address of its own: guesses are counted by address. */
const invalidSession = () => ({
  token: null,
  extraHTTPHeaders: { "cf-connecting-ip": elsewhere() },
});

async function guess(page, token) {
  const answered = page.waitForResponse((answer) => answer.url().endsWith("/api/session"));
  await field(page).fill(token);
  await field(page).press("Enter");
  const status = (await answered).status();
  // The page takes no other before it has seen that.
  await page.locator("[type=submit][aria-disabled=false]", { hasText: "Sign in" }).waitFor();
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
      const storedItems = await page.evaluate(() =>
        JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
      );
      assert.ok(!storedItems.includes(TOKEN));
      const [cookie] = await page.context().cookies();
      assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    },
    { ...invalidSession(), at: "/deliveries?state=dead" },
  );
});

test("a token that only makes tickets is refused at the sign-in", async () => {
  const { token } = await createToken(dashboard.gateway, "tickets");
  await dashboard.visit(
    async (page) => {
      await field(page).waitFor();
      assert.equal(await guess(page, token), 204);
      await page.getByRole("alert").getByText("This token only makes tickets.").waitFor();
      assert.equal(await page.getByRole("navigation").count(), 0);
      assert.deepEqual(await page.context().cookies(), []);
      await assertAccessible(page);
      await signIn(page);
      await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
    },
    { ...invalidSession(), expected: /status of 40[13]/ },
  );
});

test("after ten wrong tokens the page says so, and the right token is still accepted at once", async () => {
  await dashboard.visit(
    async (page) => {
      await field(page).waitFor();
      for (let nth = 1; nth <= 10; nth++) assert.equal(await guess(page, `wrong ${nth}`), 401);
      assert.equal(await guess(page, "wrong 11"), 429);
      const notice = page.getByRole("alert");
      await notice.getByText("Many wrong tokens came from your address").waitFor();
      await assertAccessible(page);
      await shoot(page, "rate-limited");
      await signIn(page);
      await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
    },
    { ...invalidSession(), expected: /status of 4(01|29)/ },
  );
});

test("signed out: here and in every other window, until somebody signs in", async () => {
  await dashboard.visit(async (page) => {
    const other = await page.context().newPage();
    await dashboard.show(other, "/tasks");
    await other.getByRole("heading", { name: "Tasks", level: 1 }).waitFor();
    for (const each of [page, other]) await isLive(each);
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

test("signed out where Cloudflare Access still lets in: the page leads to Access's own sign-out", async () => {
  await dashboard.visit(async (page) => {
    // As behind Access: after the gateway's session has ended, the API still answers.
    await page.route("**/api/session", (route) => route.fulfill({ status: 204 }));
    await page.route("**/cdn-cgi/access/logout", (route) =>
      route.fulfill({ contentType: "text/html", body: "<p>Signed out of Access</p>" }),
    );
    await isLive(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    const dialog = page.getByRole("dialog", { name: "Cloudflare Access lets you in" });
    await assertAccessible(page);
    await dialog.getByRole("link", { name: "Sign out of Access" }).click();
    await page.getByText("Signed out of Access", { exact: true }).waitFor();
  });
});

test("a token that may not listen gives way to one that may: the page that is open becomes live", async () => {
  const { token } = await createToken(dashboard.gateway, "read");
  await dashboard.visit(
    async (page) => {
      await page.getByText("Not live", { exact: true }).waitFor();
      await page.context().clearCookies();
      await page.getByLabel("Status").selectOption("queued");
      const dialog = page.getByRole("dialog", { name: "Your session has ended" });
      await dialog.waitFor();
      await signIn(page);
      await dialog.waitFor({ state: "detached" });
      await isLive(page);
      await post("queued");
      await page.getByRole("row", { name: "task_of_session" }).waitFor();
    },
    { at: "/tasks", token, expected: /status of 40[13]/ },
  );
});

test("the session ends in the middle: nothing is lost but the session", async () => {
  await dashboard.visit(
    async (page) => {
      await isLive(page);
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

test("what the end of the session has refused is said to be so after signing in", async () => {
  const url = "https://shop.example/not-disabled";
  await dashboard.gateway.register(url);
  await dashboard.visit(
    async (page) => {
      await isLive(page);
      const card = page.getByRole("article", { name: url });
      await card.waitFor();
      await page.context().clearCookies();
      await card.getByRole("button", { name: "Disable" }).click();
      const dialog = page.getByRole("dialog", { name: "Your session has ended" });
      await dialog.waitFor();
      assert.equal(await page.getByRole("alert").count(), 0, "the dialog says so");
      await signIn(page);
      await dialog.waitFor({ state: "detached" });
      const alert = card.getByRole("alert");
      await alert.getByText("The endpoint was not changed.").waitFor();
      await alert.getByText("Your session had ended.").waitFor();
      await card.getByText("Enabled", { exact: true }).waitFor();
    },
    { at: "/settings/webhooks" },
  );
});

/** What a changed token says in the console of the browser, which nobody can forbid it. */
const ROTATED =
  /status of 401|net::ERR_|WebSocket connection to .* failed|closed before the connec/;

/** The token of the gateway, until the next test changes it. */
let current = TOKEN;

/** Starts the gateway anew with another token, while nobody gets through the proxy. */
async function rotate(token) {
  const { gateway, proxy } = dashboard;
  proxy.forwardTo("http://127.0.0.1:1");
  await gateway.halt();
  await gateway.restart({ GATEWAY_ADMIN_TOKEN: token });
  current = token;
}

const post = async (status) =>
  assert.equal((await dashboard.gateway.post(event("task_of_session", status))).status, 200);

test("the token is changed: open pages ask for the new one, and then miss nothing", async () => {
  await post("queued");
  await dashboard.visit(
    async (page) => {
      const row = page.getByRole("row", { name: "task_of_session" });
      await row.getByText("Queued").waitFor();
      await rotate("another-token-of-the-tests-0123456789abcdef");
      dashboard.proxy.forwardTo(dashboard.gateway.url);
      await post("processing");
      const dialog = page.getByRole("dialog", { name: "Your session has ended" });
      await dialog.waitFor();
      assert.ok(await row.getByText("Queued").isVisible(), "the page stands as it stood");
      await signIn(page, current);
      await row.getByText("Processing").waitFor();
    },
    { at: "/tasks", token: current, expected: ROTATED },
  );
});

/** Where a page may be that is open while the token is changed: each has sockets, and asks now and then. */
const OPEN_PAGES = ["/tasks", "/", "/rejections", "/tasks/task_of_session", "/settings/webhooks"];
for (const [nth, at] of OPEN_PAGES.entries()) {
  test(`the token is changed under ${at}: the page asks once, shows the sign-in, and goes on after it`, async () => {
    const { gateway, proxy } = dashboard;
    await post("queued");
    await dashboard.visit(
      async (page) => {
        // Loaded anew, so that all its timers are those of the clock.
        await page.clock.install();
        const open = openSockets(page);
        await page.reload();
        // The browser opens them one after the other: what is still queued would be opened after the change.
        await until(() => open.size === SHARDS + (at.startsWith("/tasks/") ? 1 : 0));
        await rotate(`${nth}-another-token-of-the-tests-0123456789abcdef`);
        const sent = [];
        page.on("request", (request) => sent.push(`${request.method()} ${request.url()}`));
        page.on("websocket", (socket) => sent.push(`socket ${socket.url()}`));
        const refused = [];
        page.on("response", (answer) => answer.status() === 401 && refused.push(answer));
        proxy.forwardTo(gateway.url);
        await page.evaluate(() => dispatchEvent(new Event("online")));

        const dialog = page.getByRole("dialog", { name: "Your session has ended" });
        await dialog.waitFor();
        // An hour goes by, and nothing is sent that would only be refused.
        for (let minute = 0; minute < 60; minute++) await page.clock.runFor(60_000);
        const said = sent.join("\n");
        assert.ok(!said.includes("socket"), `no socket is tried with a void cookie: ${said}`);
        // The one question, and what the page may have been loading beside it.
        assert.ok(refused.length >= 1 && refused.length <= 2 && sent.length <= 3, said);
        const cleared = await refused[0].headerValue("set-cookie");
        assert.match(cleared, /^__Host-vtryon_session=;.*Max-Age=0/);
        assert.deepEqual(await page.context().cookies(), [], "the void cookie is gone");

        // None of that counted as a failure of this address.
        assert.equal(await guess(page, "wrong"), 401);
        await signIn(page, current);
        await dialog.waitFor({ state: "detached" });
        await isLive(page);
        const row = page.getByRole("row", { name: "task_of_session" });
        await dashboard.show(page, "/tasks");
        await row.waitFor();
      },
      { at, token: current, expected: ROTATED },
    );
  });
}
