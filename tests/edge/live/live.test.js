// Live updates: every message, on every path, by WebSocket and by SSE.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery, taskOf } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { live, opened, ready, streams } from "../support/live/streams.js";
import { TRANSPORTS } from "../support/live/subscriber.js";

const SHARDS = 2;
/** Every task of this file lies in this shard; the other one stays empty. */
const SHARD = 1;

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

afterEach(async () => {
  const { endpoints } = (await gateway.api("/api/endpoints")).body;
  for (const { id } of endpoints) await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
});

const mine = (prefix) => taskOf(SHARD, SHARDS, prefix);
const shown = async (id) => (await gateway.api(`/api/tasks/${encodeURIComponent(id)}`)).body;

/** What a task is in a message: as the API shows it, without its timeline. */
async function standing(id) {
  const { task_id: _, events, ...task } = await shown(id);
  assert.equal(task.seq, events.at(-1).seq, "the number of its last event");
  return task;
}

/** A task in a message may name itself. */
const nameless = ({ task_id: _, ...task }) => task;

/** Holds the tasks of a snapshot to the listing; the latest is the one that is named. */
async function checkListed(tasks, latest) {
  const listed = (await gateway.api("/api/tasks")).body.tasks;
  assert.deepEqual(tasks, listed);
  assert.equal(tasks[0].task_id, latest);
  assert.deepEqual(nameless(tasks[0]), await standing(latest));
}

/** [an event of a task, what it is to it] */
const EVENTS = (id) => [
  [event(id, "processing"), "applied"],
  [event(id, "queued"), "late"],
  [event(id, "paused"), "unknown"],
  [event(id, "completed", { data: { result_url: "https://cdn.example/1.png" } }), "applied"],
  [event(id, "failed"), "conflict"],
  [JSON.stringify({ event: "generation.rated", task_id: id }), "unknown"],
];

