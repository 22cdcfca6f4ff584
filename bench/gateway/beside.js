// The gateway beside a Worker in JavaScript: processor time of workerd, and the time until the answer.

import { versionOf } from "../lib/machine.js";
import { startGateway } from "./gateway.js";
import { startPeer } from "./peer.js";
import { inTurns } from "./turns.js";

const PEER = "JavaScript Worker";

/**
 * Measures both in turns, and what the platform asks for a part of the work. `peer` is a file of bench/peers, `limits` are
 * the variables of its `limit-worker.js` by what it does with them, `requests` and `how` are those of `inTurns`, and
 * `bounds` are those of both figures: `{ atMost, stretch, floor? }`.
 */
export async function besidePeer({ peer, limits, shards, requests, how, bounds }) {
  const workers = {};
  try {
    workers.ours = await startGateway({ shards });
    workers[PEER] = await startPeer(peer, { shards });
    for (const [name, variables] of Object.entries(limits)) {
      workers[name] = await startPeer("limit-worker.js", { shards, variables });
    }
    const { cpu, p50 } = await inTurns(workers, requests, how);
    return {
      cases: [
        { case: "CPU", samples: cpu },
        { case: "p50", samples: p50 },
      ],
      variants: [
        { name: "ours", role: "ours" },
        { name: PEER, role: "peer", version: versionOf("workerd") },
        ...Object.keys(limits).map((name) => ({ name, role: "limit" })),
      ],
      floors: ["CPU", "p50"].map((name) => ({
        case: name,
        of: "ours",
        over: PEER,
        ...bounds,
      })),
    };
  } finally {
    for (const worker of Object.values(workers)) await worker.stop();
  }
}
