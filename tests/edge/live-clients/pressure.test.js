// A subscriber that falls behind is closed and reconnects; other subscribers and Vtryon are not affected.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, ahead, faster, taskOf } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { live, opened, ready } from "../support/live/streams.js";

const KIB = 1024;
const LIMIT = 1024 * KIB;
const SHARDS = 2;
/** Events whose messages have 87 KiB each: so many are less than the limit, and more. */
const BELOW = 11;
const EVENTS = 40;

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
});
after(() => gateway.stop());

const long = (task_id, nth) =>
  JSON.stringify({ event: "rated", task_id, nth, pad: "x".repeat(64 * KIB) });
const size = ({ bytes }) => bytes.reduce((sum, each) => sum + each, 0);
const seqs = (subscriber) => subscriber.all("event").map(({ seq }) => seq);

const PATHS = [
  ["one shard", () => "/api/live/0", [0]],
  ["one task", live, [0]],
  ["all shards", () => "/api/live", [0, 1]],
];
for (const [what, path, shards] of PATHS) {
  const open = (t, task, options) =>
    ready(t, "WebSocket", gateway, path(task), { shards, query: { bodies: "1" }, ...options });

  /** name: what the subscriber that falls behind does */
  const BEHIND = {
    "acknowledges nothing": () => {},
    "reads nothing": (subscriber) => subscriber.pause(),
  };
  for (const [name, fallBehind] of Object.entries(BEHIND)) {
    test(`${what}: a subscriber that ${name} is closed with 1013, and comes back`, async (t) => {
      const task = taskOf(0, SHARDS, `task ${what} ${name}`);
      const slow = await open(t, task, { acks: false });
      const other = await open(t, task);
      slow.ack();
      fallBehind(slow);
      // Each is acknowledged: whoever watches, and however, Vtryon is answered.
      const posted = [];
      const post = async (count) => {
        while (posted.length < count) {
          posted.push(long(task, posted.length));
          await acknowledged(gateway, posted.at(-1));
        }
        await other.holds(() => seqs(other).length === count);
      };
      await post(BELOW);
      assert.ok(size(other) < LIMIT);
      if (name === "acknowledges nothing") {
        slow.send("ping");
        await slow.holds(({ pongs }) => pongs === 1);
      }
      assert.equal(slow.end, undefined, "as yet it is not too far behind");
      await post(EVENTS);
      assert.ok(size(other) > LIMIT);
      slow.resume();
      assert.deepEqual(await slow.ended(), { code: 1013 });
      assert.equal(other.end, undefined, "the one that keeps up stays");
      const before = seqs(slow);
      assert.ok(before.length < EVENTS);

      const again = await open(t, task, { resume: slow.last });
      assert.deepEqual([...before, ...seqs(again)], seqs(other));
    });
  }

  test(`${what}: an SSE subscriber that reads nothing keeps nothing from others, and reconnects`, async (t) => {
    const task = taskOf(0, SHARDS, `task ${what} SSE`);
    const options = { shards, query: { bodies: "1" } };
    const slow = await ready(t, "SSE", gateway, path(task), options);
    const other = await open(t, task);
    slow.pause();
    for (let nth = 0; nth < EVENTS; nth++) await acknowledged(gateway, long(task, nth));
    await other.holds(() => seqs(other).length === EVENTS);
    slow.cut();
    const resume = slow.last;
    const before = seqs(slow);
    assert.ok(before.length < EVENTS);
    const again = await ready(t, "SSE", gateway, path(task), { ...options, resume });
    assert.deepEqual([...before, ...seqs(again)], seqs(other));
  });
}

/** Starts a gateway for one test, with a clock that it can set. */
async function another(t, bindings) {
  const other = await Gateway.start({ build: "build-faults", bindings });
  t.after(() => other.stop());
  return other;
}

test("all of many shards: after a gap, more than the window holds is sent to its end", async (t) => {
  const shards = Array.from({ length: 32 }, (_, nth) => nth);
  const tasks = (prefix) => shards.map((shard) => taskOf(shard, shards.length, prefix));
  const other = await another(t, {
    SHARDS: String(shards.length),
    RETENTION_HOURS: "48",
    ...ahead(0),
  });
  const { last: resume } = await ready(t, "SSE", other, "/api/live", { shards });
  const old = tasks("task_old");
  await acknowledged(other, ...old.map((id) => event(id, "queued")));
  await other.halt();
  await other.restart(ahead(49));
  await Promise.all(
    old.map((id) => until(async () => (await other.api(`/api/tasks/${id}`)).status === 404)),
  );
  // Snapshots of 10 KiB.
  const OF_EACH = 25;
  for (let nth = 0; nth < OF_EACH; nth++) {
    const ids = tasks(`task_new_${nth}_${"x".repeat(200)}`);
    await acknowledged(other, ...ids.map((id) => event(id, "queued")));
  }
  const subscriber = await ready(t, "WebSocket", other, "/api/live", { shards, resume });
  const count = (type) => subscriber.all(type).length;
  assert.deepEqual(
    [count("gap"), count("snapshot"), count("event")],
    [shards.length, shards.length, OF_EACH * shards.length],
  );
  const snapshots = subscriber.bytes.filter(
    (_, nth) => subscriber.messages[nth].type === "snapshot",
  );
  assert.ok(size({ bytes: snapshots }) > 256 * KIB);
  assert.equal(subscriber.end, undefined);
});

test("a subscriber without messages to acknowledge is not counted as behind", async (t) => {
  const SCALE = 100;
  const other = await another(t, { SHARDS: "1", RETENTION_HOURS: "8760", ...faster(SCALE) });
  const id = "task_idle";
  const huge = (nth) =>
    JSON.stringify({ event: "rated", task_id: id, nth, pad: "x".repeat(240_000) });
  const options = { acks: false, query: { bodies: "1" } };
  const subscriber = await opened(t, "WebSocket", other, "/api/live", options);
  await subscriber.until("ready");
  subscriber.ack();
  const idle = Date.now();
  await until(() => (Date.now() - idle) * SCALE > 31_000);
  // The first fills the window, the other one waits.
  await acknowledged(other, huge(1));
  await acknowledged(other, huge(2));
  await subscriber.until("event");
  subscriber.ack();
  await subscriber.holds(() => subscriber.end || subscriber.all("event").length === 2);
  assert.equal(subscriber.end, undefined);
  subscriber.cut();
});
