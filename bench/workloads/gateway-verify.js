// The gateway's answer to a webhook whose signature is wrong: verified, answered, and no object woken.

import { besidePeer } from "../gateway/beside.js";
import { posted } from "../gateway/events.js";

export default {
  name: "gateway-verify",
  title: "Gateway: verify and answer",
  unit: "µs",
  about:
    "A well-formed signature by another secret over 350 B, answered 401: ours, which also logs and tallies it, beside a Worker in JavaScript that verifies with WebCrypto and does neither. Processor time of workerd, and the time until the answer.",
  short: true,

  measure({ short }) {
    const wrong = posted("bench_wrong", "processing", "whsec_of_another");
    return besidePeer({
      peer: "verify-worker.js",
      limits: { "a body that is read and answered": { STATUS: "401" } },
      requests: (count) => Array.from({ length: count }, () => wrong),
      how: { expected: 401, rounds: short ? 5 : 9 },
      // What holds: the rest is the deadline of each request, the budget by which its body is read, and the headers that
      // every answer has.
      bounds: { atMost: 1.15, stretch: 1.05, floor: 1.85 },
    });
  },
};
