// Ranges over all shards: asked for once per idempotency key, shown with their progress, refused where they are none.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, deliveries, delivery, named, taskOf } from "../support/deliveries.js";
import { Gateway, until } from "../support/gateway.js";
import { counts, done, finished, replay } from "../support/ranges.js";

const SHARDS = 3;

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

test("a range has the events of all shards, and is delivered once per idempotency key", async () => {
  const endpoint = await gateway.register(backend.url, { events: ["ranged"] });
  const tasks = Array.from({ length: SHARDS }, (_, n) => taskOf(n, SHARDS, "task"));
  const bodies = tasks.map((task) => named("ranged", task));
  await acknowledged(gateway, ...bodies);
  for (const task_id of tasks) await delivery(gateway, { task_id });
  backend.received.length = 0;

  const range = { endpoint: endpoint.id, which: "all" };
  const first = await replay(gateway, range, "the-key");
  assert.deepEqual([first.status, first.body.matched], [202, SHARDS]);
  const again = await replay(gateway, range, "the-key");
  assert.deepEqual([again.status, again.body.replay_id], [202, first.body.replay_id]);
  const other = await replay(gateway, { ...range, which: "dead" }, "the-key");
  assert.deepEqual([other.status, other.body.error], [409, "conflict"]);
  assert.deepEqual(await done(gateway, first.body.replay_id), finished(SHARDS));
  assert.deepEqual(backend.bodies.sort(), bodies.toSorted());
  const late = await replay(gateway, range, "the-key");
  assert.equal(late.body.replay_id, first.body.replay_id);
  assert.deepEqual(counts(late.body), finished(SHARDS));
});

test("a dry run counts in all shards, and delivers nothing", async () => {
  const { id } = await gateway.register(backend.url, { events: ["counted"] });
  const tasks = Array.from({ length: SHARDS }, (_, n) => taskOf(n, SHARDS, "counted"));
  await acknowledged(gateway, ...tasks.map((task) => named("counted", task)));
  for (const task_id of tasks) await delivery(gateway, { task_id });
  backend.received.length = 0;
  const range = { endpoint: id, which: "all" };
  const { status, body } = await replay(gateway, { ...range, dry_run: true }, "counted");
  assert.deepEqual([status, body.matched, body.truncated], [200, SHARDS, false]);
  assert.equal((await gateway.api("/api/deliveries")).body.deliveries[0].state, "delivered");
  // The key is not used up.
  const started = await replay(gateway, range, "counted");
  assert.deepEqual(await done(gateway, started.body.replay_id), finished(SHARDS));
  assert.equal(backend.received.length, SHARDS);
});

test("a cancelled range says how much is enqueued, and delivers that", async () => {
  const PAGE = 50;
  const { id } = await gateway.register(backend.url, { events: ["cancelled"] });
  const task = (n) => taskOf(0, SHARDS, `cancelled_${n}`);
  const bodies = Array.from({ length: PAGE + 20 }, (_, n) => named("cancelled", task(n)));
  const setPaused = (paused) =>
    gateway.api(`/api/endpoints/${id}`, { method: "PATCH", json: { paused } });
  const settled = () =>
    until(async () => (await deliveries(gateway, { endpoint: id, state: "pending" })).length === 0);
  while (bodies.length > 0) await acknowledged(gateway, ...bodies.splice(0, 20));
  await settled();
  await setPaused(true);
  backend.received.length = 0;
  const { body } = await replay(gateway, { endpoint: id, which: "all" });
  assert.equal(body.matched, PAGE + 20);
  const path = `/api/replays/${body.replay_id}`;
  const cancelled = await gateway.api(path, { method: "DELETE" });
  assert.deepEqual([cancelled.status, cancelled.body.cancelled], [200, true]);
  const { matched, enqueued } = cancelled.body;
  assert.equal(matched, enqueued);
  const again = await gateway.api(path, { method: "DELETE" });
  assert.deepEqual([again.status, again.body.enqueued], [200, enqueued]);
  const { body: later } = await gateway.api(path);
  assert.deepEqual([later.enqueued, later.cancelled], [enqueued, true]);
  await setPaused(false);
  await settled();
  // Each by its name: one may come twice.
  const delivered = new Set(backend.received.map(({ headers }) => headers["x-vtryon-delivery"]));
  assert.equal(delivered.size, enqueued);
});

test("a range that is none is refused", async () => {
  const { id } = await gateway.register(backend.url, { events: ["none"] });
  const [early, late] = ["2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"];
  const closed = await gateway.register(backend.url, { enabled: false });
  for (const [json, status] of [
    [{ which: "all" }, 400],
    [{ endpoint: "ep_999" }, 404],
    [{ endpoint: id, which: "some" }, 400],
    [{ endpoint: id, from: late, until: early }, 409],
    [{ endpoint: closed.id }, 409],
    [{ endpoint: "ep_99999" }, 404],
    [{ endpoint: "ep_100000" }, 400],
    [{ endpoint: id, from: "yesterday" }, 400],
  ]) {
    assert.equal((await replay(gateway, json)).status, status, JSON.stringify(json));
  }
  for (const method of ["GET", "DELETE"]) {
    const { status } = await gateway.api("/api/replays/rpl_0000000000000000", { method });
    assert.equal(status, 404, method);
  }
  assert.equal(
    (await gateway.api("/api/deliveries/dlv_0_1/replay", { method: "POST" })).status,
    404,
  );
});
