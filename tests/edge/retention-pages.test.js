// Retention goes page after page: bodies that can't be read when their key goes, and replays, which have numbers of
// their own.

import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { shardFile } from "../../bench/gateway/seed.js";
import { Backend } from "./support/backend.js";
import { acknowledged, ahead, delivery } from "./support/deliveries.js";
import { event, Gateway, PREVIOUS, sign, until } from "./support/gateway.js";

const RETENTION = 48;
/** Two whole pages and a part of one. */
const BODIES = 450;

let gateway;
let backend;
before(async () => {
  backend = await Backend.start();
  const bindings = { SHARDS: "1", RETENTION_HOURS: String(RETENTION), ...ahead(0) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Restarts the gateway with a clock so many hours ahead of this machine's, and wakes its shard. */
async function skipTo(hours, bindings = {}) {
  await gateway.halt();
  await gateway.restart({ ...ahead(hours), ...bindings });
  await gateway.api("/api/tasks");
}

const tasks = async () => (await gateway.api("/api/tasks")).body.tasks;
const quarantined = async () => (await gateway.api("/api/quarantine?limit=1")).body.quarantine;

test("a replay is pruned with its own number, and no number is used twice", async () => {
  await gateway.register(backend.url);
  await acknowledged(gateway, event("task_replayed", "queued"));
  const { id } = await delivery(gateway, { task_id: "task_replayed" });
  assert.equal((await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" })).status, 202);
  await delivery(gateway, { task_id: "task_replayed" }, ({ state, attempts: { length } }) => {
    return state === "delivered" && length === 2;
  });
  await acknowledged(gateway, event("task_later", "queued"));
  await delivery(gateway, { task_id: "task_later" });
  await skipTo(RETENTION + 1);
  await until(async () => (await tasks()).length === 0);
  await gateway.halt();
  const database = new DatabaseSync(shardFile(path.join(gateway.folder, "objects")));
  assert.equal(database.prepare("SELECT COUNT(*) AS kept FROM replay_log").get().kept, 0);
  database.close();
  await gateway.restart();
  await acknowledged(gateway, event("task_next", "queued"));
  assert.equal((await tasks())[0].seq, 4, "after an event, its replay, and another event");
});

test("bodies that can't be read go with their key, many of them too", async () => {
  const bodies = Array.from({ length: BODIES }, (_, nth) => `no json ${nth}`);
  for (let nth = 0; nth < BODIES; nth += 50) {
    await acknowledged(gateway, ...bodies.slice(nth, nth + 50));
  }
  await skipTo(2 * RETENTION + 2);
  await until(async () => (await quarantined()).length === 0);
  await skipTo(2 * RETENTION + 2, { VTRYON_WEBHOOK_SECRET: "whsec_test_next" });
  // One that is still known is a duplicate, and is not shown.
  for (const nth of [0, 250, BODIES - 2]) {
    const signature = sign(bodies[nth], PREVIOUS);
    await until(async () => {
      assert.equal((await gateway.post(bodies[nth], { signature })).status, 200);
      return (await quarantined())[0]?.head === bodies[nth];
    });
  }
});
