// A full database: events are answered 503, what was acknowledged stays and can be read, alarms go on, and once
// retention has made room, events are stored again. The limit is the tests' own: the platform's is 10 GB.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, ahead, attempted, deliveries, delivery } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

const RETENTION = 48;
/** In bytes: some dozens of the events below. */
const LIMIT = 1_000_000;
const BODY = { pad: "x".repeat(40_000) };

let gateway;
let backend;
before(async () => {
  const bindings = { SHARDS: "1", RETENTION_HOURS: String(RETENTION), ...ahead(0) };
  gateway = await Gateway.start({ build: "build-faults", bindings });
  backend = await Backend.start();
  await gateway.register(backend.url, { events: ["delivered"] });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const named = (task_id) => JSON.stringify({ event: "delivered", task_id });
const stored = [];

/** Posts large events until one is refused; notes those that were acknowledged. */
async function fill() {
  for (let nth = 0; nth < 100; nth++) {
    const body = event(`task_${stored.length}`, "queued", BODY);
    const answer = await gateway.post(body);
    if (answer.status !== 200) return answer;
    stored.push(body);
  }
  throw new Error("it is never full");
}

test("when it is full, events are answered 503 with Retry-After", async () => {
  backend.answer = "fail";
  await acknowledged(gateway, named("task_owed"));
  await delivery(gateway, { task_id: "task_owed" }, attempted);
  await gateway.halt();
  await gateway.restart({ DATABASE_LIMIT: String(LIMIT) });
  const refused = await fill();
  assert.ok(stored.length > 10, `${stored.length} were stored before`);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "10");
  assert.equal((await refused.json()).error, "unavailable");
  for (const body of [named("task_new"), "no json", event("task_new", "completed")]) {
    assert.equal((await gateway.post(body)).status, 503, body);
  }
  await gateway.logged("SQLITE_FULL");
});

test("an acknowledged event can be read, and its duplicate is acknowledged", async () => {
  for (const [nth, body] of stored.entries()) {
    const { status, body: task } = await gateway.api(`/api/tasks/task_${nth}`);
    assert.deepEqual([status, task.status], [200, "queued"]);
    assert.equal((await gateway.post(body)).status, 200);
  }
  assert.equal(
    (await gateway.api("/api/tasks/task_new")).status,
    404,
    "no half of an event is stored",
  );
  for (const path of ["/api/tasks", "/api/quarantine", "/api/deliveries", "/api/rejections"]) {
    assert.equal((await gateway.api(path)).status, 200, path);
  }
  assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
});

test("the alarm still runs: pending events are delivered", async () => {
  backend.answer = "ok";
  await gateway.halt();
  // The retry is due by then.
  await gateway.restart(ahead(1));
  await gateway.sweep();
  const { state, attempts } = await delivery(gateway, { task_id: "task_owed" });
  assert.equal(state, "delivered");
  assert.equal(backend.received.length, attempts.length, "each attempt arrives once");
});

test("a range that can't be replayed now does not make the alarm spin, and is replayed later", async () => {
  const replay = await gateway.api("/api/replay", { json: { endpoint: "ep_1", which: "all" } });
  assert.equal(replay.status, 202);
  // As where the range was accepted just before the database was full.
  await gateway.halt();
  const [{ file }] = await gateway.stored();
  const database = new DatabaseSync(file);
  database
    .prepare(
      "INSERT OR REPLACE INTO replays (id, matched, enqueued, delivered, failed, next_seq) VALUES (?, 1, 0, 0, 0, 1)",
    )
    .run(replay.body.replay_id);
  database.close();
  await gateway.restart();
  gateway.log.length = 0;
  await gateway.sweep();
  const failures = () => gateway.log.join("").split("SQLITE_FULL").length - 1;
  await until(() => failures() > 0);
  const first = failures();
  await sleep(2_000);
  assert.ok(failures() - first <= 4, `${failures() - first} more in 2 s`);
});

test("once retention has freed space, events are stored again, and the range is replayed", async () => {
  await gateway.halt();
  await gateway.restart(ahead(RETENTION + 2));
  await gateway.sweep();
  await until(async () => (await gateway.post(event("task_new", "completed"))).status === 200);
  assert.equal((await gateway.api("/api/tasks/task_new")).body.status, "completed");
  await until(async () => (await gateway.api("/api/tasks/task_0")).status === 404);
  await acknowledged(gateway, named("task_last"));
  assert.equal((await delivery(gateway, { task_id: "task_last" })).state, "delivered");
  assert.deepEqual(await deliveries(gateway, { state: "pending" }), []);
});
