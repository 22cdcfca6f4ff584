// The list of deliveries and the page of one while they are open: every row follows, and what the list lacks is counted.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { acknowledged, delivery } from "../edge/support/deliveries.js";
import { event, until } from "../edge/support/gateway.js";
import { opened } from "./support/opened.js";

const { dashboard, backend, other } = await opened({ backend: "ok", other: "ok" });
afterEach(() => dashboard.deleteEndpoints());

/** Registers an endpoint, and begins a delivery that it does not answer: `held` has the exchange, to be ended. */
async function heldOf(task) {
  const { id: endpoint } = await dashboard.gateway.register(backend.url);
  const held = [];
  backend.answer = (exchange) => held.push(exchange);
  await acknowledged(dashboard.gateway, event(task, "queued"));
  await until(() => held.length === 1);
  return { endpoint, held };
}

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

const ROUTE = "**/api/deliveries?*";
const rowOf = (page, task) =>
  page
    .getByRole("table", { name: "Deliveries" })
    .getByRole("row", { name: /^dlv_/ })
    .filter({ hasText: task });

/** What is loading while a delivery ends, and how many newer deliveries there are. */
const LOADS = [
  { what: "the list", newer: 0, load: (page) => page.reload() },
  {
    what: "the next page of the list",
    newer: 50,
    load: (page) => page.getByRole("button", { name: "Load more" }).click(),
  },
];
for (const { what, newer, load } of LOADS) {
  test(`a delivery that ends while ${what} is loading is shown as delivered`, async () => {
    const { gateway } = dashboard;
    const task = `task_before_${newer}`;
    const { endpoint: id, held } = await heldOf(task);
    backend.answer = "ok";
    const others = Array.from({ length: newer }, (_, n) => event(`task_newer_${n}`, "queued"));
    await acknowledged(gateway, ...others);
    await dashboard.visit(
      async (page) => {
        const hint = hintsTo(page);
        await page.clock.install();
        await page.reload();
        await page.getByRole("table", { name: "Deliveries" }).waitFor();
        const read = Promise.withResolvers();
        const ended = Promise.withResolvers();
        await page.route(ROUTE, async (route) => {
          const response = await route.fetch();
          read.resolve();
          await ended.promise;
          await route.fulfill({ response });
        });
        await load(page);
        await read.promise;
        await page.getByText("Live", { exact: true }).first().waitFor();
        for (const { response } of held) response.end("ok");
        await hint(task, "delivered");
        // Messages are taken in batches.
        await page.clock.runFor(1000);
        ended.resolve();
        const row = rowOf(page, task);
        await row.getByText("Delivered", { exact: true }).waitFor();
        await row.getByText(/no. 1/).waitFor();
      },
      { at: `/deliveries?endpoint=${id}` },
    );
  });
}

test("a delivery that begins while the list is loading is in it, and not counted as lacking", async () => {
  const { gateway } = dashboard;
  backend.answer = "ok";
  const { id } = await gateway.register(backend.url);
  await acknowledged(gateway, event("task_first", "queued"));
  await dashboard.visit(
    async (page) => {
      const hint = hintsTo(page);
      await page.clock.install();
      await page.reload();
      await rowOf(page, "task_first").waitFor();
      await page.getByText("Live", { exact: true }).first().waitFor();
      await acknowledged(gateway, event("task_before", "queued"));
      const show = page.getByRole("button", { name: "Show 1 newer delivery" });
      await show.waitFor();
      const begun = Promise.withResolvers();
      await page.route(ROUTE, async (route) => {
        await begun.promise;
        await route.continue();
      });
      const asked = page.waitForRequest(ROUTE);
      await show.click();
      await asked;
      await acknowledged(gateway, event("task_meanwhile", "queued"));
      await hint("task_meanwhile", "delivered");
      await page.clock.runFor(1000);
      begun.resolve();
      await rowOf(page, "task_meanwhile").waitFor();
      await rowOf(page, "task_before").waitFor();
      assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 0);
    },
    { at: `/deliveries?endpoint=${id}` },
  );
});

test("a delivery's page does not load it again and again, and shows it still where it can't be loaded again", async () => {
  const { gateway } = dashboard;
  const { endpoint, held } = await heldOf("task_page");
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
      await page.getByText("Live", { exact: true }).first().waitFor();
      // Once, and once more when its shard was ready, for it has not ended.
      assert.ok(asked <= 2, `it was asked ${asked} times`);
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

test("a delivery that ends before its shard is ready is shown as delivered, in the list and on its page", async () => {
  const { gateway } = dashboard;
  const { endpoint, held } = await heldOf("task_unready");
  const { id } = await delivery(gateway, { endpoint, task_id: "task_unready" }, () => true);
  await dashboard.visit(async (list) => {
    const page = await list.context().newPage();
    const { promise: isEnded, resolve: end } = Promise.withResolvers();
    // No socket is opened before the delivery has ended.
    const hold = async (socket) => {
      await isEnded;
      socket.connectToServer();
    };
    for (const each of [list, page]) await each.routeWebSocket(/\/api\/live\//, hold);
    await dashboard.show(list, `/deliveries?endpoint=${endpoint}`);
    await dashboard.show(page, `/deliveries/${id}`);
    const shown = [rowOf(list, "task_unready"), page.getByRole("main")];
    for (const each of shown) await each.getByText("Pending", { exact: true }).first().waitFor();
    for (const { response } of held) response.end("ok");
    await delivery(gateway, { endpoint, task_id: "task_unready" });
    end();
    for (const each of shown) await each.getByText("Delivered", { exact: true }).first().waitFor();
  });
});
