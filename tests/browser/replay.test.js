// Dead letters as an operator finds them and delivers them once more: one alone, then the rest as a range.

import assert from "node:assert/strict";
import { test } from "node:test";
import { acknowledged, ahead, delivery, named, taskOf } from "../edge/support/deliveries.js";
import { event } from "../edge/support/gateway.js";
import { assertAccessible, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const SHARDS = 4;
const TASKS = Array.from({ length: SHARDS }, (_, n) => taskOf(n, SHARDS, "task_dead"));

/** By when a further attempt is due, in hours after the first one; a last restart ends what is left of pauses. */
const LATER = [0.05, 0.25, 1.1, 5, 25];
const AFTER_ALL = 26;

const { dashboard, backend } = await opened(
  { backend: "fail" },
  { build: "build-faults", bindings: { SHARDS: String(SHARDS) } },
);

/** Starts the gateway anew with its clock ahead. */
async function skipTo(hours) {
  await dashboard.gateway.halt();
  await dashboard.gateway.restart(ahead(hours));
  dashboard.proxy.forwardTo(dashboard.gateway.url);
}

/** Waits until so many attempts were made of each delivery. */
async function attempted(count) {
  const isSo = ({ attempts }) => attempts.length === count;
  return Promise.all(TASKS.map((task_id) => delivery(dashboard.gateway, { task_id }, isSo)));
}

test("dead letters: found, replayed alone, and replayed as a range with progress until all are delivered", async () => {
  const { gateway } = dashboard;
  await gateway.register(backend.url);
  await acknowledged(gateway, ...TASKS.map((task) => event(task, "completed")));
  await attempted(1);
  for (const [nth, hours] of LATER.entries()) {
    await skipTo(hours);
    await attempted(nth + 2);
  }
  for (const { state } of await attempted(6)) assert.equal(state, "dead");
  await skipTo(AFTER_ALL);
  await dashboard.visit(async (page) => {
    await page.getByRole("link", { name: /^4 dead letters/ }).click();
    const table = page.getByRole("table", { name: "Deliveries" });
    const rows = table.getByRole("row", { name: /^dlv_/ });
    await rows.nth(SHARDS - 1).waitFor();
    const [alone] = TASKS;
    const row = rows.filter({ hasText: alone });
    await row.getByText("all six attempts failed").waitFor();
    await row.getByText("500").waitFor();
    await shoot(page, "dead-letters");

    await row.getByRole("link", { name: /^dlv_/ }).click();
    const attempts = page.getByRole("table", { name: "Attempts" }).getByRole("row");
    await attempts.filter({ hasText: "broken" }).nth(5).waitFor();
    await assertAccessible(page);
    await page.goBack();

    backend.answer = "ok";
    backend.received.length = 0;
    await row.getByRole("button", { name: /^(Replay|Attempt now): dlv_/ }).click();
    await row.getByText("Delivered", { exact: true }).waitFor();
    await row.getByText(/no. 1, replay 1$/).waitFor();
    assert.deepEqual(backend.bodies, [event(alone, "completed")]);

    // Held back until the progress was seen.
    const unanswered = [];
    backend.answer = (exchange) => unanswered.push(exchange);
    await page.getByRole("button", { name: "Replay a range" }).click();
    const dialog = page.getByRole("dialog", { name: "Replay a range" });
    await assertAccessible(page);
    await shoot(page, "dialog-replay-a-range", { fullPage: false });
    await dialog.getByRole("button", { name: "Count" }).click();
    await dialog.getByText("3 would be replayed.").waitFor();
    await dialog.getByRole("button", { name: "Replay", exact: true }).click();
    const progress = page.getByRole("region", { name: "Replay" });
    await progress.getByText("0 delivered, 0 failed, 3 in progress, of 3").waitFor();
    assert.equal(await progress.getByRole("progressbar").getAttribute("value"), "0");
    await assertAccessible(page);
    await shoot(page, "replay-under-way");

    // Whoever loads the page again follows the same replay.
    await page.reload();
    await progress.getByText("0 delivered, 0 failed, 3 in progress, of 3").waitFor();
    backend.answer = "ok";
    for (const { response } of unanswered) response.end("ok");
    await progress.getByText("Replay done").waitFor();
    await progress.getByText("3 delivered, 0 failed, 0 in progress, of 3").waitFor();
    await page.getByRole("heading", { name: "No dead letters." }).waitFor();
    await shoot(page, "replay-done");
    assert.deepEqual(
      backend.bodies.toSorted(),
      TASKS.map((task) => event(task, "completed")).toSorted(),
    );
  });
});

test("a range is cancelled by its button, which is there while something is left to enqueue", async () => {
  const { gateway } = dashboard;
  const { id } = await gateway.register(backend.url, { events: ["cancelled"] });
  await acknowledged(gateway, named("cancelled"));
  const paused = { method: "PATCH", json: { paused: true } };
  await gateway.api(`/api/endpoints/${id}`, paused);
  const json = { endpoint: id, which: "all" };
  const { body: replay } = await gateway.api("/api/replay", { json });
  await dashboard.visit(
    async (page) => {
      const progress = page.getByRole("region", { name: "Replay" });
      await progress.getByText("Replay in progress").waitFor();
      await progress.getByRole("button", { name: "Cancel replay" }).waitFor({ state: "detached" });
      // A range of several pages, of which the first is enqueued.
      let isOpen = true;
      await page.route(`**/api/replays/${replay.replay_id}`, async (route) => {
        isOpen &&= route.request().method() === "GET";
        if (!isOpen) return route.continue();
        return route.fulfill({ json: { ...replay, matched: 520, enqueued: 500, pending: 520 } });
      });
      await page.reload();
      await progress.getByRole("button", { name: "Cancel replay" }).click();
      await progress.getByText("Replay cancelled").waitFor();
      await assertAccessible(page);
      await shoot(page, "replay-cancelled");
    },
    { at: `/deliveries?replay=${replay.replay_id}` },
  );
  const { body } = await gateway.api(`/api/replays/${replay.replay_id}`);
  assert.deepEqual([body.cancelled, body.enqueued], [true, 1]);
});

test("a count that comes after the range was changed is not shown", async () => {
  for (const events of [["one"], ["other"]]) {
    await dashboard.gateway.register(backend.url, { events });
  }
  await dashboard.visit(
    async (page) => {
      const { promise: released, resolve: release } = Promise.withResolvers();
      await page.route("**/api/replay", async (route) => {
        await released;
        await route.fulfill({ json: { matched: 500, truncated: false } });
      });
      await page.getByRole("button", { name: "Replay a range" }).click();
      const dialog = page.getByRole("dialog", { name: "Replay a range" });
      const count = dialog.getByRole("button", { name: "Count" });
      await count.click();
      await dialog.getByLabel("Endpoint").selectOption({ index: 1 });
      release();
      await dialog.locator("[aria-disabled=false]", { hasText: "Count" }).waitFor();
      assert.equal((await dialog.getByRole("status").textContent()).trim(), "");
      await count.click();
      await dialog.getByText("500 would be replayed.").waitFor();
    },
    { at: "/deliveries" },
  );
});

test("from the list of an endpoint that was deleted, a range is of one that there is", async () => {
  const { id } = await dashboard.gateway.register(backend.url, { events: ["deleted"] });
  await dashboard.gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  await dashboard.visit(
    async (page) => {
      await page.getByRole("button", { name: "Replay a range" }).click();
      const dialog = page.getByRole("dialog", { name: "Replay a range" });
      assert.match(await dialog.getByLabel("Endpoint").inputValue(), /^ep_\d+$/);
      await dialog.getByRole("button", { name: "Count" }).click();
      await dialog.getByText(/would be replayed/).waitFor();
    },
    { at: `/deliveries?endpoint=${id}` },
  );
});

test("an id of a replay that is none leads to no other path of the API", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByText("The replay's progress is not known.").waitFor();
      await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
    },
    { at: "/deliveries?replay=../openapi.json" },
  );
});
