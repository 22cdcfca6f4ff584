// The answer to an event does not wait for those who watch: the event is shown afterwards, and in order all the same.
// From an event of the task `fault:hold` on nothing is shown, until there is one of `fault:release`. A turn of the
// broadcasts reaches one socket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bearer } from "../support/api/caller.js";
import { acknowledged, named } from "../support/deliveries.js";
import { event, Gateway, TOKEN } from "../support/gateway.js";
import { live, opened, ready } from "../support/live/streams.js";
import { ticketFor } from "../support/live/tickets.js";

const HOLD = "fault:hold";
const RELEASE = "fault:release";
const SHARD = "/api/live/0";

/** How many broadcasts a shard queues before it decides on anything more. */
const MOST = 50;

let gateway;
before(async () => {
  const bindings = { SHARDS: "1", LIMIT: "1" };
  gateway = await Gateway.start({ build: "build-faults", bindings });
});
after(() => gateway.stop());

const watch = (t, path, options) => ready(t, "WebSocket", gateway, path, options);
const received = (subscriber) =>
  subscriber.all("event").map(({ task_id, event }) => [task_id, event]);
const post = (name, ...tasks) => acknowledged(gateway, ...tasks.map((id) => named(name, id)));

/** Waits for an answer of the shard, and for a pong: whatever was sent to a subscriber before has come then. */
async function settled(subscriber) {
  await gateway.api("/api/tasks");
  const { pongs } = subscriber;
  subscriber.send("ping");
  await subscriber.holds((subscriber) => subscriber.pongs > pongs);
}

test("an event is acknowledged before it is broadcast", async (t) => {
  const name = "task.answered";
  const ticket = await ticketFor(gateway, HOLD);
  const early = [await watch(t, SHARD), await watch(t, live(HOLD))];
  const cut = await watch(t, SHARD);
  const page = await opened(t, "WebSocket", gateway, live(HOLD), { ticket });
  await page.until("snapshot");

  await acknowledged(gateway, event(HOLD, "queued"));
  await post(name, "task_between");
  for (const subscriber of [...early, cut]) {
    await settled(subscriber);
    assert.deepEqual(received(subscriber), []);
  }
  // A page takes no ping: it is looked at after the others.
  assert.deepEqual(page.all("update"), []);

  cut.cut();
  const resumed = await watch(t, SHARD, { resume: cut.last });
  const late = await watch(t, SHARD);
  const { tasks } = late.messages[0];
  assert.deepEqual(
    tasks.map(({ task_id }) => task_id),
    ["task_between", HOLD],
  );

  await post(name, RELEASE);
  const status = "generation.status_changed";
  const all = [
    [HOLD, status],
    ["task_between", name],
    [RELEASE, name],
  ];
  for (const [subscriber, expected] of [
    [early[0], all],
    [early[1], all.slice(0, 1)],
    [resumed, all],
    [late, all.slice(2)],
  ]) {
    await subscriber.until(({ task_id }) => task_id === expected.at(-1)[0]);
    await settled(subscriber);
    assert.deepEqual(received(subscriber), expected);
  }
  assert.equal((await page.until("update")).task.status, "queued");
});

test("a shard that can't broadcast has a bounded queue", async (t) => {
  const name = "task.behind";
  const subscriber = await watch(t, SHARD);
  const tasks = [HOLD, ...Array.from({ length: MOST + 10 }, (_, nth) => `task_behind_${nth}`)];
  for (const id of tasks) await post(name, id);
  await settled(subscriber);
  const expected = [...tasks, RELEASE].map((id) => [id, name]);
  assert.deepEqual(received(subscriber), expected.slice(0, tasks.length - MOST));

  await post(name, RELEASE);
  await subscriber.until(({ task_id }) => task_id === RELEASE);
  assert.deepEqual(received(subscriber), expected);
});

test("nothing is decided while more is queued, however many events come at once", async (t) => {
  const name = "task.crowded";
  for (let nth = 0; nth < 10; nth++) await watch(t, SHARD);
  await post(name, HOLD);
  const requests = Array.from({ length: 2 * MOST }, async (_, nth) => {
    await post(name, `task_crowded_${nth}`);
    const answer = await fetch(`${gateway.url}/api/metrics`, { headers: bearer(TOKEN) });
    const [, queued] = /^vtryon_webhooks_broadcasts_queued (\d+)$/m.exec(await answer.text());
    return Number(queued);
  });
  const queued = await Promise.all(requests);
  assert.equal(Math.max(...queued), MOST);
  await post(name, RELEASE);
});
