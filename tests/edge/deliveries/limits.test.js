// The limits of an endpoint, measured at the backend: how many attempts are in progress at the same time, and how many
// begin. Nothing is lost, and what waits arrives in order.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, deliveries, named, taskOf } from "../support/deliveries.js";
import { Gateway, until } from "../support/gateway.js";
import { done, finished, replay } from "../support/ranges.js";

const SHARDS = 2;

/** How long the backend takes, in milliseconds. */
const TAKES = 20;

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

/** Lets the backend count the requests that it is answering; returns the greatest number so far. */
function counting() {
  let now = 0;
  const seen = { most: 0 };
  backend.received.length = 0;
  backend.answer = async ({ response }) => {
    now += 1;
    seen.most = Math.max(seen.most, now);
    await sleep(TAKES);
    now -= 1;
    response.end("ok");
  };
  return seen;
}

const change = (id, json) => gateway.api(`/api/endpoints/${id}`, { method: "PATCH", json });

const arrived = async () => (await deliveries(gateway, { state: "pending" })).length === 0;

/**
 * Holds arrivals to a rate. What has begun by a moment is at most what the seconds since the start allow; what has
 * arrived by then has begun before, however busy the machine is.
 */
function assertRate(started, perSecond) {
  for (const [index, { at }] of backend.received.entries()) {
    const seconds = Math.floor((at - started) / 1000) + 1;
    assert.ok(index < perSecond * seconds, `${index + 1} have arrived within ${seconds} s`);
  }
}

test("a replay of 300 events is never above the limits, and all arrive", async () => {
  const EVENTS = 300;
  const [max_in_flight, attempts_per_second] = [3, 60];
  const { id } = await gateway.register(backend.url, { events: ["ranged"], enabled: false });
  const bodies = Array.from({ length: EVENTS }, (_, n) => named("ranged", `task_${n}`));
  for (let n = 0; n < EVENTS; n += 20) await acknowledged(gateway, ...bodies.slice(n, n + 20));
  const { status } = await change(id, { enabled: true, max_in_flight, attempts_per_second });
  assert.equal(status, 200);
  const seen = counting();
  const started = Date.now();
  const { body } = await replay(gateway, { endpoint: id, which: "all" });
  assert.deepEqual(await done(gateway, body.replay_id), finished(EVENTS));
  assert.deepEqual(backend.bodies.sort(), bodies.sort());
  assert.ok(seen.most <= max_in_flight, `${seen.most} at the same time`);
  assertRate(started, attempts_per_second);
  await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
});

test("first attempts wait for their turn, and arrive in the order of their events", async () => {
  const { id } = await gateway.register(backend.url, { events: ["turn"], max_in_flight: SHARDS });
  const seen = counting();
  const tasks = Array.from({ length: 30 }, (_, n) => taskOf(n % SHARDS, SHARDS, `turn_${n}`));
  const bodies = tasks.map((task) => named("turn", task));
  for (const body of bodies) await acknowledged(gateway, body);
  await until(arrived);
  for (let shard = 0; shard < SHARDS; shard++) {
    const ofShard = bodies.filter((_, n) => n % SHARDS === shard);
    const received = backend.bodies.filter((body) => ofShard.includes(body));
    assert.deepEqual(received, ofShard, `shard ${shard}`);
  }
  assert.ok(seen.most <= SHARDS, `${seen.most} at the same time`);
  await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
});

test("what waits goes out when the limit is taken away", async () => {
  const { id } = await gateway.register(backend.url, { events: ["freed"], attempts_per_second: 1 });
  counting();
  const tasks = Array.from({ length: 100 }, (_, n) => taskOf(0, SHARDS, `freed_${n}`));
  await acknowledged(gateway, ...tasks.map((task) => named("freed", task)));
  const { body } = await change(id, { attempts_per_second: null });
  assert.equal(body.attempts_per_second, null);
  // By the limit, it would take longer than the test waits.
  await until(arrived);
  assert.equal(backend.received.length, tasks.length);
  await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
});

test("limits that two shards can't divide are a conflict, and change nothing", async () => {
  const { id } = await gateway.register(backend.url, { events: ["none"] });
  const refused = await change(id, { description: "new", max_in_flight: 1 });
  assert.deepEqual([refused.status, refused.body.error], [409, "conflict"]);
  assert.match(refused.body.message, /`max_in_flight` is below 2: each of the 2 shards/);
  const { body } = await gateway.api(`/api/endpoints/${id}`);
  assert.deepEqual([body.description, body.max_in_flight], ["", null]);
});
