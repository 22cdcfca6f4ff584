// A 200 leaves only after the operating system was told to put the event on the disk: strace shows a successful fsync
// or fdatasync between each request and its answer. A duplicate, which writes no row, is answered without one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Connection } from "../../../bench/gateway/client.js";
import { posted } from "../../../bench/gateway/events.js";
import { startGateway } from "../../../bench/gateway/gateway.js";
import { kindsOf, syncsBetween, Trace } from "../../endurance/support/syscalls.js";
import { until } from "../../support/wait.js";

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

/** Lines of strace, and what they are. */
const TRACES = [
  {
    name: "calls of one thread",
    lines: [
      '7 read(23<socket:[1]>, "POST /webhooks/vtryon HTTP/1.1\\r\\n"..., 4096) = 536',
      "7 fsync(25</objects/a.sqlite-wal>) = 0",
      '7 write(23<socket:[1]>, "HTTP/1.1 200 OK\\r\\n"..., 129) = 129',
    ],
    syncs: [1],
  },
  {
    name: "calls that those of another thread come between",
    lines: [
      "7 read(23<socket:[1]>,  <unfinished ...>",
      '7 <... read resumed>"POST /webhooks/vtryon HTTP/1.1\\r\\n"..., 4096) = 536',
      "7 fdatasync(25</objects/a.sqlite-wal> <unfinished ...>",
      "7 <... fdatasync resumed>) = 0",
      '7 write(23<socket:[1]>, "HTTP/1.1 200 OK\\r\\n"..., 129 <unfinished ...>',
    ],
    syncs: [1],
  },
  {
    name: "a sync that has failed, and one after the answer",
    lines: [
      '7 read(23<socket:[1]>, "POST /webhooks/vtryon HTTP/1.1\\r\\n"..., 4096) = 536',
      "7 fsync(25</objects/a.sqlite-wal>) = -1 EIO (Input/output error)",
      '7 write(23<socket:[1]>, "HTTP/1.1 503 Service"..., 129) = 129',
      "7 fsync(25</objects/a.sqlite-wal>) = 0",
    ],
    syncs: [0],
  },
];

for (const { name, lines, syncs } of TRACES) {
  test(`a trace: ${name}`, () => assert.deepEqual(syncsBetween(kindsOf(lines)), syncs));
}
