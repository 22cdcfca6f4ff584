// Workers measured in turns, all of them alive at the same time: what a request costs each, and how long it takes.

import { cpuOf } from "../lib/cpu.js";
import { median, quantile } from "../lib/statistics.js";
import { closedLoop, withConnections } from "./client.js";

/**
 * Measures Workers by their names. `requests(count, name)` makes what a slot sends, each time anew; `expected` is the
 * status of every answer; `connections` is how many requests are in progress at the same time. A round has four slots for
 * each Worker, in an order that rotates. Its samples are sums over its slots, garbage collection included:
 * `{ cpu, p50, p99, elapsed }`, each `{ [name]: number[] }` in microseconds: used by a request, until its answer (the
 * median, and of 99 %), and passed for each request.
 */
export async function inTurns(
  workers,
  requests,
  { expected = 200, rounds = 9, slot = 200, connections = 1 } = {},
) {
  const entries = Object.entries(workers).map(([name, workerd]) => ({ name, workerd }));
  const [cpu, p50, p99, elapsed] = Array.from({ length: 4 }, () =>
    Object.fromEntries(entries.map(({ name }) => [name, []])),
  );
  const run = ({ name, workerd }, count) => {
    const sent = requests(count, name);
    // One connection, by default: what is measured is the answer, not the queue before it.
    return withConnections(workerd.port, connections, async (open) => {
      const begun = performance.now();
      const times = await closedLoop(open, sent, expected);
      return { times, passed: (performance.now() - begun) * 1000 };
    });
  };
  // So many that the runtime has compiled what is called often.
  for (let nth = 0; nth < 10; nth += 1) for (const entry of entries) await run(entry, 300);
  for (let round = 0; round < rounds; round += 1) {
    const seen = new Map(entries.map((entry) => [entry, { cpu: 0, passed: 0, times: [] }]));
    for (let nth = 0; nth < 4; nth += 1) {
      for (const [place] of entries.entries()) {
        const entry = entries[(place + nth + round) % entries.length];
        const sums = seen.get(entry);
        const before = cpuOf(entry.workerd.pid);
        const { times, passed } = await run(entry, slot);
        sums.times.push(...times);
        sums.passed += passed;
        sums.cpu += cpuOf(entry.workerd.pid) - before;
      }
    }
    for (const [{ name }, sums] of seen) {
      cpu[name].push(sums.cpu / sums.times.length);
      p50[name].push(median(sums.times) * 1000);
      p99[name].push(quantile(sums.times, 0.99) * 1000);
      elapsed[name].push(sums.passed / sums.times.length);
    }
  }
  return { cpu, p50, p99, elapsed };
}
