// A full shard, by the size that the runtime says: events are answered 503, what was acknowledged stays and can be read,
// alarms go on, and once retention has made room, events are stored again. The limit is the tests' own: the platform's is
// 10 GB.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, ahead, attempted, deliveries, delivery } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { done, finished, replay } from "../support/ranges.js";

const RETENTION = 48;
/** In bytes: some dozens of the events below. */
const LIMIT = 1_000_000;
/** What the log says of each thing that is refused. */
const FULL = "the shard is full";
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
  await gateway.logged(FULL);
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

test("a range waits until the shard is full no more, and does not make the alarm spin", async () => {
  const { status, body } = await replay(gateway, { endpoint: "ep_1", which: "all" });
  assert.equal(status, 202);
  const failures = () => gateway.log.join("").split(FULL).length - 1;
  const earlier = failures();
  await until(() => failures() > earlier);
  const first = failures();
  await sleep(2_000);
  assert.ok(failures() - first <= 4, `${failures() - first} more in 2 s`);
  await gateway.halt();
  await gateway.restart({ DATABASE_LIMIT: String(10 * LIMIT) });
  await gateway.sweep();
  assert.deepEqual(await done(gateway, body.replay_id), finished(1));
  await gateway.halt();
  await gateway.restart({ DATABASE_LIMIT: String(LIMIT) });
  assert.equal((await gateway.post(event("task_new", "completed"))).status, 503);
});

test("once retention has freed space, events are stored again", async () => {
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
