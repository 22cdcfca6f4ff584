// Simulates what so many shards carry on the platform, from its published limits:
//     node bench/platform.js
//
// Writes bench/results/platform.json and the sizing table of PERFORMANCE.md. What an event costs is what `make cost` has
// counted with the real engine; how much it stores, what `make bench-engine` has measured. It measures nothing.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { updatePage } from "./lib/performance.js";
import { readResult } from "./lib/results.js";
import { simulate } from "./platform/model.js";
import { priced, sizingTable } from "./platform/table.js";

const SHARDS = [16, 128, 1024];
const RATES = [1000, 3000, 10_000, 30_000, 100_000];

/** How many events a task of bench/engine has: of 20 tasks one stops after the first, and one after the second. */
const EVENTS_OF_TASK = 2.85;

const limits = JSON.parse(
  readFileSync(path.join(import.meta.dirname, "platform/limits.json"), "utf8"),
);
const [delivered] = readResult("cost").cases;
const { filled } = readResult("engine");
const { bytes, tasks } = filled.at(-1);
const bytesPerEvent = bytes / (tasks * EVENTS_OF_TASK);
const counted = { perMillion: delivered.total, bytesPerEvent, limits };

const rows = RATES.flatMap((rate) =>
  SHARDS.map((shards) => {
    const run = (perSecond) => simulate({ shards, rate, perSecond, assumed: limits.assumed });
    const { best, cautious } = limits.published.writingRequests;
    const runs = { best: run(best), cautious: run(cautious) };
    return { rate, shards, runs, price: priced({ rate, shards }, counted) };
  }),
);
const result = { name: "platform", limits, bytesPerEvent, rows };
console.log(`\n${sizingTable(result)}\n`);
writeFileSync(
  path.join(import.meta.dirname, "results/platform.json"),
  `${JSON.stringify(result, null, 2)}\n`,
);
updatePage();
