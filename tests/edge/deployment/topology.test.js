// The number of shards is fixed by the first event. A Worker with another number refuses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway } from "../support/gateway.js";

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
  const why = /SHARDS is 32, but this deployment was made with 4/;
  await gateway.logged(why);
  // With the token, the answer says why.
  for (const [path, init] of [
    ["/api/tasks/task_0", {}],
    ["/api/endpoints", { json: { url: "https://shop.example/hook" } }],
  ]) {
    const { status, body } = await gateway.api(path, init);
    assert.deepEqual([status, body.error], [503, "unavailable"], path);
    assert.match(body.message, why, path);
  }
  await gateway.halt();
  await gateway.restart({ SHARDS: "4" });
  for (let n = 0; n < 12; n++)
    assert.equal((await gateway.api(`/api/tasks/task_${n}`)).body.status, "queued");
  await gateway.register("https://shop.example/hook");
  await gateway.halt();
  await gateway.restart({ SHARDS: "2" });
  const { status, body } = await gateway.api("/api/endpoints");
  assert.equal(status, 503);
  assert.match(body.message, /SHARDS is 2, but this deployment was made with 4/);
});
