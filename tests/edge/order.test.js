// Which events an endpoint gets, and in which order, after a backend that was down is well again.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Backend } from "./support/backend.js";
import { acknowledged, attempted, deliveries, delivery, named } from "./support/deliveries.js";
import { event, Gateway, until } from "./support/gateway.js";

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start();
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});
afterEach(async () => {
  const { endpoints } = (await gateway.api("/api/endpoints")).body;
  for (const { id } of endpoints) await gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  backend.received.length = 0;
});

const GUIDE = ["queued", "processing", "completed"];
let tasks = 0;

/** The statuses that arrived, in order, and whether the backend took them. */
const arrived = () => backend.bodies.map((body) => JSON.parse(body).status);

/** [the order, how many come while the backend is down, the statuses that it sees, what becomes of each] */
const DOWN = [
  ["latest", 1, ["queued", "processing", "completed"], ["superseded", "delivered", "delivered"]],
  ["latest", 2, ["queued", "processing", "completed"], ["superseded", "superseded", "delivered"]],
  ["all", 1, ["queued", ...GUIDE], ["delivered", "delivered", "delivered"]],
];
for (const [order, failing, seen, states] of DOWN) {
  test(`order ${order}: ${failing} of a task's events come while the backend is down`, async () => {
    const { id } = await gateway.register(backend.url, { order });
    tasks += 1;
    const task_id = `task_order_${tasks}`;
    for (const [n, status] of GUIDE.entries()) {
      backend.answer = n < failing ? "fail" : "ok";
      await acknowledged(gateway, event(task_id, status));
      // Each is attempted before the next one comes, so that nothing but the order decides.
      await until(async () => {
        const [latest] = await deliveries(gateway, { task_id, endpoint: id });
        return latest.status === status && latest.attempts.length > 0;
      });
    }
    const all = (await deliveries(gateway, { task_id, endpoint: id })).reverse();
    assert.deepEqual(
      all.map(({ state }) => state),
      states,
    );
    assert.deepEqual(arrived(), seen);
  });
}

test("order all: an event that comes during the attempt of an earlier one waits for it, and is delivered in order", async () => {
  const { id } = await gateway.register(backend.url, { order: "all" });
  const unanswered = [];
  backend.answer = (exchange) => unanswered.push(exchange);
  for (const status of GUIDE) await acknowledged(gateway, event("task_lane", status));
  for (const n of GUIDE.keys()) {
    await until(() => unanswered.length > n);
    const pending = await deliveries(gateway, { task_id: "task_lane", state: "pending" });
    assert.equal(pending.length, GUIDE.length - n);
    assert.equal(unanswered.length, n + 1, "one at a time");
    unanswered[n].response.end("ok");
  }
  await delivery(gateway, { task_id: "task_lane", endpoint: id });
  assert.deepEqual(arrived(), GUIDE);
});

test("order latest: a delivery that a later status supersedes during its attempt is not tried again", async () => {
  const { id } = await gateway.register(backend.url, { order: "latest" });
  const unanswered = [];
  backend.answer = (exchange) => unanswered.push(exchange);
  for (const status of GUIDE) await acknowledged(gateway, event("task_latest", status));
  await until(() => unanswered.length === 1);
  backend.answer = "ok";
  unanswered[0].response.writeHead(500).end();
  await delivery(gateway, { task_id: "task_latest", endpoint: id });
  const all = (await deliveries(gateway, { task_id: "task_latest" })).reverse();
  assert.deepEqual(
    all.map(({ state }) => state),
    ["superseded", "superseded", "delivered"],
  );
  assert.deepEqual(arrived(), ["queued", "completed"]);
});

/** All that can come of a task, in an order in which some of it is late, and whether it is the rule to pass it on. */
const TASK = "task_take";
const COME = {
  processing: event(TASK, "processing"),
  late: event(TASK, "queued"),
  paused: event(TASK, "paused"),
  rated: named("rated", TASK),
  completed: event(TASK, "completed"),
  conflict: event(TASK, "failed"),
  repeated: event(TASK, "completed"),
  unreadable: "no json",
};
/** [what an endpoint takes, what it gets of that] */
const TAKES = [
  [{}, ["processing", "completed"]],
  [{ statuses: ["completed", "failed"] }, ["completed"]],
  [{ statuses: ["paused"] }, ["paused"]],
  [{ events: ["rated"] }, ["rated"]],
  [{ events: ["generation.status_changed"] }, ["processing", "completed"]],
  [{ include: ["unknown"] }, ["processing", "paused", "rated", "completed"]],
  [{ include: ["quarantined"] }, ["processing", "completed", "unreadable"]],
  [{ include: ["unknown"], statuses: ["completed"] }, ["paused", "rated", "completed"]],
  [{ enabled: false }, []],
];

test("an endpoint gets the events it subscribes to; events without effect go to none", async () => {
  backend.answer = "ok";
  for (const [n, [takes]] of TAKES.entries()) {
    await gateway.register(new URL(`/${n}`, backend.url).href, { order: "all", ...takes });
  }
  for (const body of Object.values(COME)) {
    await acknowledged(gateway, body);
    await until(async () => (await deliveries(gateway, { state: "pending" })).length === 0);
  }
  for (const [n, [takes, gets]] of TAKES.entries()) {
    const sent = backend.received.filter(({ path }) => path === `/${n}`);
    const expected = gets.map((name) => COME[name]);
    assert.deepEqual(
      sent.map(({ body }) => String(body)),
      expected,
      JSON.stringify(takes),
    );
  }
});

test("a repeat of an event that failed is no new delivery", async () => {
  await gateway.register(backend.url);
  backend.answer = "fail";
  await acknowledged(gateway, event("task_repeat", "queued"));
  await delivery(gateway, { task_id: "task_repeat" }, attempted);
  await acknowledged(gateway, event("task_repeat", "queued"), event("task_repeat", "queued"));
  assert.equal((await deliveries(gateway, { task_id: "task_repeat" })).length, 1);
  assert.equal(backend.received.length, 1);
});
