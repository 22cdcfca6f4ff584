import { closeSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/** Creates the lock file atomically, with its content. Returns the content of an existing one. */
function acquire(ownPath: string, path: string): string | undefined {
  try {
    linkSync(ownPath, path);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return contentOf(path) ?? acquire(ownPath, path);
}

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
  return started === startTime(Number(pid));
}

/** Returns the start time of a process, on Linux; elsewhere "-". */
function startTime(pid: number): string {
  try {
    // pid (name) state parent …: the 20th after the name.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
  } catch {
    return "-";
  }
}
