// Dead letters: replayed alone, or all that an endpoint has, with visible progress. Retries of a day take seconds.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "./support/backend.js";
import { acknowledged, deliveries, delivery, faster, taskOf } from "./support/deliveries.js";
import { event, Gateway } from "./support/gateway.js";
import { counts, done, finished, replay } from "./support/ranges.js";

/** Each shard leaves a failing endpoint alone for a while, so a dead letter in each is the quickest way to many. */
const SHARDS = 6;

let gateway;
let backend;
before(async () => {
  const bindings = { SHARDS: String(SHARDS), RETENTION_HOURS: "87600", ...faster(20_000) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});
test("dead letters: one alone, then the range of the rest, once per idempotency key", async () => {
  const endpoint = await gateway.register(backend.url);
  backend.answer = "fail";
  const tasks = Array.from({ length: SHARDS }, (_, n) => taskOf(n, SHARDS, "task_dead"));
  await acknowledged(gateway, ...tasks.map((task) => event(task, "completed")));
  for (const task_id of tasks) {
    const { state, reason, attempts } = await delivery(gateway, { task_id });
    assert.deepEqual([state, reason, attempts.length], ["dead", "exhausted", 6]);
  }
  const dead = await deliveries(gateway, { state: "dead", endpoint: endpoint.id });
  assert.deepEqual(dead.map(({ task_id }) => task_id).sort(), tasks.toSorted());

  backend.answer = "ok";
  const [alone] = dead;
  const failedBefore = backend.received.filter(({ body }) => body.includes(`"${alone.task_id}"`));
  const answer = await gateway.api(`/api/deliveries/${alone.id}/replay`, { method: "POST" });
  assert.deepEqual([answer.status, answer.body.id, answer.body.replays], [202, alone.id, 1]);
  const { state, attempts } = await delivery(gateway, { task_id: alone.task_id });
  assert.deepEqual([state, attempts.length], ["delivered", 7]);
  const { round, attempt, status } = attempts.at(-1);
  assert.deepEqual({ round, attempt, status }, { round: 1, attempt: 1, status: 200 });
  const sent = backend.received.at(-1);
  assert.equal(sent.headers["webhook-id"], failedBefore[0].headers["webhook-id"]);
  assert.notEqual(sent.headers["x-vtryon-delivery"], failedBefore[0].headers["x-vtryon-delivery"]);
  assert.equal(sent.headers["x-vtryon-attempt"], "1");
  assert.ok(sent.body.equals(failedBefore[0].body));

  backend.received.length = 0;
  const range = { endpoint: endpoint.id, which: "dead" };
  const first = await replay(gateway, range, "the-key");
  assert.deepEqual([first.status, first.body.matched], [202, SHARDS - 1]);
  const again = await replay(gateway, range, "the-key");
  assert.deepEqual([again.status, again.body.replay_id], [202, first.body.replay_id]);
  const other = await replay(gateway, { ...range, which: "all" }, "the-key");
  assert.deepEqual([other.status, other.body.error], [409, "conflict"]);
  assert.deepEqual(await done(gateway, first.body.replay_id), finished(SHARDS - 1));
  assert.deepEqual(
    backend.bodies.map((body) => JSON.parse(body).task_id).sort(),
    tasks.filter((task) => task !== alone.task_id).sort(),
  );
  const late = await replay(gateway, range, "the-key");
  assert.equal(late.body.replay_id, first.body.replay_id);
  assert.deepEqual(counts(late.body), finished(SHARDS - 1));
  assert.deepEqual(await deliveries(gateway, { state: "dead", endpoint: endpoint.id }), []);
});
