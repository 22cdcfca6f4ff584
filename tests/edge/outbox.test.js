// A side effect is tried until it has succeeded: after a failure, and after a kill in between.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event, Gateway, until } from "./support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({
    build: "build-faults",
    bindings: { SHARDS: "1", PUBLISH_FAILS: "99" },
  });
});
after(() => gateway.stop());

test("a failure puts an entry off, holds up no other, and is made up for after kill -9", async () => {
  assert.equal((await gateway.post(event("fault:publish", "completed"))).status, 200);
  await until(() => gateway.log.join("").includes("outbox: a fault on purpose in the outbox"));
  const kv = await gateway.kv();
  assert.equal(await kv.get("result:fault:publish"), null);
  // Until it is published, the shard has it.
  assert.equal((await gateway.api("/api/tasks/fault:publish/result")).status, 200);

  assert.equal((await gateway.post(event("task_other", "completed"))).status, 200);
  await until(() => kv.get("result:task_other"));
  assert.equal(await kv.get("result:fault:publish"), null);

  // The entry is pending, for each attempt has failed. No request comes after the restart: its alarm alone does it.
  await gateway.kill();
  await gateway.restart({ PUBLISH_FAILS: "0" });
  const again = await gateway.kv();
  assert.ok(await until(() => again.get("result:fault:publish")));
});
