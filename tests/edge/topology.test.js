// The number of shards is fixed by the first event. A Worker with another number refuses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway } from "./gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "4" } });
});
after(() => gateway.stop());

test("to look for tasks fixes nothing", async () => {
  await gateway.halt();
  await gateway.restart({ SHARDS: "8" });
  assert.deepEqual((await gateway.api("/api/tasks")).body, { tasks: [], cursor: null });
  assert.equal((await gateway.api("/api/tasks/nobody")).status, 404);
  await gateway.halt();
  await gateway.restart({ SHARDS: "4" });
});

test("another number of shards is refused, by shards old and new", async () => {
  for (let n = 0; n < 12; n++)
    assert.equal((await gateway.post(event(`task_${n}`, "queued"))).status, 200);
  await gateway.halt();
  await gateway.restart({ SHARDS: "32" });
  // Of 32 shards most are new; each of them asks the first before it believes the number.
  for (let n = 0; n < 40; n++) {
    const answer = await gateway.post(event(`task_${n}`, "completed"));
    assert.deepEqual([answer.status, (await answer.json()).error], [503, "unavailable"]);
  }
  assert.match(gateway.log.join(""), /SHARDS is 32, but this deployment was made with 4/);
  await gateway.halt();
  await gateway.restart({ SHARDS: "4" });
  for (let n = 0; n < 12; n++)
    assert.equal((await gateway.api(`/api/tasks/task_${n}`)).body.status, "queued");
});
