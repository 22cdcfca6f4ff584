// The tables of PERFORMANCE.md, each between its markers, from what is stored in bench/results.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { markdownTable } from "markdown-table";
import { costTable, priceTable, total } from "../cost/price.js";
import { sizingTable } from "../platform/table.js";
import { guaranteesTable, lossesTable, systemsTable } from "../systems/table.js";
import { engineTable } from "./engine-table.js";
import { judged } from "./floors.js";
import { RESULTS, readResult } from "./results.js";
import { median, ratio } from "./statistics.js";
import { figure, resultTable, unitOf } from "./table.js";

const PERFORMANCE = path.resolve(import.meta.dirname, "../../PERFORMANCE.md");
const TABLE = /<!-- table: ([\w-]+) -->\n[\s\S]*?<!-- \/table -->/g;

/** Rows of the first table: what, of which workload and case, ours, and what it is compared with. */
const SUMMARY = [
  ["npm: verify an event and read it, 350 B", "npm-open", "350 B", "ours", "guide"],
  ["the same, 16 KB", "npm-open", "16 KB", "ours", "guide"],
  ["npm: verify alone, 350 B", "npm-verify", "350 B", "ours", "guide"],
  ["crate: verify alone, 350 B", "native", "350 B", "ours", "ring"],
  ["Express: a request, 350 B, CPU", "express", "350 B", "ours", "guide"],
  ["`node:http`: a request, 350 B, CPU", "node-http", "350 B", "ours", "guide"],
  ["gateway: refuse a wrong signature, CPU", "gateway-verify", "CPU", "ours", "JavaScript Worker"],
  ["gateway: store and acknowledge, CPU", "gateway-ack", "CPU", "ours", "JavaScript Worker"],
  [
    "gateway: the same with 10,000 idle sockets, CPU",
    "gateway-idle",
    "CPU",
    "10,000 idle sockets",
    "no socket",
  ],
  [
    "gateway: a page of 50 of 1,000,000 tasks",
    "gateway-scale",
    "first page",
    "1,000,000 tasks",
    "1,000 tasks",
  ],
  [
    "gateway: an event at 10,000 sockets, until the last has it",
    "gateway-fanout",
    "10,000 sockets",
    "until the last socket has it",
  ],
];
/** Names of variants that need a word more where they stand alone. */
const FULL_NAMES = { guide: "Vtryon's guide", "1,000 tasks": "of 1,000 tasks" };

/** Writes all tables anew, or only compares them; returns whether the page is now up to date. */
export function updatePage({ check = false } = {}) {
  const text = readFileSync(PERFORMANCE, "utf8");
  const updated = text.replace(
    TABLE,
    (_, name) => `<!-- table: ${name} -->\n${table(name)}\n<!-- /table -->`,
  );
  if (!check) writeFileSync(PERFORMANCE, updated);
  return !check || updated === text;
}

function table(name) {
  if (name === "summary") return summaryTable();
  if (name === "missed") return missedTable();
  if (name === "systems") return dated(readResult("systems-load"), systemsTable);
  if (name === "guarantees") return guaranteesTable();
  if (name === "losses") return dated(readResult("systems-losses"), lossesTable);
  if (name === "machine") return machinesTable();
  if (name === "cost") return [costTable(readResult("cost").cases), priceTable()].join("\n\n");
  if (name === "engine") return engineTable(readResult("engine"));
  if (name === "platform") return sizingTable(readResult("platform"));
  const result = readResult(name);
  return `${unitOf(result)}\n\n${resultTable(result)}`;
}

/** A table below the day of its result; the page's last table names the machine. */
const dated = (result, tableOf) => `Measured on ${result.measured}.\n\n${tableOf(result)}`;

/** The median of ours, and how many times that the other one takes. */
function summaryTable() {
  const rows = SUMMARY.map(([what, workload, name, ours, other]) => {
    const result = readResult(workload);
    const { cases, unit } = result;
    const { samples } = cases.find((each) => each.case === name);
    const own = `${figure(median(samples[ours]))} ${unit.split(" ")[0]}`;
    if (other === undefined) return [what, own, "", "", result.measured];
    const { median: times } = ratio(samples, other, ours);
    return [what, own, FULL_NAMES[other] ?? other, `${figure(times)}×`, result.measured];
  });
  const result = readResult("cost");
  const cost = `$${total(result.cases[0].operations).toFixed(2)}`;
  const what = "gateway: Cloudflare's price of a million events, delivered";
  rows.push([what, cost, "", "", result.measured]);
  const head = ["", "ours", "compared with", "it takes", "measured"];
  return markdownTable([head, ...rows], { align: ["l", "r", "l", "r", "l"] });
}

/** The targets that were not reached. */
function missedTable() {
  const workloads = SUMMARY.map(([, workload]) => workload);
  const rows = [...new Set(workloads)].flatMap((workload) => {
    const result = readResult(workload);
    return judged(result)
      .filter(({ isReached }) => !isReached)
      .map((floor) => [
        `${result.title}, ${floor.case}`,
        floor.label,
        // One digit more where the target seems to be reached.
        figure(floor.median) === figure(floor.target)
          ? floor.median.toFixed(3)
          : figure(floor.median),
        `${floor.sign} ${floor.target}`,
        result.measured,
      ]);
  });
  return markdownTable([["", "ratio", "measured", "target", "on"], ...rows], {
    align: ["l", "l", "r", "r", "l"],
  });
}

/** A column for each machine, and what was measured there. */
function machinesTable() {
  const byMachine = new Map();
  for (const file of readdirSync(RESULTS).sort()) {
    const { name, machine } = readResult(path.basename(file, ".json"));
    if (machine === undefined) continue;
    const facts = JSON.stringify(machine);
    byMachine.set(facts, [...(byMachine.get(facts) ?? []), name]);
  }
  const most = Math.max(...[...byMachine.values()].map(({ length }) => length));
  const heads = [...byMachine.values()].map((workloads) =>
    workloads.length === most && byMachine.size > 1 ? "all others" : workloads.join(", "),
  );
  const machines = [...byMachine.keys()].map((facts) => JSON.parse(facts));
  return markdownTable([
    ["", ...heads],
    ...Object.keys(machines[0]).map((name) => [name, ...machines.map((facts) => `${facts[name]}`)]),
  ]);
}
