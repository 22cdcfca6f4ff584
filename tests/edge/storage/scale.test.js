// What is read for a request does not grow with what is stored: the rows read, as the platform bills them, are the same
// with 1,000 tasks and with 100,000, or as many as TASKS says. `node bench/run.js gateway-scale` measures how long it takes
// with a million.

import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { seed, seededTask, shardFile } from "../../../bench/gateway/seed.js";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery, named } from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";
import { metered, since } from "../support/metering.js";
import { done, replay } from "../support/ranges.js";

const FEW = 1000;
const MANY = Number(process.env.TASKS ?? 100_000);

let backend;
const gateways = [];
before(async () => {
  backend = await Backend.start();
});
after(async () => {
  for (const gateway of gateways) await gateway.stop();
  await backend.stop();
});

/** Starts a gateway whose shard has a task. */
async function start() {
  const gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
  gateways.push(gateway);
  await acknowledged(gateway, event("task_first", "queued"));
  return gateway;
}

const fileOf = ({ folder }) => shardFile(path.join(folder, "objects"));

/** Starts a gateway with so many tasks and an endpoint; `last` is the number of the last event that was seeded. */
async function filled(tasks) {
  const gateway = await start();
  await gateway.halt();
  const last = seed(fileOf(gateway), tasks);
  await gateway.restart();
  await gateway.register(backend.url);
  // The directory checks once more whether all shards have confirmed.
  await until(async () => (await metered(gateway)).alarm_run >= 1);
  // The first delivery of all notes how its endpoint fares. The alarm comes half a minute later.
  await acknowledged(gateway, event("task_first", "processing"));
  await delivery(gateway, { task_id: "task_first" });
  await until(async () => (await metered(gateway)).alarm_run >= 2);
  await gateway.halt();
  await gateway.restart();
  return { gateway, tasks, last };
}

const get = (target) => async (gateway) => assert.equal((await gateway.api(target)).status, 200);
const post = (body) => (gateway) => acknowledged(gateway, body);

/** What is asked of a gateway with so many tasks, in this order: `[what it is, what is done, rows it writes]`. */
const operations = (tasks, last) => [
  ["the first request after a start", get(`/api/tasks/${seededTask(1)}`), 0],
  ["a task", get(`/api/tasks/${seededTask(tasks / 2)}`), 0],
  ["its result", get(`/api/tasks/${seededTask(tasks / 2)}/result`), 0],
  ["tasks", get("/api/tasks"), 0],
  ["tasks, half-way", get(`/api/tasks?cursor=1.${tasks / 2}`), 0],
  ["tasks that are queued", get("/api/tasks?status=queued"), 0],
  ["tasks that failed", get("/api/tasks?status=failed"), 0],
  [
    "tasks that failed, half-way",
    get(`/api/tasks?status=failed&limit=20&cursor=1.${tasks / 2}`),
    0,
  ],
  ["deliveries", get("/api/deliveries"), 0],
  ["deliveries, half-way", get(`/api/deliveries?cursor=1.${(last / 2) * 65_536}`), 0],
  ["deliveries of a task", get(`/api/deliveries?task_id=${seededTask(tasks / 2)}`), 0],
  ["dead letters", get("/api/deliveries?state=dead&limit=10"), 0],
  ["what is delivered", get("/api/deliveries?state=delivered&endpoint=ep_1"), 0],
  ["a delivery", get(`/api/deliveries/dlv_0_${last * 65_536 + 1}`), 0],
  ["bodies that can't be read", get("/api/quarantine"), 0],
  ["an event by another name", post(named("rated", seededTask(4))), 3],
  ["a duplicate", post(event(seededTask(4), "queued")), 0],
  // Each is delivered too.
  ["a first event", post(event("task_new", "queued")), 6],
  ["a further event", post(event("task_new", "processing")), 4],
  ["a final event", post(event("task_new", "completed")), 4],
  // The last, for two seconds later the alarm reports it.
  ["a body that can't be read", post("no json"), 3],
];

/** How many operations may be left out, because the alarm ran meanwhile on a busy machine. */
const LEFT_OUT = 2;

/** Returns the rows that each operation reads, without those beside which the alarm ran. */
async function rowsRead({ gateway, tasks, last }) {
  const read = {};
  for (const [name, run, written] of operations(tasks, last)) {
    const earlier = await metered(gateway);
    const billed = async () => since(earlier, await metered(gateway));
    await run(gateway);
    await until(async () => (await billed()).rows_written >= written);
    const { rows_read, rows_written, alarm_run } = await billed();
    // What is delivered sets the alarm: on a busy machine it runs meanwhile, and reads and writes as well.
    if (written > 0 && alarm_run > 0) continue;
    assert.deepEqual({ rows_written, alarm_run }, { rows_written: written, alarm_run: 0 }, name);
    read[name] = rows_read;
  }
  return read;
}

test(`the rows read are the same with ${FEW} tasks and with ${MANY}`, async () => {
  const [fewer, more] = await Promise.all([FEW, MANY].map(filled));
  const few = await rowsRead(fewer);
  const many = await rowsRead(more);
  const names = Object.keys(few).filter((name) => name in many);
  const lines = names.map((name) => `${name}: ${few[name]}, ${many[name]}`);
  console.log(`rows read with ${FEW} tasks, and with ${MANY}:\n  ${lines.join("\n  ")}`);
  const all = operations(FEW, 1).length;
  assert.ok(names.length >= all - LEFT_OUT, `${names.length} of ${all} are compared`);
  for (const name of names) assert.equal(many[name], few[name], name);
});

test("a start does not look through deliveries that were never leased", async () => {
  const gateway = await start();
  await gateway.halt();
  seed(fileOf(gateway), FEW);
  // As of an endpoint that was failing all the time: its deliveries were left to the alarm.
  const database = new DatabaseSync(fileOf(gateway));
  database.exec("DELETE FROM meta WHERE name = 'leased_from'");
  database.close();
  await gateway.restart();
  // A body that can't be read sets the alarm, which notes how far everything is done with.
  await acknowledged(gateway, "no json");
  await until(async () => (await metered(gateway)).alarm_run >= 1);
  await gateway.halt();
  await gateway.restart();
  await gateway.api("/api/tasks/task_first");
  const { rows_read } = await metered(gateway);
  assert.ok(rows_read < 100, `${rows_read} rows read`);
});

test("a range to replay is found by its time, without reading older events", async () => {
  const gateway = await start();
  await gateway.halt();
  // The last event is as old as the seeding, and a second of it has a hundred.
  const end = Date.now();
  seed(fileOf(gateway), MANY);
  await gateway.restart();
  await gateway.register(backend.url);
  const earlier = await metered(gateway);
  const range = { from: new Date(end - 5000), until: new Date(end) };
  const { body } = await replay(gateway, { endpoint: "ep_1", which: "all", ...range });
  const { delivered, matched } = await done(gateway, body.replay_id);
  const { rows_read } = since(earlier, await metered(gateway));
  assert.ok(delivered > 100 && delivered === matched, `${delivered} of ${matched}`);
  // Clocks may differ by a minute, so that much is looked at on either side.
  assert.ok(rows_read < 60_000, `${rows_read} rows read`);
});