for (const [nth, stream] of streams(SHARD, SHARDS).entries()) {
  const { transport, what, path, shards, ofTask } = stream;

  test(`${transport} of ${what}: snapshot, ready, then each event as it comes`, async (t) => {
    const [id, first] = [mine(`task_first_${nth}`), mine(`task_shown_${nth}`)];
    await acknowledged(gateway, event(first, "queued"));
    const subscriber = await opened(t, transport, gateway, path(id));
    await subscriber.holds(({ messages }) => messages.length === 2 * shards.length);
    for (const shard of shards) {
      const [snapshot, ready] = subscriber.messages.filter((message) => message.shard === shard);
      assert.deepEqual([snapshot.type, ready.type], ["snapshot", "ready"]);
      assert.equal(snapshot.shards, SHARDS);
      if (ofTask) assert.equal(snapshot.task, null, "nothing arrived yet");
      else if (shard === SHARD) await checkListed(snapshot.tasks, first);
      else assert.deepEqual(snapshot.tasks, []);
    }
    for (const [count, [body, outcome]] of EVENTS(id).entries()) {
      await acknowledged(gateway, body);
      await subscriber.holds(() => subscriber.all("event").length > count);
      const received = subscriber.all("event").at(-1);
      const { event, status, received_at, key, seq } = received;
      const entry = (await shown(id)).events.at(-1);
      assert.deepEqual({ event, status, outcome, received_at, key, seq }, entry);
      assert.deepEqual([received.task_id, received.shard, received.outcome], [id, SHARD, outcome]);
      assert.deepEqual(nameless(received.task), await standing(id));
    }
  });

  test(`${transport} of ${what}: earlier events, each with the present state of its task`, async (t) => {
    const id = mine(`task_before_${nth}`);
    const statuses = ["queued", "processing", "completed"];
    for (const status of statuses) await acknowledged(gateway, event(id, status));
    await acknowledged(gateway, event(id, "queued"));
    const query = { since: "1h" };
    const subscriber = await ready(t, transport, gateway, path(id), { shards, query });
    assert.deepEqual(subscriber.all("snapshot"), []);
    const received = subscriber.all("event").filter(({ task_id }) => task_id === id);
    assert.deepEqual(
      received.map(({ status, seq }) => [status, seq]),
      (await shown(id)).events.map(({ status, seq }) => [status, seq]),
    );
    const now = await standing(id);
    for (const { task } of received) assert.deepEqual(nameless(task), now);
    assert.equal(now.status, "completed");
  });

  test(`${transport} of ${what}: deliveries, a replay of one and of a range`, async (t) => {
    const id = mine(`task_delivered_${nth}`);
    const other = mine(`task_other_${nth}`);
    const subscriber = await ready(t, transport, gateway, path(id), { shards });
    const endpoint = await gateway.register(backend.url);
    // One after the other: the range begins with the first.
    await acknowledged(gateway, event(id, "queued"));
    await acknowledged(gateway, event(other, "queued"));
    const { id: dlv, seq, webhook_id } = await delivery(gateway, { task_id: id });
    const hint = { type: "delivery", shard: SHARD, delivery: dlv, task_id: id, state: "delivered" };
    await subscriber.until((message) => isDeepStrictEqual(message, hint));

    await gateway.api(`/api/deliveries/${dlv}/replay`, { method: "POST" });
    const first = await subscriber.until("replay");
    const original = subscriber.all("event").find(({ task_id }) => task_id === id);
    const { type: _, ...facts } = original;
    const { id: cursor, seq: own } = first;
    assert.ok(own > seq);
    assert.notEqual(cursor, original.id);
    assert.equal(webhook_id, original.webhook_id);
    const replay = { ...facts, type: "replay", id: cursor, seq: own, of: seq, delivery: dlv };
    assert.deepEqual({ ...first, task: null }, { ...replay, task: null });

    const json = { endpoint: endpoint.id, which: "all", from: original.received_at };
    const range = await gateway.api("/api/replay", { json });
    assert.equal(range.status, 202);
    await subscriber.holds(() =>
      subscriber.all("replay").some(({ id, of }) => id !== cursor && of === seq),
    );
    if (!ofTask)
      await subscriber.until(({ type, task_id }) => type === "replay" && task_id === other);
    await until(async () => (await gateway.api(`/api/replays/${range.body.replay_id}`)).body.done);
    if (!ofTask) return;
    const rest = subscriber.messages.filter(
      ({ task_id }) => task_id !== undefined && task_id !== id,
    );
    assert.deepEqual(rest, [], "nothing of another task");
  });
}

test("a task's snapshot has its timeline", async (t) => {
  const id = mine("task/with a 🧥");
  for (const [body] of EVENTS(id)) await acknowledged(gateway, body);
  const task = await shown(id);
  for (const transport of TRANSPORTS) {
    const subscriber = await opened(t, transport, gateway, live(id));
    assert.deepEqual((await subscriber.until("snapshot")).task, task);
  }
});

test("a subscriber's close is answered", async (t) => {
  const id = mine("task_closed");
  for (const { transport, path, shards } of streams(SHARD, SHARDS)) {
    if (transport === "SSE") continue;
    const subscriber = await ready(t, transport, gateway, path(id), { shards });
    assert.deepEqual(await subscriber.close(), { code: 1000 }, path(id));
  }
});

test("a duplicate is not broadcast", async (t) => {
  const [id, next] = [mine("task_twice"), mine("task_next")];
  const subscriber = await ready(t, "WebSocket", gateway, `/api/live/${SHARD}`);
  await acknowledged(gateway, event(id, "queued"));
  await acknowledged(gateway, event(id, "queued"));
  await acknowledged(gateway, event(next, "queued"));
  await subscriber.until(({ task_id }) => task_id === next);
  assert.deepEqual(
    subscriber.all("event").map(({ task_id }) => task_id),
    [id, next],
  );
});

test("an event is broadcast before the results of its deliveries", async (t) => {
  const id = mine("task_hint");
  const subscriber = await ready(t, "WebSocket", gateway, live(id));
  await gateway.register(backend.url);
  await acknowledged(gateway, event(id, "queued"));
  await subscriber.until("delivery");
  const types = subscriber.messages.map(({ type }) => type).slice(2);
  assert.equal(types[0], "event");
});
