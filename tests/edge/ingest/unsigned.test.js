// Nothing unsigned leaves a trace where events are kept: no file, no row, no object. The directory hears of it
// now and then, when all has been answered.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, sign } from "../support/gateway.js";
import { counted } from "../support/rejections.js";

let gateway;
before(async () => {
  // The runtime reads up to 64 KiB of a body that is refused. With more it resets the connection, and the answer may be lost.
  gateway = await Gateway.start({ bindings: { MAX_BODY_BYTES: "16384" } });
  // Before anything is stored, the directory asks shard 0 where the deployment lies.
  const token = { name: "ci", scope: "read" };
  assert.equal((await gateway.api("/api/tokens", { json: token })).status, 201);
});
after(() => gateway.stop());

const BODY = event("task_forged", "completed");

/** What shards have stored. Nothing may run then: SQLite moves rows between its files when it likes. */
async function stored() {
  await gateway.halt();
  const files = await gateway.stored();
  await gateway.restart();
  return files;
}

test("a rejected request wakes no shard", async () => {
  const before = await stored();
  for (const signature of [
    null,
    "",
    "nonsense",
    sign(BODY, "whsec_other"),
    `${sign(BODY)},${sign(BODY)}`,
  ]) {
    assert.equal((await gateway.post(BODY, { signature })).status, 401);
  }
  assert.equal((await gateway.post("x".repeat(16_385))).status, 413);
  await counted(gateway, "payload_too_large");
  assert.deepEqual(await stored(), before);
});

test("a rejected request changes no shard that is there", async () => {
  assert.equal((await gateway.post(event("task_there", "queued"))).status, 200);
  const before = await stored();
  const forged = event("task_there", "completed");
  for (const signature of [null, "nonsense", sign(forged, "whsec_other")]) {
    assert.equal((await gateway.post(forged, { signature })).status, 401);
  }
  assert.deepEqual(await stored(), before);
  assert.equal((await gateway.api("/api/tasks/task_there")).body.status, "queued");
  assert.equal((await gateway.api("/api/tasks/task_forged")).status, 404);
});
