// A machine whose programs are stand-ins, and a tree with the scripts alone: nothing is built or downloaded.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";

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
  async function run(command, args = [], more = {}) {
    const child = spawn(command, args, {
      cwd: tree,
      env: { ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { code, out, err };
  }
  return { folder, tree, run };
}

/** Writes a program: lines of a shell. */
export function addProgram(file, lines, interpreter = "/bin/bash") {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!${interpreter}\n${lines}\n`, { mode: 0o755 });
}
