// A shard that answers nothing any more, for whatever reason of the platform: the others and the directory go on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery, faster, named, taskOf } from "../support/deliveries.js";
import { event, Gateway, resultKey, until } from "../support/gateway.js";
import { ready } from "../support/live/streams.js";
import { replay } from "../support/ranges.js";

const SHARDS = 2;
const HUNG = "fault:hung";
const DAY = 24 * 3_600_000;

let gateway;
let [failing, other] = [];
before(async () => {
  // Five days pass in four seconds.
  const bindings = { SHARDS: String(SHARDS), RETENTION_HOURS: "87600", ...faster(100_000) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  failing = await Backend.start("fail");
  other = await Backend.start("fail");
  await gateway.register(failing.url, { events: ["fails"] });
  await gateway.register(other.url, { events: ["other"] });
});
after(async () => {
  await gateway.stop();
  await failing.stop();
  await other.stop();
});

/** A task of the shard that does not hang. */
const task = (name) => taskOf(1, SHARDS, name);

test("deliveries of another shard go on while its report waits for the one that hangs", async () => {
  const failed = task("failed");
  await acknowledged(gateway, named("hang", HUNG), named("fails", failed));
  await until(async () => {
    const { attempts } = await delivery(gateway, { task_id: failed }, () => true);
    const times = attempts.map((each) => Date.parse(each.attempted_at));
    return times.at(-1) > times[0] + 5 * DAY;
  });
  const later = task("later");
  await acknowledged(gateway, named("other", later));
  await until(() => other.received.length > 0);
  other.answer = "ok";
  await delivery(gateway, { task_id: later });
});

test("the hourly sweep reaches the others, and the directory", async () => {
  assert.equal((await gateway.sweep()).outcome, "ok");
  await gateway.logged("the hourly sweep did not reach shard");
});

/** Starts a gateway whose clock runs at its pace, with `ep_1` for the event that makes a shard hang. */
async function startInRealTime(t) {
  const gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "3" } });
  t.after(() => gateway.stop());
  const backend = await Backend.start();
  t.after(() => backend.stop());
  await gateway.register(backend.url, { events: ["hang"] });
  return gateway;
}

test("a new endpoint gets the events of the shards after sixteen that hang", async (t) => {
  const shards = 17;
  const bindings = { SHARDS: String(shards) };
  const gateway = await Gateway.start({ build: "build-faults", bindings });
  t.after(() => gateway.stop());
  const backend = await Backend.start();
  t.after(() => backend.stop());
  // Every shard is called once: the first call of one asks shard 0, too.
  await gateway.register(backend.url, { events: ["hang"] });
  const hung = [...Array(shards - 1).keys()].map((shard) => taskOf(shard, shards, HUNG));
  await acknowledged(gateway, ...hung.map((task_id) => named("hangs", task_id)));
  const { applied } = await gateway.register(backend.url, { events: ["later"] });
  assert.ok(applied < shards);
  let sent = 0;
  await until(async () => {
    await acknowledged(gateway, named("later", taskOf(shards - 1, shards, `later_${sent++}`)));
    return backend.received.length > 0;
  });
});

test("the report of a first attempt is given up", async (t) => {
  const gateway = await startInRealTime(t);
  await acknowledged(gateway, named("hang", HUNG));
  await gateway.logged("deliveries were attempted, but not reported");
});

test("a range is begun and cancelled all the same, and its key finds it", async (t) => {
  const gateway = await startInRealTime(t);
  await acknowledged(gateway, named("hang", HUNG));
  const begin = () => replay(gateway, { endpoint: "ep_1", which: "all" }, "a key");
  const begun = await begin();
  const { replay_id } = begun.body;
  const cancel = () => gateway.api(`/api/replays/${replay_id}`, { method: "DELETE" });
  const answers = [begun, ...(await Promise.all([begin(), cancel()])), await cancel()];
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.replay_id, body.done]),
    answers.map(() => [202, replay_id, false]),
  );
  assert.deepEqual(
    answers.slice(2).map(({ body }) => body.cancelled),
    [true, true],
  );
});

test("a result that its shard does not confirm in time is deleted from KV again", async (t) => {
  const gateway = await startInRealTime(t);
  // Broadcasts are held only where there is a subscriber. Of the shards, one has all tasks but that of the release.
  await ready(t, "WebSocket", gateway, "/api/live", { shards: [0, 1, 2] });
  const read = "fault:kv-late";
  const data = { result_url: "https://cdn.example/1.png" };
  await acknowledged(gateway, event(read, "completed", { data }), event("fault:hold", "queued"));
  assert.equal((await gateway.api(`/api/tasks/${read}/result`)).status, 200);
  await acknowledged(gateway, named("hang", HUNG));
  await acknowledged(gateway, event("fault:release", "queued"));
  await gateway.logged("a result was deleted from KV again");
  const kv = await gateway.kv();
  await until(async () => (await kv.get(resultKey(read))) === null);
});
