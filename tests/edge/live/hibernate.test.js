// A shard sleeps while its sockets stay open: it leaves the memory of the machine, and they cost nothing.
// The test sees it by a value that is only in memory: the duplicates since a task's last change.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { acknowledged } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";
import { view } from "../support/live/subscriber.js";
import { ticketFor } from "../support/live/tickets.js";

/** The runtime puts an object to sleep that nothing was asked of for 10 seconds. */
const IDLE = 11_000;

let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
});
after(() => gateway.stop());

/** The task of which nothing is shown before the instance ends that has stored it. */
const UNSHOWN = "fault:unshown";

/** Has an event stored and not shown; returns a shopper and an administrator who watch its task. */
async function unshown(t) {
  const ticket = await ticketFor(gateway, UNSHOWN);
  const shopper = await view("WebSocket", gateway, live(UNSHOWN), { ticket });
  t.after(() => shopper.cut());
  await shopper.until("snapshot");
  const admin = await ready(t, "WebSocket", gateway, live(UNSHOWN));
  await acknowledged(gateway, event(UNSHOWN, "queued"));
  return [shopper, admin];
}

const duplicates = async (id) => (await gateway.api(`/api/tasks/${id}`)).body.duplicates;

test("a hibernating object loses its memory, but none of its sockets", async (t) => {
  const TASK = "task_asleep";
  await acknowledged(gateway, event(TASK, "queued"));
  const admins = [];
  for (const path of ["/api/live/0", live(TASK), "/api/live"]) {
    const subscriber = await ready(t, "WebSocket", gateway, path, { query: { bodies: "1" } });
    admins.push(Object.assign(subscriber, { isOfTask: path === live(TASK) }));
  }
  const ticket = await ticketFor(gateway, TASK);
  const shopper = await view("WebSocket", gateway, live(TASK), { ticket });
  t.after(() => shopper.cut());
  await shopper.until("snapshot");
  await acknowledged(gateway, event(TASK, "queued"));
  assert.equal(await duplicates(TASK), 1);
  // This one is not shown before the instance is gone.
  const [missed, watcher] = await unshown(t);

  // To ask whether it sleeps would wake it. A ping does not: the Worker answers that. Shoppers send nothing.
  const sockets = [...admins, watcher];
  await until(async () => {
    const before = sockets.map(({ pongs }) => pongs);
    for (let left = IDLE; left > 0; left -= 2000) {
      await sleep(Math.min(left, 2000));
      for (const socket of sockets) socket.send("ping");
    }
    for (const [nth, socket] of sockets.entries()) {
      await socket.holds(({ pongs }) => pongs > before[nth]);
    }
    return (await duplicates(TASK)) === 0;
  });

  assert.equal((await missed.until("update")).task.status, "queued");
  await watcher.until(({ task_id }) => task_id === UNSHOWN);
  await acknowledged(gateway, event(TASK, "completed"));
  for (const subscriber of admins) {
    const { status, body } = await subscriber.until(({ status }) => status === "completed");
    assert.equal(status, "completed");
    const tasks = subscriber.all("event").map(({ task_id }) => task_id);
    const all = [UNSHOWN, TASK].filter((id) => id === TASK || !subscriber.isOfTask);
    assert.deepEqual(tasks, all, "what it has missed, and nothing twice");
    assert.ok(body, "what it has asked for is remembered");
  }
  assert.equal((await shopper.until("update")).task.status, "completed");
  assert.deepEqual(await shopper.ended(), { code: 1000 });
});
