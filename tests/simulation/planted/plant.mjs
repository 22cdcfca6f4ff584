// Plants one fault after the other in a copy of the engine, and simulates it: `make simulate-faults`, or
//     node tests/simulation/planted/plant.mjs [NAME…]
// Writes what has caught each to tests/simulation/FAULTS.md, and which invariants have caught none. With --check, only looks
// whether every fault still fits the sources, and whether the page says of each what has caught it.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FAULTS, planted } from "./faults.js";

const root = path.resolve(import.meta.dirname, "../../..");
const page = path.join(root, "tests/simulation/FAULTS.md");
const read = (file) => readFileSync(path.join(root, file), "utf8");

/** All invariants that the simulation knows. */
const INVARIANTS = read("tests/simulation/src/invariants.txt").trimEnd().split("\n");

/** How many seeds are tried, and how many steps each takes. */
const SIZE = ["--seeds", "600", "--steps", "1500"];

/** How long they may take together, in milliseconds, far longer than on a busy machine: a fault may make the engine loop. */
const LIMIT = 1_800_000;

/** What stands for the invariant of a fault that nothing has caught. */
const MISSED = "**none**";

const HEAD = `# Planted faults

Each of these faults was planted in the engine, and the simulation caught it: with which seed, and after how many steps, the fewest of those that failed at the same time. Both are of the simulated world of that day, which has grown since; \`make simulate-faults\` plants all of them again and writes this page anew.

| what goes wrong | the invariant that caught it | seed | steps |
|---|---|---|---|
`;

/** Introduces the invariants that are not in the table. */
const UNBROKEN = `
## Invariants that none of them has broken

`;

/** Copies the part of the workspace that the simulation is built from. */
function copy() {
  const tree = path.join(root, "target/planted");
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  const parts = ["Cargo.toml", "Cargo.lock", "core", "edge-worker/engine", "tests/simulation"];
  for (const part of parts)
    cpSync(path.join(root, part), path.join(tree, part), { recursive: true });
  const workspace = read("Cargo.toml").replace(
    /^members = .*$/m,
    'members = ["core", "edge-worker/engine", "tests/simulation"]',
  );
  writeFileSync(path.join(tree, "Cargo.toml"), workspace);
  return tree;
}

/** Builds and runs the simulation of a tree; returns what was violated, or nothing. */
function simulate(tree) {
  const build = [
    "build",
    "--quiet",
    "--profile",
    "simulation",
    "--package",
    "vtryon-gateway-simulation",
  ];
  // Apart from the simulation of the sources as they are.
  const target = path.join(root, "target/planted-build");
  const stdio = ["ignore", "inherit", "ignore"];
  // Each fault is a small change of one file.
  const env = { ...process.env, CARGO_INCREMENTAL: "1" };
  execFileSync("cargo", [...build, "--target-dir", target], { cwd: tree, stdio, env });
  const { stderr } = spawnSync(path.join(target, "simulation/simulate"), SIZE, {
    encoding: "utf8",
    timeout: LIMIT,
    killSignal: "SIGKILL",
  });
  const [, invariant] = /^violated: (.*)$/m.exec(stderr) ?? [];
  const [, seed, steps] = /SEED=(\d+) STEPS=(\d+)/.exec(stderr) ?? [];
  return invariant && { invariant, seed, steps };
}

/** Returns the rows of the page, by fault. */
function rowsOf(text) {
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1);
  return new Map(rows.map((row) => [row.slice(2).split(" | ")[0], row]));
}

/** Makes the page of some rows. */
function pageOf(rows) {
  const inOrder = FAULTS.map(({ name }) => rows.get(name)).filter(Boolean);
  const broken = new Set(inOrder.map((row) => row.split(" | ")[1]));
  const unbroken = INVARIANTS.filter((invariant) => !broken.has(invariant));
  const list = unbroken.map((invariant) => `- ${invariant}\n`).join("");
  return `${HEAD}${inOrder.join("\n")}\n${list && UNBROKEN + list}`;
}

/**
 * Checks that every fault fits the sources, and that the page lists each of them, only faults that were caught by an
 * invariant that there is, and the invariants that are left.
 */
function check() {
  const text = readFileSync(page, "utf8");
  const rows = rowsOf(text);
  for (const fault of FAULTS) {
    planted(read(fault.file), fault);
    if (!rows.has(fault.name)) throw new Error(`not planted yet: ${fault.name}`);
  }
  for (const [fault, row] of rows) {
    if (!FAULTS.some(({ name }) => name === fault)) throw new Error(`no such fault: ${fault}`);
    if (row.includes(MISSED)) throw new Error(`not caught: ${fault}`);
    const [, invariant] = row.split(" | ");
    if (!INVARIANTS.includes(invariant)) throw new Error(`no such invariant: ${invariant}`);
  }
  if (text !== pageOf(rows)) throw new Error("FAULTS.md is not as it is written");
}

/** Plants faults, and writes a row for each; those of the others stay. */
function plant(faults) {
  const tree = copy();
  const rows = rowsOf(readFileSync(page, "utf8"));
  for (const fault of faults) {
    const source = readFileSync(path.join(tree, fault.file), "utf8");
    writeFileSync(path.join(tree, fault.file), planted(source, fault));
    const { invariant = MISSED, seed = "", steps = "" } = simulate(tree) ?? {};
    writeFileSync(path.join(tree, fault.file), source);
    console.log(`${fault.name}: ${invariant} ${seed} ${steps}`);
    rows.set(fault.name, `| ${fault.name} | ${invariant} | ${seed} | ${steps} |`);
    writeFileSync(page, pageOf(rows));
  }
}

const isCheck = process.argv.includes("--check");
const names = process.argv.slice(2).filter((name) => name !== "--check");
const unknown = names.filter((name) => !FAULTS.some((fault) => fault.name === name));
if (unknown.length > 0) throw new Error(`no such fault: ${unknown.join(", ")}`);
if (!isCheck) plant(FAULTS.filter(({ name }) => names.length === 0 || names.includes(name)));
check();
