// Rows written per event, as the platform bills them: counted by the build for tests, without alarms,
// each of which is one more.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, until } from "./gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
  // The first event of a shard brings its stored form up to date too.
  await rows(event("task_first", "queued"));
});
after(() => gateway.stop());

let told = 0;

/** Posts an event, or nothing, and returns the next count that the log tells. */
async function rows(body) {
  if (body) assert.equal((await gateway.post(body)).status, 200);
  const counts = () => [...gateway.log.join("").matchAll(/rows written: (\d+)/g)];
  const [, count] = await until(() => counts()[told]);
  told += 1;
  return Number(count);
}

/** [what comes, the body, the rows that ARCHITECTURE.md tells] */
const EVENTS = [
  ["a first event", event("task_cost", "queued"), 4],
  ["a further event", event("task_cost", "processing"), 2],
  ["a late or unknown event", event("task_cost", "paused"), 2],
  ["a final event", event("task_cost", "completed"), 3],
  ["the alarm that publishes its result", null, 1],
  ["a conflicting event", event("task_cost", "failed"), 2],
  ["a duplicate", event("task_cost", "queued"), 0],
  ["a duplicate of the end", event("task_cost", "completed"), 0],
  ["an event by another name", JSON.stringify({ event: "rated", task_id: "task_cost" }), 3],
  ["a duplicate of it", JSON.stringify({ event: "rated", task_id: "task_cost" }), 0],
  ["a body that can't be read", "no json", 2],
  ["a duplicate of it too", "no json", 0],
];
for (const [name, body, written] of EVENTS) {
  test(`${name}: ${written}`, async () => {
    assert.equal(await rows(body), written);
  });
}
