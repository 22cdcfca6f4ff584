// Retention: old events are pruned in the background, unless a delivery is pending; and a replayed old event stays a duplicate.
// A restart skips days: the clock of the tests' build is then ahead of this machine's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { ANSWERS, Backend } from "../support/backends/backend.js";
import { acknowledged, ahead, attempted, deliveries, delivery } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { ready } from "../support/live/streams.js";

const RETENTION = 48;

let gateway;
let backend;
let answer = "fail";
before(async () => {
  const bindings = { SHARDS: "1", RETENTION_HOURS: String(RETENTION), ...ahead(0) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  backend = await Backend.start((exchange) => {
    const isPending = String(exchange.body).includes("task_pending");
    ANSWERS[isPending ? answer : "ok"](exchange);
  });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Restarts the gateway with a clock so many hours ahead of this machine's, and wakes its shard. */
async function skipTo(hours) {
  await gateway.halt();
  await gateway.restart(ahead(hours));
  await gateway.api("/api/tasks");
}

const task = async (id) => (await gateway.api(`/api/tasks/${id}`)).status;
const listed = async () => (await gateway.api("/api/tasks")).body.tasks.map((each) => each.task_id);
const quarantined = async () => (await gateway.api("/api/quarantine")).body.quarantine;
const OLD = event("task_old", "completed", { result_url: "https://cdn.example/a.png" });
const OTHER = JSON.stringify({ event: "generation.rated", task_id: "task_old" });
const UNREADABLE = "no json";

test("events younger than the retention stay, even by an hour", async () => {
  await gateway.register(backend.url, { include: ["unknown", "quarantined"] });
  await acknowledged(gateway, OLD, OTHER);
  await acknowledged(gateway, UNREADABLE);
  await until(async () => (await deliveries(gateway, { state: "pending" })).length === 0);
  await acknowledged(gateway, event("task_pending", "completed"));
  await delivery(gateway, { task_id: "task_pending" }, attempted);
  await acknowledged(gateway, event("task_behind", "processing"));
  await delivery(gateway, { task_id: "task_behind" });
  await skipTo(RETENTION - 1);
  // The retry of the pending delivery shows that the alarm has run since.
  await delivery(gateway, { task_id: "task_pending" }, ({ attempts }) => attempts.length > 1);
  for (const id of ["task_old", "task_pending", "task_behind"])
    assert.equal(await task(id), 200, id);
  assert.equal((await quarantined()).length, 1);
});

test("old events are pruned, but no event with a pending delivery", async () => {
  await skipTo(RETENTION + 1);
  await until(async () => (await task("task_old")) === 404);
  await until(async () => (await task("task_behind")) === 404);
  const { attempts, state } = await delivery(gateway, { task_id: "task_pending" }, attempted);
  assert.equal(state, "pending");
  assert.ok(attempts.length > 1);
  assert.deepEqual(await listed(), ["task_pending"]);
  assert.deepEqual(await deliveries(gateway, { task_id: "task_old" }), []);
});

test("the tombstone of an unreadable body reveals nothing of it", async () => {
  await until(async () => (await quarantined()).length === 0);
});

test("a replayed old event is a duplicate: nothing is stored, broadcast or delivered", async (t) => {
  const watcher = await ready(t, "WebSocket", gateway, "/api/live/0");
  const before = backend.received.length;
  const stored = async () => (await gateway.stored()).map(({ digest }) => digest);
  // Asked again where the alarm has written something meanwhile: it may still run.
  await until(async () => {
    const digests = await stored();
    await acknowledged(gateway, OLD, OLD, OTHER, UNREADABLE);
    return isDeepStrictEqual(await stored(), digests);
  });
  assert.equal(await task("task_old"), 404);
  assert.deepEqual(await listed(), ["task_pending"]);
  const old = backend.received.slice(before).filter(({ body }) => !body.includes("task_pending"));
  assert.deepEqual(old, []);
  await acknowledged(gateway, event("task_after", "queued"));
  assert.equal((await watcher.until("event")).task_id, "task_after", "the first that is broadcast");
});

test("an event with a pending delivery is pruned once it is delivered", async () => {
  answer = "ok";
  const [found] = await deliveries(gateway, { task_id: "task_pending" });
  await gateway.api(`/api/deliveries/${found.id}/replay`, { method: "POST" });
  await until(() => backend.received.some(({ body }) => body.includes("task_pending")));
  await delivery(gateway, { task_id: "task_pending" });
  await skipTo(RETENTION + 3);
  await until(async () => isDeepStrictEqual(await listed(), ["task_after"]));
  assert.deepEqual(await deliveries(gateway, { task_id: "task_pending" }), []);
});
