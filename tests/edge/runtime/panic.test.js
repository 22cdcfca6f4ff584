// A panic in one request touches no other, leaves no trace, and no release can be made to panic.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { event, Gateway } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults" });
});
after(() => gateway.stop());

const panic = () =>
  gateway.post(event("task_panic", "queued"), { headers: { "x-fault": "panic" } });

test("a panic in the Worker is a 503, and its siblings are answered", async () => {
  const siblings = Array.from({ length: 20 }, (_, n) =>
    gateway.post(event(`sibling_${n}`, "queued")),
  );
  const panics = Array.from({ length: 5 }, panic);
  for (const sibling of await Promise.all(siblings)) assert.equal(sibling.status, 200);
  for (const answer of await Promise.all(panics)) {
    assert.deepEqual([answer.status, (await answer.json()).error], [503, "unavailable"]);
    assert.equal(answer.headers.get("retry-after"), "10");
  }
  for (let n = 0; n < 20; n++)
    assert.equal((await gateway.api(`/api/tasks/sibling_${n}`)).status, 200);
  assert.equal((await gateway.api("/api/tasks/task_panic")).status, 404);
});

test("a panic in a shard is a 503 and rolls its rows back; the shard continues", async () => {
  // Ids of many, so that some share the shard with the one that panics.
  const ids = Array.from({ length: 20 }, (_, n) => `neighbour_${n}`);
  const answers = ids.map((id) => gateway.post(event(id, "queued")));
  const panics = Array.from({ length: 5 }, () => gateway.post(event("fault:panic", "queued")));
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  for (const answer of await Promise.all(panics)) assert.equal(answer.status, 503);
  assert.equal((await gateway.api("/api/tasks/fault:panic")).status, 404);
  for (const id of ids) assert.equal((await gateway.post(event(id, "completed"))).status, 200);
  for (const id of ids) {
    const { body } = await gateway.api(`/api/tasks/${id}`);
    assert.deepEqual(
      body.events.map(({ outcome }) => outcome),
      ["applied", "applied"],
    );
  }
});

test("the release holds no fault", () => {
  const wasm = (build) =>
    readFileSync(new URL(`../../../edge-worker/${build}/index_bg.wasm`, import.meta.url));
  for (const mark of [
    "x-fault",
    "a fault on purpose in the Worker",
    "a fault on purpose in a shard",
  ]) {
    assert.ok(wasm("build-faults").includes(mark), `${mark} is what the faults are known by`);
    assert.ok(!wasm("build").includes(mark), mark);
  }
});
