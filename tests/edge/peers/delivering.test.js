// The Worker in JavaScript that the gateway as a whole is measured beside (bench/peers/delivering-worker.js) does the whole
// job: it stores an event and its delivery, delivers it signed, records the attempt, and tries again what has failed.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { SECRET } from "../../../bench/gateway/gateway.js";
import { startPeer } from "../../../bench/gateway/peer.js";
import { until } from "../../support/wait.js";
import { Backend } from "../support/backends/backend.js";
import { event, sign } from "../support/client.js";

const ENDPOINT_SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

let backend;
let peer;
before(async () => {
  backend = await Backend.start();
  const variables = { ENDPOINT: backend.url, ENDPOINT_SECRET };
  peer = await startPeer("delivering-worker.js", { shards: 1, variables });
});
after(async () => {
  await peer.stop();
  await backend.stop();
});

function post(body, signature = sign(body, SECRET)) {
  const headers = { "x-vtryon-signature": signature };
  return fetch(`${peer.url}/webhooks/vtryon`, { method: "POST", body, headers });
}

/** Posts an event; returns what the backend got next. */
async function delivered(body) {
  const before = backend.received.length;
  const answer = await post(body);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { received: true });
  await until(() => backend.received.length > before);
  return backend.received.at(-1);
}

/** Reads the deliveries from the file of its one shard, while the runtime has it open. */
function deliveries() {
  const names = readdirSync(peer.objects, { recursive: true });
  const file = names.find((name) => /Shard.*[0-9a-f]{64}\.sqlite$/.test(name));
  const database = new DatabaseSync(path.join(peer.objects, file), { readOnly: true });
  const rows = database
    .prepare(
      `SELECT task_id, status, CAST(body AS TEXT) AS body, state, due_at IS NULL AS ended, attempts
       FROM deliveries JOIN events ON seq = deliveries.no JOIN tasks ON tasks.no = task_no ORDER BY seq`,
    )
    .all();
  database.close();
  return rows.map((row) => ({ ...row, attempts: JSON.parse(row.attempts) }));
}

test("an event is delivered, signed by Standard Webhooks, and the attempt is recorded", async () => {
  const body = event("task_whole", "queued");
  const arrived = await delivered(body);
  assert.equal(String(arrived.body), body);
  assert.equal(arrived.headers["webhook-id"], "task_whole:queued");
  new Webhook(ENDPOINT_SECRET).verify(body, arrived.headers);

  await until(() => deliveries()[0].ended === 1);
  const [{ attempts, ...row }] = deliveries();
  const expected = { task_id: "task_whole", status: "queued", state: "delivered", ended: 1, body };
  assert.deepEqual(row, expected);
  assert.deepEqual(
    attempts.map(({ status }) => status),
    [200],
  );
});

test("a duplicate is answered and not delivered, a wrong signature is refused", async () => {
  const body = event("task_whole", "queued");
  assert.equal((await post(body)).status, 200);
  assert.equal((await post(body, sign(body, "whsec_of_another"))).status, 401);
  await delivered(event("task_whole", "processing"));
  const ids = backend.received.map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual(ids, ["task_whole:queued", "task_whole:processing"]);
});

test("what the backend refuses is tried again later", async () => {
  backend.answer = "fail";
  await delivered(event("task_refused", "queued"));
  backend.answer = "ok";
  await until(() => deliveries().at(-1).attempts.length === 1);
  const { state, ended, attempts } = deliveries().at(-1);
  assert.deepEqual([state, ended, attempts[0].status], ["pending", 0, 500]);
});

test("an attempt that a crash has cut off is made again", async () => {
  backend.answer = "hang";
  const { headers } = await delivered(event("task_cut_off", "queued"));
  await peer.halt();
  backend.answer = "ok";
  const before = backend.received.length;
  await peer.restart();
  await until(() => backend.received.length > before);
  assert.equal(backend.received.at(-1).headers["webhook-id"], headers["webhook-id"]);
  await until(() => deliveries().at(-1).state === "delivered");
});
