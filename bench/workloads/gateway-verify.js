// The gateway's answer to a webhook whose signature is wrong: verified, answered, and no object woken.

import { posted } from "../gateway/events.js";
import { startGateway } from "../gateway/gateway.js";
import { startPeer } from "../gateway/peer.js";
import { inTurns } from "../gateway/turns.js";
import { versionOf } from "../lib/machine.js";

export default {
  name: "gateway-verify",
  title: "Gateway: verify and answer",
  unit: "µs",
  about:
    "A well-formed signature by another secret over 350 B, answered 401: ours, which also logs and tallies it, beside a Worker in JavaScript that verifies with WebCrypto and does neither. Processor time of workerd, and the time until the answer.",
  short: true,

  async measure({ short }) {
    const workers = {};
    try {
      workers.ours = await startGateway();
      workers["JavaScript Worker"] = await startPeer("verify-worker.js");
      const wrong = posted("bench_wrong", "processing", "whsec_of_another");
      const requests = (count) => Array.from({ length: count }, () => wrong);
      const samples = await inTurns(workers, requests, { expected: 401, rounds: short ? 5 : 9 });
      return result(samples);
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
    atMost: 1.15,
    stretch: 1.05,
    floor: FLOORS[name],
  })),
});

/** What holds: the way from JavaScript into wasm and back costs more than the hash saves. */
const FLOORS = { CPU: 2, p50: 1.8 };
