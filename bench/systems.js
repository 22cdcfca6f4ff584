// Compares the gateway as a whole with what people would build instead, and writes what came of it:
//     node bench/systems.js
//
// Environment: ROUNDS (5), SECONDS that each load lasts (10), RATES in events a second besides saturation ("50,200,400"),
// KILLS of each system (10), SYNCS (1: count them), SYSTEMS ("ours,worker,postgres,redis,memory"), OURS (another checkout,
// with its Worker built, measured beside this one). A run of chosen systems or rates prints its tables, and kills or
// counts only where it is told to; a whole one writes bench/results/systems-*.json and PERFORMANCE.md too.

import { env } from "node:process";
import { machine, today } from "./lib/machine.js";
import { updatePage } from "./lib/performance.js";
import { writeResult } from "./lib/results.js";
import { Backend } from "./systems/backend.js";
import { compare, eachAlone, stopAll } from "./systems/comparison.js";
import { losses } from "./systems/losses.js";
import { countSyncs } from "./systems/syncs.js";
import { chosen } from "./systems/systems.js";
import { lossesTable, ratioTable, systemsTable } from "./systems/table.js";

const rounds = Number(env.ROUNDS || 5);
const seconds = Number(env.SECONDS || 10);
const kills = Number(env.KILLS || 10);
const loads = ["saturation", ...(env.RATES ?? "50,200,400").split(",").filter(Boolean)];
const isWhole = !env.SYSTEMS && !env.OURS && env.RATES === undefined;
const systems = chosen(env);
const say = console.log;

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => stopAll().finally(() => process.exit(1)));
}
const backend = await Backend.start();
try {
  const facts = { measured: today(), machine: machine() };
  const load = await compare(systems, backend, { rounds, seconds, loads, say });
  say(`\n${systemsTable(load)}\n`);
  if (systems.length > 1) say(`${ratioTable(load)}\n`);
  const keep = () => writeResult({ name: "systems-load", ...facts, rounds, seconds, ...load });
  if (isWhole) keep();

  if (isWhole || env.KILLS) {
    const how = { kills, random: Math.random, say };
    const lost = await eachAlone(systems, backend, (entry) => losses(entry, backend, how));
    say(`\n${lossesTable({ systems: lost })}\n`);
    if (isWhole) writeResult({ name: "systems-losses", ...facts, systems: lost });
  }
  if (isWhole || env.SYNCS) {
    load.syncs = await eachAlone(systems, backend, (entry) => countSyncs(entry, backend));
    for (const { title, syncs } of load.syncs) say(`${title}: ${syncs.toFixed(2)} syncs a post`);
    if (isWhole) keep();
  }
  if (isWhole) updatePage();
} finally {
  backend.stop();
}
