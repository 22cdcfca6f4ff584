// Reads the tree and what npm packs of it, runs the tools of set-up, and builds the Python package.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

export const ROOT = path.join(import.meta.dirname, "../..");
export const PYTHON = path.join(ROOT, ".cache/python/bin/python");

export const read = (file) => readFileSync(path.join(ROOT, file), "utf8");
export const readJson = (file) => JSON.parse(read(file));

/** Runs a command and returns what it prints. An error's first line is the first line of the command's own. */
export function run(command, args, cwd) {
  try {
    return execFileSync(command, args, {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const lines = `${error.stderr ?? ""}\n${error.stdout ?? ""}`.split("\n");
    const line = lines.find((each) => /error/i.test(each)) ?? lines.find(Boolean) ?? error.message;
    throw new Error(`${path.basename(command)} ${args[0]}: ${line.trim()}`);
  }
}

/** Reads what `npm pack --json` prints of one package: npm 12 an object by names, earlier ones a list. */
export function packedOf(text) {
  const [packed] = Object.values(JSON.parse(text));
  return packed;
}

let tracked;
/** Whether a file is in the repository. */
export function isTracked(file) {
  tracked ??= new Set(run("git", ["ls-files"], ROOT).split("\n"));
  return tracked.has(file);
}

let built;
/** Builds the wheel and the source distribution into a folder, once, with the tools of set-up. */
export function buildPython(folder) {
  if (built === folder) return;
  const args = ["-m", "build", "--no-isolation", "--outdir", folder, path.join(ROOT, "python")];
  run(PYTHON, args, ROOT);
  built = folder;
}
