// A machine whose programs are stand-ins, and a tree with the scripts alone: nothing is built or downloaded.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { run as runToEnd } from "../../support/run.js";
import { until } from "../../support/wait.js";

export const ROOT = path.resolve(import.meta.dirname, "../../..");

/** Makes it, with lines of a shell for each program. They have the machine's folder as FOLDER. */
export function makeMachine(t, programs) {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "vtryon-machine-")));
  t.after(() => rmSync(folder, { recursive: true }));
  const tree = path.join(folder, "tree");
  for (const file of ["Makefile", "scripts", "package.json", "package-lock.json"]) {
    cpSync(path.join(ROOT, file), path.join(tree, file), { recursive: true });
  }
  mkdirSync(path.join(tree, "edge-worker"));
  const bin = path.join(folder, "bin");
  for (const [name, lines] of Object.entries(programs)) addProgram(path.join(bin, name), lines);
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    FOLDER: folder,
    VTRYON_CACHE: path.join(folder, "cache"),
    VTRYON_TOOLCHAIN: "rustup",
  };
  /** Runs a command in the tree; returns its exit code and what it has printed. */
  const run = (command, args = [], more = {}) =>
    runToEnd(command, args, { cwd: tree, env: { ...env, ...more } });
  return { folder, tree, run };
}

/** First lines of a program that ends when the test lets it. */
export const HELD = 'touch "$FOLDER/started"\nuntil [[ -e $FOLDER/go ]]; do sleep 0.05; done\n';

/**
 * Runs a command in the tree twice at once: again while the first run is in a program that is HELD, which then goes on when
 * the second run has said that it waits.
 */
export async function runTwice({ folder, run }, command, args, env) {
  const file = (name) => path.join(folder, name);
  const first = run(command, args, env);
  try {
    await until(() => existsSync(file("started")));
    const toFile = ["-c", 'exec "$@" 2>"$FOLDER/told"', "bash", command, ...args];
    const second = run("bash", toFile, env);
    await until(() => existsSync(file("told")) && readFileSync(file("told"), "utf8") !== "");
    writeFileSync(file("go"), "");
    const both = await Promise.all([first, second]);
    return { codes: both.map(({ code }) => code), told: readFileSync(file("told"), "utf8") };
  } finally {
    writeFileSync(file("go"), "");
    await first;
  }
}

/** Writes a program: lines of a shell. */
export function addProgram(file, lines, interpreter = "/bin/bash") {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!${interpreter}\n${lines}\n`, { mode: 0o755 });
}
