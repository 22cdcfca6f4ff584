// The processes of this machine, as far as is needed to end exactly those that the gateway started. A process is known
// by its id and its start time together, since ids are used again.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {{ pid: number, start: string }} Identity
 * @typedef {Identity & { ppid: number, name: string }} Process
 */

/** How often the processes are listed. On Windows a listing takes about a second. */
export const SURVEY_MS = process.platform === "win32" ? 10_000 : 250;

/**
 * Returns all running processes by id.
 * @returns {Map<number, Process>}
 */
export function processes() {
  return new Map(list().flatMap((found) => (found ? [[found.pid, found]] : [])));
}

function list() {
  if (process.platform === "linux") return readdirSync("/proc").map(fromProc);
  if (process.platform === "win32") return lines("powershell", POWERSHELL).map(fromPowerShell);
  return lines("ps", ["-axo", "pid=,ppid=,stat=,lstart=,comm="], PS_ENV).map(fromPs);
}

/** Start times are compared as they are printed: by another terminal too, with another language and time zone. */
const PS_ENV = { LC_ALL: "C", TZ: "UTC" };

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [environment] what it has of it beside ours
 */
function lines(command, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const text = execFileSync(command, args, { encoding: "utf8", windowsHide: true, env });
  return text.trim().split(/\r?\n/);
}

/**
 * @param {string} pid
 * @returns {Process | undefined}
 */
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
      start: fields[19] ?? "",
      name: stat.slice(stat.indexOf("(") + 1, end),
    };
  } catch {
    // It ended while we were reading.
  }
}

/**
 * @param {string} line
 * @returns {Process | undefined}
 */
function fromPs(line) {
  const [pid, ppid, state = "", ...rest] = line.trim().split(/\s+/);
  if (state.startsWith("Z")) return;
  // The start time has five words: day of the week, month, day, time, year.
  return {
    pid: Number(pid),
    ppid: Number(ppid),
    start: rest.slice(0, 5).join(" "),
    name: rest.slice(5).join(" ").split("/").pop() ?? "",
  };
}

const POWERSHELL = [
  "-NoProfile",
  "-Command",
  "Get-CimInstance Win32_Process | ForEach-Object { '{0} {1} {2} {3}' -f $_.ProcessId, $_.ParentProcessId, $_.CreationDate.Ticks, $_.Name }",
];

/**
 * @param {string} line
 * @returns {Process | undefined}
 */
function fromPowerShell(line) {
  // The system's own processes have no start time.
  const [, pid, ppid, start = "", name = ""] = /^(\d+) (\d+) (\d+) (.+)$/.exec(line) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), ppid: Number(ppid), start, name };
}

/**
 * Returns what a process is recognised by later.
 * @param {Identity} found
 * @returns {Identity}
 */
export const identity = ({ pid, start }) => ({ pid, start });

/**
 * Returns whether a process that was written down still runs.
 * @param {Identity} known
 */
export const runs = (known, table = processes()) => table.get(known.pid)?.start === known.start;

/**
 * Returns those of `known` that run, and everything that they started.
 * @param {Identity[]} known
 */
export function family(known, table = processes()) {
  /** @type {Map<number, Process>} */
  const members = new Map();
  for (const one of known) {
    const found = table.get(one.pid);
    if (found?.start === one.start) members.set(one.pid, found);
  }
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
 * children; what is left after `patience` ms is killed. On Windows asking is killing, so all are at once.
 * @param {Identity[]} known
 */
export async function end(known, patience = process.platform === "win32" ? 0 : 5000) {
  let left = family(known);
  const pids = new Set(left.map(({ pid }) => pid));
  signal(
    left.filter(({ ppid }) => !pids.has(ppid)),
    "SIGTERM",
  );
  // By the monotonic clock: if the other one is set back meanwhile, the wait becomes no longer.
  const deadline = performance.now() + patience;
  while (left.length > 0) {
    await sleep(50);
    // What was seen before stays in the list when its parent has gone.
    left = family(left);
    if (performance.now() > deadline) signal(left, "SIGKILL");
  }
}

/**
 * Sends a signal to processes, as far as they are still there.
 * @param {{ pid: number }[]} targets
 * @param {NodeJS.Signals} name
 */
export function signal(targets, name) {
  for (const { pid } of targets) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself.
    }
  }
}
