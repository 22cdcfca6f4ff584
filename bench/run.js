// Measures ours beside its peers, and writes what came of it:
//     node bench/run.js [--check] [--page] [workload…]
//
// Writes bench/results/NAME.json, docs/performance/NAME.svg and the tables in PERFORMANCE.md. With --check it
// runs the short form of those that have one, writes nothing, and fails when a ratio is below 85 % of its floor;
// where a busy machine or a cold compiler may be why, it measures in full before it fails.
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

/** How many times a check measures in full what does not hold in short. */
const REPEATS = 2;

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

/**
 * Measures a workload until each of its floors has held once: in its short form, then, where a busy machine or a cold
 * compiler has disturbed that, in full. Returns how many floors have never held.
 */
async function check(workload) {
  if (!workload.short) return 0;
  console.log(`\n${workload.title}`);
  let checked = judged(await workload.measure({ short: true })).map((floor) => ({
    ...floor,
    medians: [floor.median],
  }));
  for (let again = 0; again < REPEATS && checked.some(({ holds }) => !holds); again += 1) {
    // In full there are more cases than in short.
    const full = judged(await workload.measure({ short: false }));
    checked = checked.map((floor) => {
      const { holds, median } = full.find((each) => isSame(each, floor));
      return { ...floor, holds: floor.holds || holds, medians: [...floor.medians, median] };
    });
  }
  for (const floor of checked) {
    const verdict = floor.holds ? "ok" : "too low";
    const medians = floor.medians.map(figure).join(", ");
    console.log(
      `  ${verdict.padEnd(8)} ${floor.case}: ${floor.label} ${medians} (${floor.sign} ${floor.goal})`,
    );
  }
  return checked.filter(({ holds }) => !holds).length;
}

function isSame(one, other) {
  return one.case === other.case && one.label === other.label;
}
