// A model of N shards: each is one thread that takes calls in the order of their arrival. Nothing here was measured on
// the platform.
//
// Events arrive as a Poisson process and go to the shard of their task, as the gateway assigns it. Each is two calls: it
// is stored, and its delivery is recorded. A call keeps the thread for as long as the published rate allows; the commit
// that an answer waits for does not keep it.

import { createHash } from "node:crypto";

/** How many events a run has, three to a task. */
const EVENTS = 150_000;
const EVENTS_OF_TASK = 3;

/** Returns numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The shard of a task: the first 8 bytes of SHA-256 of its id, modulo the number of shards. */
function shardOf(taskId, shards) {
  const head = createHash("sha256").update(taskId).digest().readBigUInt64BE();
  return Number(head % BigInt(shards));
}

/** Returns the times at which events arrive at each shard, in milliseconds. */
function arrivals(shards, rate, next) {
  const times = Array.from({ length: shards }, () => []);
  const tasks = Math.ceil(EVENTS / EVENTS_OF_TASK);
  const assigned = Array.from({ length: tasks }, (_, nth) => shardOf(`task_${nth}`, shards));
  let now = 0;
  for (let nth = 0; nth < EVENTS; nth += 1) {
    now += (-Math.log(1 - next()) / rate) * 1000;
    times[assigned[nth % tasks]].push(now);
  }
  return { times, duration: now };
}

/** Runs one shard; returns how long each acknowledgement took, and how long its calls would keep the thread. */
function run(times, serviceMs, { hopMs, commitMs, deliveryMs }) {
  const latencies = [];
  const reports = [];
  let free = 0;
  let reported = 0;
  const report = (until) => {
    while (reported < reports.length && reports[reported] <= until) {
      free = Math.max(free, reports[reported]) + serviceMs;
      reported += 1;
    }
  };
  for (const sent of times) {
    const arrived = sent + hopMs;
    report(arrived);
    free = Math.max(free, arrived) + serviceMs;
    const acknowledged = free + commitMs + hopMs;
    latencies.push(acknowledged - sent);
    reports.push(acknowledged + deliveryMs + hopMs);
  }
  return { latencies, busyMs: 2 * times.length * serviceMs };
}

/** Simulates so many events a second at so many shards, each of which takes `perSecond` calls a second. */
export function simulate({ shards, rate, perSecond, assumed, seed = 1 }) {
  const { times, duration } = arrivals(shards, rate, random(seed));
  const runs = times.map((own) => run(own, 1000 / perSecond, assumed));
  const latencies = runs.flatMap((each) => each.latencies).sort((a, b) => a - b);
  const at = (part) => latencies[Math.floor(part * (latencies.length - 1))];
  const load = (2 * rate) / shards / perSecond;
  return {
    load,
    busiest: Math.max(...runs.map(({ busyMs }) => busyMs)) / duration,
    // A queue that grows for ever has no latency.
    isOverloaded: load >= 1,
    p50: at(0.5),
    p99: at(0.99),
  };
}
