// What an event costs that is applied and delivered at the first try, in rows written: the mean over 1,000 of them.
// The build for tests prints the rows of each request to a shard and of each run of its alarm.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Backend } from "./backend.js";
import { acknowledged, deliveries } from "./deliveries.js";
import { event, Gateway, until } from "./gateway.js";

const EVENTS = 1000;
const AT_ONCE = 20;
const MOST = 5;

let gateway;
let backend;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1" } });
  backend = await Backend.start();
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

const counts = () =>
  [...gateway.log.join("").matchAll(/rows written: (\d+)/g)].map(([, count]) => Number(count));

async function postAll(status) {
  for (let n = 0; n < EVENTS; n += AT_ONCE) {
    const bodies = Array.from({ length: AT_ONCE }, (_, m) => event(`task_${n + m}`, status));
    await acknowledged(gateway, ...bodies);
  }
}

test(`an applied and delivered event costs at most ${MOST} rows`, async () => {
  await postAll("queued");
  await gateway.register(backend.url);
  await until(() => counts().length >= EVENTS);
  const before = counts().length;

  await postAll("processing");
  await until(async () => (await deliveries(gateway, { state: "pending" })).length === 0);
  assert.equal(backend.received.length, EVENTS);
  const since = () => counts().slice(before);
  // Each event and each report is a request; whatever is printed beyond them is a run of the alarm. Each run was
  // set once, and the last one has set the next: that is a row each, which the statements don't count.
  await until(() => since().length >= 2 * EVENTS);
  const written = since().reduce((sum, count) => sum + count, 0);
  const alarms = since().length - 2 * EVENTS;
  const mean = (written + alarms + 1) / EVENTS;
  console.log(`rows per event: ${mean} (${written} by statements, ${alarms} runs of the alarm)`);
  assert.ok(mean <= MOST, `${mean} rows`);
});
