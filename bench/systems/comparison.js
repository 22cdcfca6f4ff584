// Puts the same loads on all systems in turns, and kills them one after the other.

import { memoryOfTree } from "../lib/processes.js";
import { Plan } from "./load.js";
import { loadOf, measure, warmUp } from "./measure.js";

/** How many posts a system gets before anything counts: code is compiled, files and caches exist. */
const WARM_UP = 1000;

/** What is up, so that nothing of it outlives a run that is interrupted. */
const running = new Set();

async function up(start, backend) {
  const system = await start(backend);
  running.add(system);
  return system;
}

async function down(system) {
  running.delete(system);
  await system.stop();
}

/** Stops all that is up. */
export async function stopAll() {
  for (const system of running) await down(system);
}

/**
 * Measures systems, `[{ title, start }]`: all of them are up, and one at a time has a load. Each round puts each load on
 * each system for so many seconds, in an order that rotates. Rounds of saturation come last, for a faster system gets more
 * events there: the memory is that after as many events at each. Returns a result as `systemsTable` takes it.
 */
export async function compare(systems, backend, { rounds, seconds, loads, say }) {
  const entries = [];
  try {
    for (const [nth, { title, start }] of systems.entries()) {
      const system = await up(start, backend);
      entries.push({ title, system, plan: new Plan(`load${nth}`), samples: {} });
      await measure(entries.at(-1), backend, warmUp(WARM_UP));
    }
    const put = async (load, round) => {
      for (const [place] of entries.entries()) {
        const entry = entries[(place + round) % entries.length];
        const figures = await measure(entry, backend, loadOf(load, seconds));
        entry.samples[load] ??= {};
        for (const [name, figure] of Object.entries(figures)) {
          entry.samples[load][name] = [...(entry.samples[load][name] ?? []), figure];
        }
        say(`round ${round + 1}, ${load}, ${entry.title}: ${Math.round(figures.cpu)} µs`);
      }
    };
    const rates = loads.filter((load) => load !== "saturation");
    for (let round = 0; round < rounds; round += 1) {
      for (const load of rates) await put(load, round);
    }
    for (const entry of entries) entry.memoryAtRates = memoryOfTree(entry.system.pids());
    if (loads.includes("saturation")) {
      for (let round = 0; round < rounds; round += 1) await put("saturation", round);
    }
    return {
      loads,
      systems: entries.map(({ title, memoryAtRates, samples }) => ({
        title,
        memoryAtRates,
        samples,
      })),
    };
  } finally {
    for (const { system } of entries) await down(system);
  }
}

/** Runs something on systems one after the other, each alone and on an empty store; returns what it returned of each. */
export async function eachAlone(systems, backend, run) {
  const results = [];
  for (const { title, start } of systems) {
    const system = await up(start, backend);
    try {
      // No event is like one of another run.
      const plan = new Plan(`alone${process.hrtime.bigint()}`);
      results.push({ title, ...(await run({ title, system, plan })) });
    } finally {
      await down(system);
    }
  }
  return results;
}
