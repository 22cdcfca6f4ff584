// Measures ours beside its peers, and writes what came of it:
//     node bench/run.js [--check] [--page] [workload…]
//
// Writes bench/results/NAME.json, docs/performance/NAME.svg and the tables in PERFORMANCE.md. With --check it
// runs the short form of those that have one, writes nothing, and fails when a ratio is below 85 % of its floor.
// With --page it measures nothing, and writes the tables from bench/results; with both it compares them.

import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { judged } from "./lib/floors.js";
import { machine, today } from "./lib/machine.js";
import { updatePage } from "./lib/performance.js";
import { plot } from "./lib/plot.js";
import { writeResult } from "./lib/results.js";
import { figure, floorTable, resultTable, unitOf } from "./lib/table.js";

const ROOT = path.resolve(import.meta.dirname, "..");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
  },
});
if (values.page) {
  if (updatePage({ check: values.check })) process.exit();
  console.error("error: PERFORMANCE.md is out of date, run: node bench/run.js --page");
  process.exit(1);
}

const all = readdirSync(path.join(import.meta.dirname, "workloads"), { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
  .map(({ name }) => path.basename(name, ".js"));
const unknown = positionals.find((name) => !all.includes(name));
if (unknown !== undefined) {
  console.error(`error: no workload ${unknown}; there are ${all.join(", ")}`);
  process.exit(1);
}

const facts = machine();
let failures = 0;
for (const name of positionals.length > 0 ? positionals : all) {
  const { default: workload } = await import(`./workloads/${name}.js`);
  if (values.check) failures += await check(workload);
  else await report(workload);
}
if (failures > 0) {
  console.error(`${failures} ratios are too low`);
  process.exitCode = 1;
}

/** Runs a workload in full and writes its results. */
async function report(workload) {
  const { name, title, unit, about } = workload;
  const result = await workload.measure({ short: false });
  const tables = [unitOf({ unit }), resultTable(result)];
  if (result.floors.length > 0) tables.push(floorTable(result));
  console.log(`\n## ${title}\n${about}\n\n${tables.join("\n\n")}`);

  const kept = { name, measured: today(), title, unit, about, machine: facts, ...result };
  writeResult(kept);
  writeFileSync(path.join(ROOT, `docs/performance/${name}.svg`), await plot(title, result));
  updatePage();
}

/** Runs the short form of a workload; returns how many of its floors do not hold, measured twice. */
async function check(workload) {
  if (!workload.short) return 0;
  console.log(`\n${workload.title}`);
  const first = judged(await workload.measure({ short: true }));
  const again = first.every(({ holds }) => holds)
    ? first
    : judged(await workload.measure({ short: true }));
  return first.filter((floor, nth) => {
    const isKept = floor.holds || again[nth].holds;
    const measured = floor.holds
      ? figure(floor.median)
      : `${figure(floor.median)}, ${figure(again[nth].median)}`;
    const verdict = isKept ? "ok" : "too low";
    console.log(
      `  ${verdict.padEnd(8)} ${floor.case}: ${floor.label} ${measured} (${floor.sign} ${floor.goal})`,
    );
    return !isKept;
  }).length;
}
