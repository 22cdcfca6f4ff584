// Catching up: by the last id or from a time on; and with more to send than the gateway sends unasked.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged, ahead } from "../support/deliveries.js";
import { event, Gateway } from "../support/gateway.js";
import { live, opened, ready } from "../support/live/streams.js";
import { TRANSPORTS } from "../support/live/subscriber.js";

const KIB = 1024;
/** How far ahead of the last acknowledgement the gateway goes. */
const AHEAD = 256 * KIB;

let gateway;
before(async () => {
  gateway = await Gateway.start({ build: "build-faults", bindings: { SHARDS: "1", ...ahead(0) } });
});
after(() => gateway.stop());

const TASK = "task_since";
const PATHS = ["/api/live", "/api/live/0", live(TASK)];
const statuses = (subscriber) => subscriber.all("event").map(({ status }) => status);

test("since: from a time on, and from so long ago on", async (t) => {
  /** When events were received, in hours from the beginning. */
  const received = [
    [0, "queued"],
    [160, "processing"],
    [177.5, "paused"],
    [189.4, "failed"],
    [190, "completed"],
  ];
  for (const [hours, status] of received) {
    await gateway.halt();
    await gateway.restart(ahead(hours));
    await acknowledged(gateway, event(TASK, status));
    if (status === "paused") await acknowledged(gateway, "no json");
  }
  const { events } = (await gateway.api(`/api/tasks/${TASK}`)).body;
  const at = (nth) => events[nth].received_at;
  const later = new Date(Date.parse(at(1)) + 1).toISOString();
  const stored = ["queued", "processing", "paused", null, "failed", "completed"];
  /** [since when, how many have come before] */
  const table = [
    ["8d", 0],
    ["7d", 1],
    ["13h", 2],
    ["12h", 4],
    ["1h", 4],
    ["30m", 5],
    [at(0), 0],
    [at(1), 1],
    [at(1).replace("Z", "+00:00"), 1],
    [later, 2],
    ["2020-01-01T00:00:00Z", 0],
    ["2100-01-01T00:00:00Z", 6],
  ];
  for (const path of PATHS) {
    for (const transport of TRANSPORTS) {
      for (const [since, before] of table) {
        const subscriber = await ready(t, transport, gateway, path, { query: { since } });
        // What can't be read is of no task.
        const isShown = (status) => status !== null || path !== live(TASK);
        const expected = stored.slice(before).filter(isShown);
        assert.deepEqual(statuses(subscriber), expected, `${transport} ${path} ${since}`);
        assert.deepEqual(subscriber.all("snapshot"), []);
        subscriber.cut();
      }
    }
  }
});

test("SSE: Last-Event-ID takes precedence over the query", async (t) => {
  for (const path of PATHS) {
    const first = await ready(t, "SSE", gateway, path, {
      query: { since: "2020-01-01T00:00:00Z" },
    });
    const [before, , after] = first.all("event").map(({ id }) => id);
    for (const query of [{ since: "8d" }, { cursor: before }]) {
      const subscriber = await ready(t, "SSE", gateway, path, { query, resume: after });
      assert.deepEqual(statuses(subscriber), statuses(first).slice(3), JSON.stringify(query));
    }
  }
});

/** Stores more than the gateway sends unasked: 2 MiB, of which each message with its body has 14 KiB. */
const MANY = 150;
const long = (nth) =>
  JSON.stringify({ event: "rated", task_id: "task_long", nth, pad: "x".repeat(10 * KIB) });

test("much to catch up with: so far ahead of the acknowledgements, and no further", async (t) => {
  for (let nth = 0; nth < MANY; nth++) await acknowledged(gateway, long(nth));
  const path = "/api/live";
  const options = { query: { since: "1h", bodies: "1" }, acks: false };
  const waits = await opened(t, "WebSocket", gateway, path, options);
  const reads = await opened(t, "WebSocket", gateway, path, { ...options, acks: true });
  await reads.until("ready");
  // The one that acknowledged has all of it; the other one was sent what goes ahead, and waits.
  // The last message may be the one that it takes to get there.
  const sent = ({ bytes }, from = 0) => bytes.slice(from, -1).reduce((sum, each) => sum + each, 0);
  waits.send("ping");
  await waits.holds(({ pongs }) => pongs > 0);
  assert.ok(sent(waits) <= AHEAD, `${path}: ${sent(waits)} bytes`);
  assert.deepEqual(waits.all("ready"), []);
  // What comes meanwhile has its place in the order like all else.
  await acknowledged(gateway, event("task_long", `paused ${path}`));
  await reads.until(({ status }) => status === `paused ${path}`);
  let acknowledgedTo = 0;
  while (waits.all("ready").length === 0) {
    const at = waits.messages.length;
    const { id } = waits.messages[at - 1];
    assert.ok(
      sent(waits, acknowledgedTo) <= AHEAD,
      `${path}: ${sent(waits, acknowledgedTo)} bytes`,
    );
    waits.ack(id);
    acknowledgedTo = at;
    await waits.holds(({ messages }) => messages.length > at);
  }
  await waits.until(({ status }) => status === `paused ${path}`);
  const seqs = (subscriber) => subscriber.all("event").map(({ seq }) => seq);
  assert.deepEqual(seqs(waits), seqs(reads));
  assert.ok(seqs(waits).length > MANY);
});

test("much to catch up with, by SSE", async (t) => {
  for (const path of ["/api/live", "/api/live/0", live("task_long")]) {
    const subscriber = await ready(t, "SSE", gateway, path, {
      query: { since: "1h", bodies: "1" },
    });
    assert.ok(subscriber.all("event").length > MANY);
  }
});
