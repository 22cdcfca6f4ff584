// What ten thousand idle live sockets cost the events that none of them waits for.

import { fresh } from "../gateway/events.js";
import { startGateway } from "../gateway/gateway.js";
import { assertOpen, openSockets } from "../gateway/sockets.js";
import { inTurns } from "../gateway/turns.js";

const SOCKETS = 10_000;

export default {
  name: "gateway-idle",
  title: "Gateway: idle sockets",
  unit: "µs",
  about:
    "Two events of 350 B for each of many new tasks over one shard, no endpoint: a gateway without sockets beside one with 10,000, each open to a task of which nothing is heard. Processor time of workerd, and the time until the 200.",
  short: false,

  async measure() {
    const workers = {};
    let sockets = [];
    try {
      workers["no socket"] = await startGateway();
      workers["10,000 idle sockets"] = await startGateway();
      const { url } = workers["10,000 idle sockets"];
      sockets = await openSockets(url, SOCKETS, (nth) => `idle_${nth}`);
      const { cpu, p50 } = await inTurns(workers, (count) => fresh(count), { slot: 100 });
      assertOpen(sockets);
      return {
        cases: [
          { case: "CPU", samples: cpu },
          { case: "p50", samples: p50 },
        ],
        variants: Object.keys(workers).map((name) => ({ name, role: "ours" })),
        floors: [],
      };
    } finally {
      for (const socket of sockets) socket.terminate();
      for (const worker of Object.values(workers)) await worker.stop();
    }
  },
};
