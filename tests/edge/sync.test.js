// A 200 leaves only after the operating system was told to put the event on the disk: strace shows a successful fsync
// or fdatasync between each request and its answer. A duplicate, which writes no row, is answered without one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Connection } from "../../bench/gateway/client.js";
import { posted } from "../../bench/gateway/events.js";
import { startGateway } from "../../bench/gateway/gateway.js";
import { kindsOf, syncsBetween, Trace } from "../endurance/support/syscalls.js";
import { until } from "../support/wait.js";

const EVENTS = 40;

const trace = new Trace();
let gateway;
let connection;
before(async () => {
  gateway = await startGateway({ tracer: trace.command });
  connection = await Connection.open(gateway.port);
});
after(async () => {
  connection?.close();
  await gateway?.stop();
  trace.remove();
});

/** Posts events one after another; returns how many syncs there were before each answer. */
async function syncsOf(events) {
  const lines = [];
  for (const bytes of events) assert.equal((await connection.ask(bytes)).status, 200);
  // What is traced is written a moment after it has happened.
  await until(() => {
    lines.push(...trace.read());
    return syncsBetween(kindsOf(lines)).length >= events.length;
  });
  return syncsBetween(kindsOf(lines));
}

test(`${EVENTS} events: a sync before each answer; ${EVENTS} duplicates: none`, async () => {
  // The first event creates the tables.
  await syncsOf([posted("task_first", "queued")]);
  const events = Array.from({ length: EVENTS }, (_, nth) => posted(`task_${nth}`, "queued"));
  const stored = await syncsOf(events);
  assert.equal(stored.filter((syncs) => syncs > 0).length, EVENTS, `${stored}`);
  assert.deepEqual(await syncsOf(events), Array(EVENTS).fill(0));
  console.log(`syncs before the 200 of ${EVENTS} events: ${stored}; of their duplicates: none`);
});
