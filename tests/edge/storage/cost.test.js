// Rows written per event, as the platform bills them: counted by the build for tests, with the alarms that are set.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, sign, until } from "../support/gateway.js";
import { metered, rows, since } from "../support/metering.js";

let gateway;
let last;
before(async () => {
  // The runtime reads up to 64 KiB of a body that is refused. With more it resets the connection, and the answer may be lost.
  const bindings = { SHARDS: "1", MAX_BODY_BYTES: "16384" };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  // The first event of a shard brings its stored form up to date too.
  await gateway.post(event("task_first", "queued"));
  // The directory asks a shard once where the deployment lies.
  await gateway.api("/api/rejections");
  last = await metered(gateway);
});
after(() => gateway.stop());

/** Returns what was billed since the last time. */
async function billed() {
  const counted = await metered(gateway);
  const more = since(last, counted);
  last = counted;
  return more;
}

/** [the name, the body, the rows written by ARCHITECTURE.md] */
const EVENTS = [
  ["a first event", event("task_cost", "queued"), 4],
  ["a further event", event("task_cost", "processing"), 2],
  ["a late or unknown event", event("task_cost", "paused"), 2],
  ["a final event", event("task_cost", "completed"), 2],
  ["a conflicting event", event("task_cost", "failed"), 2],
  ["a duplicate", event("task_cost", "queued"), 0],
  ["a duplicate of the end", event("task_cost", "completed"), 0],
  ["an event by another name", JSON.stringify({ event: "rated", task_id: "task_cost" }), 3],
  ["a duplicate of it", JSON.stringify({ event: "rated", task_id: "task_cost" }), 0],
];
for (const [name, body, written] of EVENTS) {
  test(`${name}: ${written}`, async () => {
    assert.equal((await gateway.post(body)).status, 200);
    assert.equal(rows(await billed()), written);
  });
}

test("a body that can't be read: 4, with the condition that an alert tells of, and the alarm that reports it", async () => {
  assert.equal((await gateway.post("no json")).status, 200);
  const counted = await billed();
  // The alarm begins two seconds later. Where the machine was busy for so long, what it writes may be counted too.
  const written = rows(counted);
  assert.ok(counted.alarm_run === 0 ? written === 4 : written >= 4, `${written} rows written`);
});

test("the alarm reports the condition", async () => {
  await until(async () => {
    const { alerts } = (await gateway.api("/api/alerts")).body;
    return alerts.some(({ cause }) => cause === "event_quarantined");
  });
  // So that what comes later is not counted with what follows.
  await billed();
});

test("a duplicate of a body that can't be read: 0", async () => {
  assert.equal((await gateway.post("no json")).status, 200);
  assert.equal(rows(await billed()), 0);
});

test("a duplicate is a request to the Worker and one to its shard, and reads", async () => {
  assert.equal((await gateway.post(event("task_cost", "queued"))).status, 200);
  const { request, shard_request, rows_read, ...rest } = await billed();
  assert.deepEqual([request, shard_request], [1, 1]);
  assert.ok(rows_read <= 5, `${rows_read} rows read`);
  assert.deepEqual(new Set(Object.values(rest)), new Set([0]), JSON.stringify(rest));
});

/** [what is refused, the signature, the body] */
const REFUSED = [
  ["no signature", null, "{}"],
  ["a malformed one", "nonsense", "{}"],
  ["two", `${sign("{}")},${sign("{}")}`, "{}"],
  ["one of another body", sign("{ }"), "{}"],
  ["one by another secret", sign("{}", "whsec_other"), "{}"],
  ["a body that is too long", sign("{}"), "x".repeat(16_385)],
];
for (const [name, signature, body] of REFUSED) {
  test(`refused, ${name}: no request to a shard, no alarm`, async () => {
    for (let repeat = 0; repeat < 20; repeat++) {
      assert.ok([401, 413].includes((await gateway.post(body, { signature })).status));
    }
    // An isolate reports its refusals to the directory in one batch.
    const { request, shard_request, directory_request, alarm_set, kv_write } = await billed();
    assert.deepEqual([request, shard_request, alarm_set, kv_write], [20, 0, 0, 0]);
    assert.ok(directory_request <= 1, `${directory_request} requests to the directory`);
  });
}
