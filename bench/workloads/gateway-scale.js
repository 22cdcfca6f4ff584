// What is asked of a shard that has a million tasks, beside one that has a thousand.

import { closedLoop, request, withConnections } from "../gateway/client.js";
import { fresh, posted } from "../gateway/events.js";
import { startGateway, TOKEN } from "../gateway/gateway.js";
import { seed, seededTask, shardFile } from "../gateway/seed.js";
import { inTurns } from "../gateway/turns.js";

const FEW = "1,000 tasks";
const MANY = "1,000,000 tasks";
const TASKS = { [FEW]: 1000, [MANY]: 1_000_000 };

const get = (path) => request("GET", path, { authorization: `Bearer ${TOKEN}` });
const each = (ask) => (count, name) => Array.from({ length: count }, () => ask(TASKS[name]));
const some = (tasks) => seededTask(1 + Math.floor(Math.random() * tasks));

/** What is asked, each time anew, of a gateway by the number of its tasks; what stores something comes last. */
const OPERATIONS = {
  "first page": each(() => get("/api/tasks")),
  "page half-way": each((tasks) => get(`/api/tasks?cursor=1.${tasks / 2}`)),
  "failed alone": each(() => get("/api/tasks?status=failed")),
  "in progress alone": each(() => get("/api/tasks?status=processing")),
  "one task": each((tasks) => get(`/api/tasks/${some(tasks)}`)),
  // Their ids fall anywhere among those that are there.
  event: (count) => fresh(count, (nth) => `${seededTask(nth + 1)}_${nth}`),
};

export default {
  name: "gateway-scale",
  title: "Gateway: scale",
  unit: "µs",
  about:
    "One shard with 1,000 and one with 1,000,000 tasks, seeded before the start, with their events and deliveries: pages of 50 tasks, tasks read at random, and two events of 350 B for each of many new tasks. The time until the answer.",
  short: false,

  async measure() {
    const workers = {};
    try {
      for (const [name, tasks] of Object.entries(TASKS)) {
        workers[name] = await startGateway();
        await fill(workers[name], tasks);
      }
      const cases = [];
      for (const [name, requests] of Object.entries(OPERATIONS)) {
        const { p50 } = await inTurns(workers, requests, { slot: 100 });
        cases.push({ case: name, samples: p50 });
      }
      return {
        cases,
        variants: Object.keys(workers).map((name) => ({ name, role: "ours" })),
        floors: cases.map(({ case: name }) => ({ case: name, of: MANY, over: FEW, atMost: 1.15 })),
      };
    } finally {
      for (const worker of Object.values(workers)) await worker.stop();
    }
  },
};

/** Gives a gateway so many tasks; its first event brings the stored form up to date. */
async function fill(gateway, tasks) {
  const first = [posted("bench_first", "queued")];
  await withConnections(gateway.port, 1, (connections) => closedLoop(connections, first));
  await gateway.halt();
  seed(shardFile(gateway.objects), tasks);
  await gateway.restart();
}
