// Puts the same loads on all systems in turns.

import { memoryOfTree } from "../lib/processes.js";
import { Plan } from "./load.js";
import { loadOf, measure } from "./measure.js";

/** How long a system is loaded before anything counts, in seconds: code is compiled, files and caches exist. */
const WARM_UP = 3;

/**
 * Measures systems, `[{ title, start }]`: all of them are up, and one at a time has a load. Each round puts each load on
 * each system for so many seconds, in an order that rotates. Returns a result as `systemsTable` takes it.
 */
export async function compare(systems, backend, { rounds, seconds, loads, say }) {
  const entries = [];
  try {
    for (const [nth, { title, start }] of systems.entries()) {
      const system = await start(backend);
      entries.push({ title, system, plan: new Plan(`load${nth}`), samples: {} });
      await measure(entries.at(-1), backend, loadOf("saturation", WARM_UP));
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const load of loads) {
        for (const [place] of entries.entries()) {
          const entry = entries[(place + round) % entries.length];
          const figures = await measure(entry, backend, loadOf(load, seconds));
          entry.samples[load] = [...(entry.samples[load] ?? []), figures];
          say(`round ${round + 1}, ${load}, ${entry.title}: ${Math.round(figures.cpu)} µs`);
        }
      }
    }
    return {
      loads,
      systems: entries.map(({ title, system, samples }) => ({
        title,
        memory: memoryOfTree(system.pids()),
        samples,
      })),
    };
  } finally {
    for (const { system } of entries) await system.stop();
  }
}
