// What runs on this machine, as far as it is needed to end exactly what we
// started: a process is known by its id and its start time together, since
// ids are used again.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const linux = process.platform === "linux";

/**
 * All running processes by id.
 * @returns {Map<number, {pid: number, ppid: number, start: string, name: string}>}
 */
export function processes() {
  const all = linux ? readdirSync("/proc").map(fromProc) : psLines().map(fromPs);
  return new Map(all.filter(Boolean).map((found) => [found.pid, found]));
}

function fromProc(pid) {
  if (!/^\d+$/.test(pid)) return;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // "pid (name) state ppid …": the name may hold spaces and parentheses.
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    if (fields[0] === "Z") return;
    return {
      pid: Number(pid),
      ppid: Number(fields[1]),
      start: fields[19],
      name: stat.slice(stat.indexOf("(") + 1, end),
    };
  } catch {
    // It ended while we were reading.
  }
}

const psLines = () =>
  execFileSync("ps", ["-axo", "pid=,ppid=,stat=,lstart=,comm="], { encoding: "utf8" })
    .trim()
    .split("\n");

function fromPs(line) {
  const [pid, ppid, state, ...rest] = line.trim().split(/\s+/);
  if (state.startsWith("Z")) return;
  // The start time has five words: day of the week, month, day, time, year.
  return {
    pid: Number(pid),
    ppid: Number(ppid),
    start: rest.slice(0, 5).join(" "),
    name: rest.slice(5).join(" ").split("/").pop(),
  };
}

/** The process as it may be written down and recognised later. */
export const identity = ({ pid, start }) => ({ pid, start });

/** Whether the process that was written down still runs. */
export const runs = (known, table = processes()) => table.get(known.pid)?.start === known.start;

/** Those of `known` that run, and everything that they started. */
export function family(known, table = processes()) {
  const members = new Map(
    known.filter((one) => runs(one, table)).map((one) => [one.pid, table.get(one.pid)]),
  );
  // A Map's iteration reaches what is added on the way.
  for (const pid of members.keys()) {
    for (const one of table.values()) {
      if (one.ppid === pid) members.set(one.pid, one);
    }
  }
  return [...members.values()];
}

/**
 * Ends `known` and all that they started. Parents are asked to end their own
 * children; what is left after `patience` ms is killed.
 */
export async function end(known, patience = 5000) {
  let left = family(known);
  const pids = new Set(left.map(({ pid }) => pid));
  signal(
    left.filter(({ ppid }) => !pids.has(ppid)),
    "SIGTERM",
  );
  const deadline = Date.now() + patience;
  while (left.length > 0) {
    await sleep(50);
    // What was seen before stays in the list when its parent has gone.
    left = family(left);
    if (Date.now() > deadline) signal(left, "SIGKILL");
  }
}

function signal(list, name) {
  for (const { pid } of list) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself.
    }
  }
}
