// GET /api/stats: what came of the last minutes' events and deliveries, minute by minute.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ANSWERS, Backend } from "../support/backends/backend.js";
import {
  acknowledged,
  ahead,
  attempted,
  deliveries,
  delivery,
  named,
} from "../support/deliveries.js";
import { event, Gateway, until } from "../support/gateway.js";

const MINUTE = 60_000;

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "2", ...ahead(0) } });
  backend = await Backend.start(({ path, ...exchange }) =>
    ANSWERS[path.endsWith("/fails") ? "fail" : "ok"](exchange),
  );
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

async function stats(query = "") {
  const { status, body } = await gateway.api(`/api/stats${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
const sums = (series) =>
  Object.fromEntries(Object.entries(series).map(([key, n]) => [key, sum(n)]));

/** The times of everything that was received, by what it was to its task. */
async function received() {
  const { tasks } = (await gateway.api("/api/tasks?limit=100")).body;
  const found = [];
  for (const { task_id } of tasks) {
    found.push(...(await gateway.api(`/api/tasks/${task_id}`)).body.events);
  }
  const { quarantine } = (await gateway.api("/api/quarantine")).body;
  return [...found, ...quarantine.map((each) => ({ ...each, outcome: "quarantined" }))];
}

/** What the series have to be, counted from what the API shows of each single thing. */
function counted(from, minutes, things, keyOf, timeOf) {
  const series = {};
  for (const thing of things) {
    const minute = Math.floor((Date.parse(timeOf(thing)) - Date.parse(from)) / MINUTE);
    if (minute < 0 || minute >= minutes) continue;
    series[keyOf(thing)] ??= Array(minutes).fill(0);
    series[keyOf(thing)][minute] += 1;
  }
  return series;
}

async function check(body, minutes) {
  const { from, events, deliveries: deliverySeries, latency_ms } = body;
  assert.equal(Date.parse(from) % MINUTE, 0, "a whole minute");
  assert.deepEqual(
    events,
    counted(
      from,
      minutes,
      await received(),
      ({ outcome }) => outcome,
      (each) => each.received_at,
    ),
  );
  const all = await deliveries(gateway);
  assert.deepEqual(
    deliverySeries,
    counted(
      from,
      minutes,
      all,
      ({ state }) => state,
      (each) => each.created_at,
    ),
  );
  for (const [minute, p50] of latency_ms.p50.entries()) {
    const p95 = latency_ms.p95[minute];
    const some = (deliverySeries.delivered?.[minute] ?? 0) > 0;
    assert.equal(p50 !== null, some, `minute ${minute}`);
    assert.equal(p95 !== null, some, `minute ${minute}`);
    if (some) assert.ok(p50 >= 0 && p95 >= p50);
  }
}

test("nothing yet", async () => {
  const body = await stats();
  assert.deepEqual(body, {
    from: body.from,
    minutes: 60,
    events: {},
    deliveries: {},
    latency_ms: { p50: Array(60).fill(null), p95: Array(60).fill(null) },
    commit_ms: { count: 0, p50: null, p95: null, max: null },
    endpoint: null,
    truncated: false,
  });
});

test("every outcome and every state, each in its minute", async () => {
  const last = (minutes, body) => Date.parse(body.from) + minutes * MINUTE;
  const at = (path) => new URL(path, backend.url).href;
  await gateway.register(at("/well"), { statuses: ["queued", "completed"] });
  const bodies = [
    ...["queued", "processing", "queued", "completed", "failed", "paused"].map((status) =>
      event("task_1", status),
    ),
    ...["processing", "queued"].map((status) => event("task_2", status)),
    named("generation.rated", "task_1"),
    "no json",
    "none either",
    "no json",
  ];
  for (const body of bodies) await acknowledged(gateway, body);
  // The second of them takes the place of the first, which has not arrived.
  const failing = await gateway.register(at("/fails"));
  await acknowledged(gateway, event("task_3", "queued"));
  await delivery(gateway, { endpoint: failing.id }, attempted);
  await acknowledged(gateway, event("task_3", "processing"));
  await delivery(gateway, { endpoint: failing.id }, attempted);
  await until(async () => (await deliveries(gateway, { state: "superseded" })).length === 1);
  await until(async () => (await deliveries(gateway, { state: "pending" })).length === 1);
  await check(await stats(), 60);
  const own = await stats(`?endpoint=${failing.id}`);
  assert.deepEqual(sums(own.deliveries), { superseded: 1, pending: 1 });
  assert.deepEqual(own.endpoint, { id: failing.id, in_flight: 0, due: 0 });
  assert.ok(own.latency_ms.p50.every((p50) => p50 === null));
  await gateway.api(`/api/endpoints/${failing.id}`, { method: "DELETE" });
  await until(async () => (await deliveries(gateway, { state: "dead" })).length === 1);

  const body = await stats();
  await check(body, 60);
  assert.deepEqual(sums(body.events), {
    applied: 6,
    late: 1,
    conflict: 1,
    unknown: 2,
    quarantined: 2,
  });
  const { count, p50, p95, max } = body.commit_ms;
  // A Worker tells how long one took with the next one, and what was repeated took its time too.
  assert.ok(count >= 10 && count <= 14, `${count} commits`);
  assert.ok(0 <= p50 && p50 <= p95 && p95 <= max, JSON.stringify(body.commit_ms));
  assert.equal(body.truncated, false);
  assert.ok(last(60, body) > Date.now());
});

test("ten minutes later it is shown ten minutes earlier; after an hour it is gone", async () => {
  await gateway.halt();
  await gateway.restart(ahead(10 / 60));
  for (const nth of [1, 2, 3]) await acknowledged(gateway, event(`task_later_${nth}`, "queued"));
  for (const nth of [1, 2, 3]) await delivery(gateway, { task_id: `task_later_${nth}` });
  for (const minutes of [60, 5, 17, 1440]) {
    const body = await stats(`?minutes=${minutes}`);
    assert.equal(body.minutes, minutes);
    for (const series of [body.events, body.deliveries, body.latency_ms]) {
      for (const numbers of Object.values(series)) assert.equal(numbers.length, minutes);
    }
    await check(body, minutes);
  }
  const five = await stats("?minutes=5");
  assert.deepEqual(sums(five.events), { applied: 3 });
  assert.ok(five.commit_ms.count >= 1 && five.commit_ms.count <= 3, "since it was started");
  await gateway.halt();
  await gateway.restart(ahead(2));
  const body = await stats();
  assert.deepEqual([body.events, body.deliveries], [{}, {}]);
  await check(await stats("?minutes=300"), 300);
});

for (const query of [
  "4",
  "1441",
  "",
  "60.5",
  "-60",
  "1e2",
  "sixty",
  "60&hours=1",
  "60&endpoint=1",
]) {
  test(`refused: ?minutes=${query}`, async () => {
    const { status, body } = await gateway.api(`/api/stats?minutes=${query}`);
    assert.deepEqual([status, body.error], [400, "invalid_request"]);
  });
}
