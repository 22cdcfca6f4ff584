// A result is read from its shard, and from KV from then on; nothing is written for a result that nobody reads.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, resultKey, until } from "../support/gateway.js";
import { metered, since } from "../support/metering.js";

const RETENTION_HOURS = 48;

let gateway;
let kv;
before(async () => {
  const bindings = { SHARDS: "1", RETENTION_HOURS: String(RETENTION_HOURS) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  kv = await gateway.kv();
});
after(() => gateway.stop());

const result = (id) => gateway.api(`/api/tasks/${id}/result`);
const finish = async (id) => {
  const data = { result_url: "https://cdn.example/4k.png" };
  assert.equal((await gateway.post(event(id, "completed", { data }))).status, 200);
};

test("a result that nobody reads is not written to KV", async () => {
  const before = await metered(gateway);
  await finish("task_unread");
  assert.equal(since(before, await metered(gateway)).kv_write, 0);
  assert.equal(await kv.get(resultKey("task_unread")), null);
});

test("KV keeps a result that was read, as it is and as long as its task is kept", async () => {
  await finish("task_read");
  const first = await result("task_read");
  assert.equal(first.status, 200);
  const kept = await until(() => kv.get(resultKey("task_read"), "json"));
  assert.deepEqual(kept, first.body);
  const [{ expiration }] = (await kv.list({ prefix: resultKey("task_read") })).keys;
  const ends = Date.parse(first.body.completed_at) / 1000 + RETENTION_HOURS * 3600;
  assert.ok(Math.abs(ends - expiration) < 60, `${expiration}, not ${ends}`);

  const before = await metered(gateway);
  assert.deepEqual((await result("task_read")).body, first.body);
  const { kv_read, shard_request, kv_write } = since(before, await metered(gateway));
  assert.deepEqual(
    { kv_read, shard_request, kv_write },
    { kv_read: 1, shard_request: 0, kv_write: 0 },
  );
});

test("a task without a result is not written to KV", async () => {
  assert.equal((await gateway.post(event("task_open", "queued"))).status, 200);
  const before = await metered(gateway);
  assert.equal((await result("task_open")).status, 404);
  assert.equal(since(before, await metered(gateway)).kv_write, 0);
});

test("a result is read where KV fails", async () => {
  await finish("fault:kv");
  const { status, body } = await result("fault:kv");
  assert.deepEqual([status, body.status], [200, "completed"]);
  await gateway.logged("results: a fault on purpose in KV");
  assert.equal(await kv.get(resultKey("fault:kv")), null);
});
