// How often a system has the disk synced, as strace counts it: in a run of its own, for strace slows every call down.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { treeOf } from "../lib/processes.js";
import { warmUp } from "./measure.js";
import { requireProgram } from "./server.js";

const STRACE = "/usr/bin/strace";
const POSTS = 1000;

/** Counts the syncs of a system for each post of a saturating load, repeats included: `{ syncs }`. */
export async function countSyncs({ system, plan }, backend) {
  requireProgram(STRACE, "strace");
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-syncs-"));
  try {
    const file = path.join(folder, "counts");
    const pids = treeOf(system.pids());
    const options = ["-f", "-c", "-e", "trace=fsync,fdatasync", "-o", file];
    const strace = spawn(STRACE, [...options, ...pids.flatMap((pid) => ["-p", String(pid)])], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    await attached(strace, pids.length);
    const posts = await warmUp(POSTS)(() => system.port, plan);
    await backend.waitFor(
      posts.map(({ key }) => key),
      5000,
    );
    strace.kill("SIGINT");
    await once(strace, "exit");
    return { syncs: callsIn(readFileSync(file, "utf8")) / posts.length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until strace follows so many processes. */
async function attached(strace, count) {
  let left = count;
  const lines = createInterface({ input: strace.stderr });
  for await (const line of lines) {
    if (/ attached/.test(line)) left -= 1;
    if (left === 0) break;
  }
  strace.stderr.resume();
  if (left > 0) throw new Error("strace has ended");
}

/** Adds up the column `calls` of a summary: `% time  seconds  usecs/call  calls  errors  syscall`. */
function callsIn(summary) {
  const rows = [...summary.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s.*\b(fsync|fdatasync)$/gm)];
  return rows.reduce((sum, [, calls]) => sum + Number(calls), 0);
}
