// The list of deliveries and the page of one while they are open: every row follows, and what the list lacks is counted.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { acknowledged, delivery } from "../edge/support/deliveries.js";
import { event, until } from "../edge/support/gateway.js";
import { opened } from "./support/opened.js";

const { dashboard, backend, other } = await opened({ backend: "ok", other: "ok" });
afterEach(() => dashboard.deleteEndpoints());

/** More than are loaded again at a time. */
const TASKS = Array.from({ length: 8 }, (_, n) => `task_follows_${n}`);

test("by the endpoint: all rows that change at once follow, and newer deliveries are counted", async () => {
  const { gateway } = dashboard;
  const { id } = await gateway.register(backend.url);
  await gateway.register(other.url);
  const held = [];
  backend.answer = (exchange) => held.push(exchange);
  await acknowledged(gateway, ...TASKS.map((task) => event(task, "queued")));
  await until(() => held.length === TASKS.length);
  await dashboard.visit(
    async (page) => {
      const rows = page
        .getByRole("table", { name: "Deliveries" })
        .getByRole("row", { name: /^dlv_/ });
      const inState = (state) => rows.filter({ has: page.getByText(state, { exact: true }) });
      await page.getByText("Live", { exact: true }).first().waitFor();
      await inState("Pending")
        .nth(TASKS.length - 1)
        .waitFor();
      backend.answer = "ok";
      for (const { response } of held) response.end("ok");
      await inState("Delivered")
        .nth(TASKS.length - 1)
        .waitFor();
      const loaded = rows.filter({ hasText: /no. 1/ });
      await loaded.nth(TASKS.length - 1).waitFor();

      await acknowledged(gateway, event("task_newer", "queued"));
      await page.getByRole("button", { name: "Show 1 newer delivery" }).click();
      await rows.filter({ hasText: "task_newer" }).waitFor();
      assert.equal(await rows.count(), TASKS.length + 1);
      assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 0);
    },
    { at: `/deliveries?endpoint=${id}` },
  );
});

/** Follows what the page is sent over its sockets, from the next load on; returns what waits for a hint. */
function hintsTo(page) {
  const hints = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => {
      const message = payload === "pong" ? {} : JSON.parse(payload);
      if (message.type === "delivery") hints.push(message);
    });
  });
  return (task_id, state) =>
    until(() => hints.some((hint) => hint.task_id === task_id && hint.state === state));
}

test("what changes while the list is loading is shown once it is loaded, and not as lacking", async () => {
  const { gateway } = dashboard;
  const { id } = await gateway.register(backend.url);
  const held = [];
  backend.answer = (exchange) => held.push(exchange);
  await acknowledged(gateway, event("task_loading", "queued"));
  await until(() => held.length === 1);
  await dashboard.visit(
    async (page) => {
      const row = (task) =>
        page
          .getByRole("table", { name: "Deliveries" })
          .getByRole("row", { name: /^dlv_/ })
          .filter({ hasText: task });
      await row("task_loading").getByText("Pending", { exact: true }).waitFor();
      const hint = hintsTo(page);
      await page.clock.install();

      // Read before the delivery has ended, and here after the hint of that.
      const read = Promise.withResolvers();
      const ended = Promise.withResolvers();
      await page.route("**/api/deliveries?*", async (route) => {
        const response = await route.fetch();
        read.resolve();
        await ended.promise;
        await route.fulfill({ response });
      });
      await page.reload();
      await page.getByText("Live", { exact: true }).first().waitFor();
      await read.promise;
      backend.answer = "ok";
      for (const { response } of held) response.end("ok");
      await hint("task_loading", "delivered");
      // Messages are taken in batches.
      await page.clock.runFor(1000);
      ended.resolve();
      await row("task_loading").getByText("Delivered", { exact: true }).waitFor();
      await row("task_loading").getByText(/no. 1/).waitFor();
      await page.unroute("**/api/deliveries?*");

      // Read after the delivery has begun, and here after the hint of that.
      await acknowledged(gateway, event("task_before", "queued"));
      const begun = Promise.withResolvers();
      await page.route("**/api/deliveries?*", async (route) => {
        await begun.promise;
        await route.continue();
      });
      const asked = page.waitForRequest("**/api/deliveries?*");
      await page.getByRole("button", { name: "Show 1 newer delivery" }).click();
      await asked;
      await acknowledged(gateway, event("task_meanwhile", "queued"));
      await hint("task_meanwhile", "delivered");
      await page.clock.runFor(1000);
      begun.resolve();
      await row("task_meanwhile").waitFor();
      await row("task_before").waitFor();
      assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 0);
    },
    { at: `/deliveries?endpoint=${id}` },
  );
});

test("a delivery's page loads it once, and shows it still where it can't be loaded again", async () => {
  const { gateway } = dashboard;
  const { id: endpoint } = await gateway.register(backend.url);
  const held = [];
  backend.answer = (exchange) => held.push(exchange);
  await acknowledged(gateway, event("task_page", "queued"));
  await until(() => held.length === 1);
  const { id } = await delivery(gateway, { endpoint, task_id: "task_page" }, () => true);
  await dashboard.visit(
    async (page) => {
      const shown = page.getByText("Webhook id", { exact: true });
      await shown.waitFor();
      await page.getByText("Live", { exact: true }).first().waitFor();
      let asked = 0;
      page.on("request", (request) => {
        if (request.url().endsWith(`/api/deliveries/${id}`)) asked += 1;
      });
      await page.reload();
      await shown.waitFor();
      assert.equal(asked, 1);

      await page.getByText("Live", { exact: true }).first().waitFor();
      await page.route(`**/api/deliveries/${id}`, (route) => route.abort());
      backend.answer = "ok";
      for (const { response } of held) response.end("ok");
      await page.getByText("The delivery was not loaded.").waitFor();
      assert.equal(await shown.count(), 1);
      await page.unroute(`**/api/deliveries/${id}`);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("Delivered", { exact: true }).waitFor();
    },
    { at: `/deliveries/${id}`, expected: /status of 40[14]|ERR_FAILED|closed before the conn/ },
  );
});
