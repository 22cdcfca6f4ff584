// Events that are pruned or lost are reported as a gap; a snapshot and the stored events follow.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, ahead, taskOf } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { live, ready } from "../support/live/streams.js";
import { TRANSPORTS } from "../support/live/subscriber.js";

const RETENTION = 48;
const SHARDS = 2;

const types = (subscriber) => subscriber.messages.map(({ type }) => type);
const mine = (prefix) => taskOf(0, SHARDS, prefix);

let gateway;
before(async () => {
  const bindings = { SHARDS: String(SHARDS), RETENTION_HOURS: String(RETENTION), ...ahead(0) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
});
after(() => gateway.stop());

/** Restarts the gateway with a clock so many hours ahead of this machine's. */
async function skipTo(hours) {
  await gateway.halt();
  await gateway.restart(ahead(hours));
}

/** Waits until a task is no longer kept. */
const gone = (id) => until(async () => (await gateway.api(`/api/tasks/${id}`)).status === 404);

/** Reads the last ids of streams, each by its path. */
async function lastIds(t, paths) {
  const ids = new Map();
  for (const path of paths) {
    const shards = path === "/api/live" ? [0, 1] : [0];
    ids.set(path, (await ready(t, "SSE", gateway, path, { shards })).last);
  }
  return ids;
}

test("past retention: a gap, a snapshot, and the stored events", async (t) => {
  const [old, retained] = [mine("task_old"), mine("task_kept")];
  const PATHS = ["/api/live/0", "/api/live", live(retained)];
  await acknowledged(gateway, event(retained, "queued"));
  const ids = await lastIds(t, PATHS);
  const [{ seq }] = (await gateway.api(`/api/tasks/${retained}`)).body.events;
  await acknowledged(gateway, event(old, "queued"));
  await acknowledged(gateway, event(retained, "processing"));
  await acknowledged(gateway, event(old, "completed"));
  const lost = (await gateway.api(`/api/tasks/${old}`)).body.events.at(-1).seq;
  await skipTo(40);
  await acknowledged(gateway, event(retained, "completed"));
  const [last] = (await gateway.api(`/api/tasks/${retained}`)).body.events.slice(-1);
  await skipTo(RETENTION + 1);
  await gateway.api("/api/tasks");
  await gone(old);

  for (const transport of TRANSPORTS) {
    for (const [path, resume] of ids) {
      const shards = path === "/api/live" ? [0, 1] : [0];
      const subscriber = await ready(t, transport, gateway, path, { shards, resume });
      const received = subscriber.messages.filter(({ shard }) => shard === 0);
      assert.deepEqual(
        received.map(({ type }) => type),
        ["gap", "snapshot", "event", "ready"],
        `${transport} ${path}`,
      );
      const [gap, { task, tasks }, { seq: next, status }] = received;
      await checkCutOff(t, transport, path, subscriber, shards);
      // What the subscriber has seen is no gap, though that is gone too.
      assert.deepEqual([gap.from, gap.to], [seq + 1, lost]);
      assert.deepEqual([next, status], [last.seq, "completed"]);
      assert.equal((task ?? tasks[0]).status, "completed");
      if (tasks)
        assert.deepEqual(
          tasks.map(({ task_id }) => task_id),
          [retained],
        );
      // Whoever goes on from what came after the snapshot has no gap again.
      for (const { id, type } of received.slice(2)) {
        const resumed = await ready(t, transport, gateway, path, { shards, resume: id });
        assert.ok(!types(resumed).includes("gap"), `${transport} ${path} after ${type}`);
      }
    }
  }
});

/** Insists that whoever is cut off after any of the messages still gets a snapshot of each shard that has a gap. */
async function checkCutOff(t, transport, path, { messages }, shards) {
  for (let count = 1; count < messages.length; count++) {
    const seen = messages.slice(0, count);
    const resume = seen.findLast(({ id }) => id !== undefined).id;
    const then = await ready(t, transport, gateway, path, { shards, resume });
    for (const { shard } of messages.filter(({ type }) => type === "gap")) {
      const received = [...seen, ...then.messages].filter((message) => message.shard === shard);
      const snapshot = received.findIndex(({ type }) => type === "snapshot");
      const place = `${transport} ${path}, shard ${shard}, cut off after ${count}`;
      assert.ok(snapshot > 0 && received[snapshot - 1].type === "gap", place);
    }
  }
}
