// The file that says which process has a state. `edge-worker/npm/lib/local/{lock,processes}.js` have the same rules for the
// state of the gateway, and the packages cannot import each other: a fault in one is probably in the other too.

import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createPrivate, readPrivate } from "./private-file.js";

/**
 * Acquires a lock file, also from a process that has died. Returns a function that releases it, or the id of the
 * process that holds it.
 */
export function lock(path: string): (() => void) | number {
  const ownPath = `${path}.${process.pid}`;
  const file = createPrivate(ownPath);
  writeFileSync(file, `${process.pid} ${startTime(process.pid)}\n`);
  closeSync(file);
  try {
    for (;;) {
      const holder = acquire(ownPath, path);
      if (holder === undefined) return () => rmSync(path, { force: true });
      if (isRunning(holder)) return Number(holder.split(" ")[0]);
      // Renamed, not removed: another process may have removed it and acquired the lock a moment ago.
      const aside = `${ownPath}.stale`;
      renameIfThere(path, aside);
      const moved = contentOf(aside);
      if (moved !== undefined && moved !== holder) acquire(aside, path);
      rmSync(aside, { force: true });
    }
  } finally {
    rmSync(ownPath, { force: true });
  }
}

/** Creates the lock file with its content. Returns the content of an existing one. */
function acquire(ownPath: string, path: string): string | undefined {
  try {
    create(ownPath, path);
    return undefined;
  } catch (error) {
    if (!isThere(error)) throw error;
  }
  return contentOf(path) ?? acquire(ownPath, path);
}

/** Creates a file with the content of another one: atomically, where the file system has hard links. */
function create(from: string, path: string): void {
  try {
    linkSync(from, path);
  } catch (error) {
    if (isThere(error)) throw error;
    copyFileSync(from, path, constants.COPYFILE_EXCL);
  }
}

const isThere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "EEXIST";

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function contentOf(path: string): string | undefined {
  return readPrivate(path)?.trim();
}

/** Returns whether the process that wrote a lock still runs. Process ids are reused, with another start time. */
function isRunning(holder: string): boolean {
  const [pid = "", started] = holder.split(" ");
  if (!/^[1-9]\d{0,9}$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = startTime(Number(pid));
  return started === now || started === UNKNOWN || now === UNKNOWN;
}

const UNKNOWN = "-";

/** Returns the start time of a process, as one word. */
function startTime(pid: number): string {
  try {
    // pid (name) state parent …: the 20th after the name.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? UNKNOWN;
  } catch {
    return askStartTime(pid);
  }
}

/** Asks for the start time of a process where there is no /proc: on macOS and Windows. */
function askStartTime(pid: number): string {
  const [command, args] =
    process.platform === "win32"
      ? [
          "powershell",
          ["-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`],
        ]
      : ["ps", ["-o", "lstart=", "-p", `${pid}`]];
  // Printed the same in another terminal, with another language and time zone.
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  try {
    const text = execFileSync(command, args, {
      encoding: "utf8",
      env,
      stdio: ["ignore", "pipe", "ignore"],
      windowsHide: true,
    });
    return text.trim().replace(/\s+/g, "_") || UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}
