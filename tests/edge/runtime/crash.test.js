// kill -9 at random moments of a storm: whatever was acknowledged is stored, and delivered in order under one id.
// `make crash` is the same for longer. It tests a killed process, not a power failure of the machine.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CrashRun } from "../../endurance/support/crash.js";
import * as ledger from "../../endurance/support/ledger.js";
import { Backend } from "../support/backends/backend.js";
import { event, Gateway, until } from "../support/gateway.js";

const SEED = 1;
const KILLS = 8;
const EVENTS = 200;

let run;
before(async () => {
  run = await CrashRun.start(SEED);
});
after(() => run?.stop());

test(`seed ${SEED}: kill -9, at least ${KILLS} times, under a storm with failing backends`, async () => {
  while (run.kills < KILLS || run.events < EVENTS) await run.round();
  const faults = await run.end();
  console.log(`seed ${SEED}: ${run.summary(faults)}`);
  assert.deepEqual(faults, { lost: [], "out of order": [], "with two ids": [] });
});

test("an alarm outlives a restart without a request", async () => {
  const gateway = await Gateway.start();
  const backend = await Backend.start("fail");
  try {
    await gateway.register(backend.url);
    await gateway.post(event("alarm_alone", "completed"));
    await until(() => backend.received.length === 1);
    await gateway.crash();
    await until(() => backend.received.length > 1);
  } finally {
    await gateway.stop();
    await backend.stop();
  }
});

/** A task with the events of these statuses, all applied. */
const task = (...statuses) => ({
  status: statuses.at(-1),
  events: statuses.map((status, nth) => ({ seq: nth + 1, status, outcome: "applied" })),
});
const of = (status, more) => ({ task_id: "t", status, path: "/all", webhook_id: status, ...more });
const tasks = new Map([["t", task("queued", "completed")]]);
const endpoints = (order) => new Map([["ep_1", { path: "/all", order }]]);
const listed = (...states) =>
  states.map((state, nth) => of(["queued", "completed"][nth], { endpoint: "ep_1", state }));
const arrivals = [of("queued"), of("completed")];

/** What a check of the ledger finds: nothing, or something. */
const CHECKS = [
  {
    name: "what was acknowledged is stored",
    faults: () => ledger.lostEvents([of("queued")], tasks),
    expect: 0,
  },
  {
    name: "an acknowledged event is not stored",
    faults: () => ledger.lostEvents([of("processing")], tasks),
    expect: 1,
  },
  {
    name: "an acknowledged task is not stored",
    faults: () => ledger.lostEvents([of("queued")], new Map()),
    expect: 1,
  },
  {
    name: "a task has gone back",
    faults: () =>
      ledger.lostEvents(arrivals, new Map([["t", { ...tasks.get("t"), status: "queued" }]])),
    expect: 1,
  },
  { name: "a good timeline", faults: () => ledger.wrongTimelines(tasks), expect: 0 },
  {
    name: "a late event was applied",
    faults: () => ledger.wrongTimelines(new Map([["t", task("completed", "queued")]])),
    expect: 2,
  },
  {
    name: "all are delivered",
    faults: () =>
      ledger.lostDeliveries(tasks, endpoints("all"), listed("delivered", "delivered"), arrivals),
    expect: 0,
  },
  {
    name: "one of `latest` is superseded",
    faults: () =>
      ledger.lostDeliveries(
        tasks,
        endpoints("latest"),
        listed("superseded", "delivered"),
        arrivals,
      ),
    expect: 0,
  },
  {
    name: "one of `all` is superseded",
    faults: () =>
      ledger.lostDeliveries(tasks, endpoints("all"), listed("superseded", "delivered"), arrivals),
    expect: 1,
  },
  {
    name: "the last one of `latest` is superseded",
    faults: () =>
      ledger.lostDeliveries(
        tasks,
        endpoints("latest"),
        listed("delivered", "superseded"),
        arrivals,
      ),
    expect: 1,
  },
  {
    name: "a delivery is missing",
    faults: () => ledger.lostDeliveries(tasks, endpoints("all"), listed("delivered"), arrivals),
    expect: 1,
  },
  {
    name: "what is delivered has never arrived",
    faults: () =>
      ledger.lostDeliveries(
        tasks,
        endpoints("all"),
        listed("delivered", "delivered"),
        arrivals.slice(1),
      ),
    expect: 1,
  },
  {
    name: "a repeat comes before the next event",
    faults: () => ledger.outOfOrder(tasks, [arrivals[0], ...arrivals]),
    expect: 0,
  },
  {
    name: "a repeat comes after the next event",
    faults: () => ledger.outOfOrder(tasks, [...arrivals, arrivals[0]]),
    expect: 1,
  },
  {
    name: "each event has one id",
    faults: () => ledger.unstableIds([], [...arrivals, ...arrivals]),
    expect: 0,
  },
  {
    name: "an event has two ids",
    faults: () => ledger.unstableIds(arrivals, [of("queued", { webhook_id: "other" })]),
    expect: 1,
  },
  {
    name: "two events have one id",
    faults: () => ledger.unstableIds([], [of("queued"), of("completed", { webhook_id: "queued" })]),
    expect: 1,
  },
];

for (const { name, faults, expect } of CHECKS) {
  test(`the ledger: ${name}: ${expect} faults`, () => assert.equal(faults().length, expect));
}
