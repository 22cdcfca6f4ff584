// What an event costs that is applied and delivered at the first try, in rows written, the alarms that are set
// among them: one that comes alone, and the mean over 200.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, deliveries } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { metered, rows, since } from "../support/metering.js";

const EVENTS = 200;
const AT_ONCE = 20;
const MOST = 5;

let gateway;
let backend;
let endpoint;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
  backend = await Backend.start();
  const tasks = ["task_alone", "task_ended", "task_waits"];
  await acknowledged(gateway, ...tasks.map((task) => event(task, "queued")));
  endpoint = await gateway.register(backend.url);
  // The directory checks once more whether all shards have confirmed.
  await until(async () => (await metered(gateway)).alarm_run === 1);
  // The first delivery of all notes how its endpoint fares.
  await alone(event("task_first", "completed"), 7);
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const delivered = async () => (await deliveries(gateway, { state: "pending" })).length === 0;

/** Posts an event and returns its counts when so many rows are written, and the alarm has run once since. */
async function alone(body, written) {
  const earlier = await metered(gateway);
  const billed = async () => since(earlier, await metered(gateway));
  await acknowledged(gateway, body);
  await until(async () => {
    const counted = await billed();
    return counted.alarm_run === 1 && rows(counted) >= written;
  });
  // What the shard is asked after the run it answers after it.
  assert.ok(await delivered());
  return billed();
}

for (const [name, body] of [
  ["an event", event("task_alone", "processing")],
  ["a final one", event("task_ended", "completed")],
]) {
  test(`${name} that comes alone: 5 rows, of which one is the alarm`, async () => {
    const billed = await alone(body, 5);
    const { alarm_set, alarm_run, kv_write } = billed;
    assert.deepEqual([rows(billed), alarm_set, alarm_run, kv_write], [5, 1, 1, 0]);
  });
}

/** Sets how many attempts the endpoint gets at the same time; the directory's alarm has run when it returns. */
async function limit(max_in_flight) {
  const { alarm_run } = await metered(gateway);
  const path = `/api/endpoints/${endpoint.id}`;
  const { status } = await gateway.api(path, { method: "PATCH", json: { max_in_flight } });
  assert.equal(status, 200);
  await until(async () => (await metered(gateway)).alarm_run > alarm_run);
}

test("a first attempt that waits for a limit: 3 rows more, and the alarm once more", async () => {
  await limit(1);
  const { promise: released, resolve: release } = Promise.withResolvers();
  backend.answer = ({ response }) => released.then(() => response.end("ok"));
  const before = backend.received.length;
  const earlier = await metered(gateway);
  const billed = async () => since(earlier, await metered(gateway));
  await acknowledged(gateway, event("task_alone", "completed"));
  await until(() => backend.received.length === before + 1);
  await acknowledged(gateway, event("task_waits", "processing"));
  release();
  await until(async () => (await delivered()) && (await billed()).alarm_run === 1);
  const { rows_written, alarm_set } = await billed();
  assert.deepEqual([rows_written, alarm_set], [4 + 7, 2]);
  backend.answer = "ok";
  await limit(null);
});

/** Posts an event of each task and returns their counts when all are delivered. */
async function many(status) {
  const earlier = await metered(gateway);
  const before = backend.received.length;
  for (let n = 0; n < EVENTS; n += AT_ONCE) {
    const bodies = Array.from({ length: AT_ONCE }, (_, m) => event(`task_${n + m}`, status));
    await acknowledged(gateway, ...bodies);
  }
  await until(delivered);
  assert.equal(backend.received.length - before, EVENTS);
  return since(earlier, await metered(gateway));
}

test(`an applied and delivered event costs at most ${MOST} rows`, async () => {
  await many("queued");
  const billed = await many("processing");
  const mean = rows(billed) / EVENTS;
  console.log(`rows per event: ${mean}, of them ${billed.alarm_set / EVENTS} alarms`);
  assert.ok(mean <= MOST, `${mean} rows`);
});
