// Processor time and memory of processes with all that they have started, on Linux.

import { readdirSync, readFileSync } from "node:fs";
import { cpuOf } from "./cpu.js";

/** The unit of times in /proc/PID/stat, in microseconds: USER_HZ is 100. */
const TICK = 10_000;

/** Returns the fields of /proc/PID/stat after the name of the program, or nothing where the process has ended. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Returns the ids of processes and of all that descend from them. */
export function treeOf(roots) {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(name)?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [...roots];
  // The list grows while it is walked.
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Returns what processes and all that they have started have used so far, in microseconds; what has ended counts. */
export function cpuOfTree(roots) {
  return treeOf(roots).reduce((sum, pid) => {
    const stat = statOf(pid);
    if (stat === undefined) return sum;
    const [ofEndedUser, ofEndedKernel] = stat.slice(13, 15);
    return sum + cpuOf(pid) + (Number(ofEndedUser) + Number(ofEndedKernel)) * TICK;
  }, 0);
}

/** Returns the memory of processes and their descendants in MiB, what they share counted once (PSS). */
export function memoryOfTree(roots) {
  return treeOf(roots).reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return sum + Number(/^Pss:\s+(\d+) kB/m.exec(rollup)[1]) / 1024;
  }, 0);
}
