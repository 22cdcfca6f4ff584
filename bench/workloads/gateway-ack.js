// The durable acknowledgement: an event verified, stored in an object's SQLite, and answered 200.

import { fresh } from "../gateway/events.js";
import { startGateway } from "../gateway/gateway.js";
import { startPeer } from "../gateway/peer.js";
import { inTurns } from "../gateway/turns.js";
import { versionOf } from "../lib/machine.js";

/** As many as a deployment has by default. */
const SHARDS = 16;

export default {
  name: "gateway-ack",
  title: "Gateway: durable acknowledgement",
  unit: "µs",
  about:
    "Two events of 350 B for each of many new tasks over 16 shards, no endpoint: ours beside a Worker in JavaScript that verifies with WebCrypto and writes the same rows by a call of its object. Processor time of workerd, and the time until the 200.",
  short: true,

  async measure({ short }) {
    const workers = {};
    try {
      workers.ours = await startGateway({ shards: SHARDS });
      workers["JavaScript Worker"] = await startPeer("ack-worker.js", { shards: SHARDS });
      return result(await inTurns(workers, fresh, { rounds: short ? 5 : 9, slot: 100 }));
    } finally {
      for (const worker of Object.values(workers)) await worker.stop();
    }
  },
};

const result = ({ cpu, p50 }) => ({
  cases: [
    { case: "CPU", samples: cpu },
    { case: "p50", samples: p50 },
  ],
  variants: [
    { name: "ours", role: "ours" },
    { name: "JavaScript Worker", role: "peer", version: versionOf("workerd") },
  ],
  floors: ["CPU", "p50"].map((name) => ({
    case: name,
    of: "ours",
    over: "JavaScript Worker",
    atMost: 1.25,
    stretch: 1.1,
    floor: FLOORS[name],
  })),
});

/** What holds: about two hundred steps between JavaScript and wasm for each event. */
const FLOORS = { CPU: 2, p50: 1.8 };
