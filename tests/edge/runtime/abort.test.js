// An abort, as of a full memory, ends the instance of WebAssembly; the next request starts another one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { event, Gateway } from "../support/gateway.js";

const ABORTS = [
  ["in the Worker", event("task_1", "completed"), { "x-fault": "abort" }],
  ["in a shard", event("fault:abort", "queued"), {}],
];
for (const [where, body, headers] of ABORTS) {
  test(`after an abort ${where}, what was acknowledged is there, and events are stored again`, async (t) => {
    const gateway = await Gateway.start({ build: "build-faults" });
    t.after(() => gateway.stop());
    const ids = Array.from({ length: 12 }, (_, n) => `task_${n}`);
    for (const status of ["queued", "processing", "completed"]) {
      for (const id of ids) {
        assert.equal((await gateway.post(event(id, status))).status, 200);
        assert.equal((await gateway.api(`/api/tasks/${id}`)).body.status, status);
      }
      // What runs in the instance that ends is answered by the runtime, or by nobody.
      const answer = await gateway
        .post(body, { headers, signal: AbortSignal.timeout(2000) })
        .catch(({ name }) => assert.equal(name, "TimeoutError"));
      if (answer) assert.ok(answer.status >= 500, answer.status);
    }
    for (const id of ids) {
      const { body } = await gateway.api(`/api/tasks/${id}`);
      assert.deepEqual(
        body.events.map(({ status, outcome }) => [status, outcome]),
        ["queued", "processing", "completed"].map((status) => [status, "applied"]),
      );
    }
    assert.equal((await gateway.api("/api/tasks/fault:abort")).status, 404);
  });
}
