// The durable acknowledgement: an event verified, stored in an object's SQLite, and answered 200.

import { besidePeer } from "../gateway/beside.js";
import { fresh } from "../gateway/events.js";

/** As many as a deployment has by default. */
const SHARDS = 16;

export default {
  name: "gateway-ack",
  title: "Gateway: durable acknowledgement",
  unit: "µs",
  about:
    "Two events of 350 B for each of many new tasks over 16 shards, no endpoint: ours beside a Worker in JavaScript that verifies with WebCrypto and writes the same rows by a call of its object. Processor time of workerd, and the time until the 200.",
  short: true,

  measure({ short }) {
    return besidePeer({
      peer: "ack-worker.js",
      limits: { "an empty call of an object": {}, "a call that writes one row": { WRITES: "1" } },
      shards: SHARDS,
      requests: (count) => fresh(count),
      how: { rounds: short ? 5 : 9, slot: 100 },
      bounds: { atMost: 1.25, stretch: 1.1, floor: 1.65 },
    });
  },
};
