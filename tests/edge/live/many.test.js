// Five hundred sockets: each receives all messages of its task, and no others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, taskOf } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live } from "../support/live/streams.js";
import { view } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";

const SHARDS = 4;
const TASKS = 50;
/** Of each shard, of each task as the administrator, and of each task with a ticket: 4 × 25 + 50 × 4 + 50 × 4. */
const OF_SHARD = 25;
const OF_TASK = 4;
const STATUSES = ["queued", "processing", "completed"];

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
});
after(() => gateway.stop());

const tasks = Array.from({ length: TASKS }, (_, nth) => ({
  id: taskOf(nth % SHARDS, SHARDS, `task_many_${nth}`),
  shard: nth % SHARDS,
}));
const times = (count, make) => Promise.all(Array.from({ length: count }, make));

test("500 sockets", async () => {
  const open = [];
  const socket = async (expected, path, options) => {
    const subscriber = await view("WebSocket", gateway, path, options);
    open.push({ subscriber, expected, path });
    await subscriber.until(options ? "snapshot" : "ready");
  };
  for (let shard = 0; shard < SHARDS; shard++) {
    const own = tasks.filter((task) => task.shard === shard).map(({ id }) => id);
    await times(OF_SHARD, () => socket(own, `/api/live/${shard}`));
  }
  for (const { id } of tasks) {
    const ticket = await ticketFor(gateway, id);
    await times(OF_TASK, () => socket([id], live(id)));
    await times(OF_TASK, () => socket([id], live(id), { ticket }));
  }
  assert.equal(open.length, 500);

  const updates = ({ messages }) =>
    messages.filter(({ type }) => ["event", "update"].includes(type));
  for (const [before, status] of STATUSES.entries()) {
    for (let nth = 0; nth < TASKS; nth += 10) {
      await acknowledged(gateway, ...tasks.slice(nth, nth + 10).map(({ id }) => event(id, status)));
    }
    // A page gets the state at the time of sending, so the test waits for each change.
    for (const { subscriber, expected } of open) {
      await subscriber.holds(() => updates(subscriber).length >= expected.length * (before + 1));
    }
  }
  // Of each shard once more, so that whatever else was on its way has come.
  const last = Array.from({ length: SHARDS }, (_, shard) => taskOf(shard, SHARDS, "task_last"));
  await acknowledged(gateway, ...last.map((id) => event(id, "queued")));
  for (const { subscriber, expected, path } of open) {
    if (expected.length > 1) await subscriber.until(({ task_id }) => last.includes(task_id));
    subscriber.cut();
    const own = updates(subscriber).filter(({ task_id }) => !last.includes(task_id));
    for (const id of expected) {
      const of = own.filter(({ task_id, task }) => (task_id ?? task.task_id) === id);
      const statuses = of.map(({ status, task }) => status ?? task.status);
      assert.deepEqual(statuses, STATUSES, `${path} of ${id}`);
    }
    assert.equal(own.length, expected.length * STATUSES.length, `${path}: nothing else`);
  }
});
