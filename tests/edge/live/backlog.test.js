// A backlog from many shards: each of them sends only a small part of what a client may have unacknowledged, and goes on
// as the Worker acknowledges.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { acknowledged } from "../support/deliveries.js";
import { Gateway } from "../support/gateway.js";
import { ready } from "../support/live/streams.js";

const SHARDS = 16;
const shards = Array.from({ length: SHARDS }, (_, shard) => shard);

/** More than one shard sends at first, and less than what a client acknowledges before `ready`: 6 × 7,000 bytes. */
const EVENTS = 6;
const MESSAGE = 7000;

/** A body that takes a message of that size, as base64. */
const padded = (nth) =>
  JSON.stringify({ event: "rated", task_id: "task_backlog", nth, pad: "x".repeat(4780) });

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: String(SHARDS) } });
  for (let nth = 0; nth < EVENTS; nth++) await acknowledged(gateway, padded(nth));
});
after(() => gateway.stop());

/** [transport, how the client acknowledges] */
const CLIENTS = [
  ["SSE", "nothing, for that is the Worker's part"],
  ["WebSocket", "every 64 KiB and at `ready`"],
];

for (const [transport, acknowledges] of CLIENTS) {
  test(`${transport}: a backlog in one of ${SHARDS} shards is sent to a client that acknowledges ${acknowledges}`, async (t) => {
    const query = { since: "1h", bodies: "1" };
    const options = { shards, query, ackEvery: 64 * 1024 };
    const { messages, bytes } = await ready(t, transport, gateway, "/api/live", options);
    const sizes = bytes.filter((_, nth) => messages[nth].type === "event");
    assert.equal(sizes.length, EVENTS);
    for (const size of sizes) assert.ok(Math.abs(size - MESSAGE) < 300, `${size} bytes`);
  });
}
