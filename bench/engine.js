// What a shard takes by how much it stores, natively over SQLite: bench/engine measures, in rounds of its own:
//     node bench/engine.js        (TASKS=10000000 for a larger shard, on disk alone)
//
// Writes bench/results/engine.json and the table of PERFORMANCE.md.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { machine, today } from "./lib/machine.js";
import { updatePage } from "./lib/performance.js";
import { writeResult } from "./lib/results.js";

const ROOT = path.resolve(import.meta.dirname, "..");

/** The most tasks; those in memory are fewer, as a million take 2 GB. */
const TASKS = Number(process.env.TASKS ?? 100_000);
const IN_MEMORY = 1_000_000;

const onDisk = [1e3, 1e4, 1e5, 1e6, 1e7].filter((tasks) => tasks <= TASKS);
// Not in the folder for temporary files: that may be memory, which has no syncs.
mkdirSync(path.join(ROOT, "target"), { recursive: true });
const folder = mkdtempSync(path.join(ROOT, "target/engine-"));
const input = {
  onDisk,
  inMemory: onDisk.filter((tasks) => tasks <= IN_MEMORY),
  folder,
  how: { rounds: 9, slots: 4, slotMs: 3, writes: 20 },
};
try {
  const run = ["run", "--quiet", "--profile=native", "--package=vtryon-gateway-bench"];
  const output = execFileSync("cargo", run, {
    cwd: ROOT,
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 1e8,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const measured = { measured: today(), machine: machine(), ...JSON.parse(output) };
  writeResult({ name: "engine", ...measured });
  updatePage();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
