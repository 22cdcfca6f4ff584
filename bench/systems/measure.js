// What a system costs under a load: processor time of all its processes, and when events are answered and delivered.

import { setTimeout as sleep } from "node:timers/promises";
import { cpuOfTree } from "../lib/processes.js";
import { quantile } from "../lib/statistics.js";
import { now } from "./clock.js";
import { atRate, saturate } from "./load.js";

/** How long the work that is left over counts after the last delivery, in milliseconds. */
const SETTLE = 1000;
/** How long nothing may be delivered before what is missing is lost, in milliseconds: longer than the first retry waits. */
export const PATIENCE = 150_000;

/** Returns the load of a name: `saturation`, or events a second. */
export function loadOf(name, seconds) {
  if (name !== "saturation") {
    return (port, plan) => atRate(port, plan, Number(name), seconds);
  }
  return (port, plan) => {
    const end = now() + seconds * 1000;
    return saturate(port, plan, () => now() > end);
  };
}

/** A load of so many posts, as fast as they are answered. */
export const warmUp = (count) => (port, plan) => {
  let left = count;
  return saturate(port, plan, () => left-- <= 0);
};

/**
 * Puts a load on a system. Returns its figures for an event: one that is repeated counts once, and its repeats are part of
 * what it costs.
 */
export async function measure({ system, plan }, backend, load) {
  const before = cpuOfTree(system.pids());
  const begun = now();
  const posts = await load(() => system.port, plan);
  const ended = now();
  const answered = posts.filter(({ status }) => status === 200);
  const events = answered.filter(({ isRepeat }) => !isRepeat);
  const missing = await backend.waitFor(
    events.map(({ key }) => key),
    PATIENCE,
  );
  await sleep(SETTLE);
  const cpu = cpuOfTree(system.pids()) - before;

  const acknowledged = events.map((post) => post.answered - post.planned);
  const delivered = events.flatMap(({ key, planned }) => {
    const [first] = backend.arrivals.get(key) ?? [];
    return first === undefined ? [] : first - planned;
  });
  return {
    cpu: cpu / events.length,
    rate: (events.length / (ended - begun)) * 1000,
    ack50: quantile(acknowledged, 0.5),
    ack99: quantile(acknowledged, 0.99),
    delivered50: quantile(delivered, 0.5),
    delivered99: quantile(delivered, 0.99),
    refused: posts.length - answered.length,
    undelivered: missing.length,
  };
}
