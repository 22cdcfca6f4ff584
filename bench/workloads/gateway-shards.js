// What an event costs at 1, 4 and 16 shards, and how many go through.

import { fresh } from "../gateway/events.js";
import { startGateway } from "../gateway/gateway.js";
import { inTurns } from "../gateway/turns.js";

const SHARDS = [16, 4, 1];

export default {
  name: "gateway-shards",
  title: "Gateway: shards",
  unit: "µs an event",
  about:
    "Two events of 350 B for each of many new tasks, no endpoint, 16 requests in progress at the same time: gateways with 16, 4 and 1 shards in turns. Processor time of workerd, and elapsed time, of which a million divided by it is the events a second.",
  short: false,

  async measure() {
    const workers = {};
    try {
      for (const shards of SHARDS) {
        workers[shards === 1 ? "1 shard" : `${shards} shards`] = await startGateway({ shards });
      }
      const { cpu, elapsed } = await inTurns(workers, (count) => fresh(count), {
        slot: 200,
        connections: 16,
      });
      return {
        cases: [
          { case: "CPU", samples: cpu },
          { case: "elapsed", samples: elapsed },
        ],
        variants: Object.keys(workers).map((name) => ({ name, role: "ours" })),
        floors: [],
      };
    } finally {
      for (const worker of Object.values(workers)) await worker.stop();
    }
  },
};
