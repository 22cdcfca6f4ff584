import { closeSync, linkSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { createOwn, readOwn } from "./private-file.js";

/**
 * Takes the lock of a file, also from a process that has died; returns how to give it back, or the number of
 * the process that holds it.
 */
export function lock(path: string): (() => void) | number {
  const mine = `${path}.${process.pid}`;
  const file = createOwn(mine);
  writeSync(file, `${process.pid} ${bornAt(process.pid)}\n`);
  closeSync(file);
  try {
    for (;;) {
      const holder = take(mine, path);
      if (holder === undefined) return () => rmSync(path, { force: true });
      if (runs(holder)) return Number(holder.split(" ")[0]);
      // Moved away, not removed: another process may have done so, and taken the lock, a moment ago.
      const aside = `${mine}.stale`;
      renameIfThere(path, aside);
      const moved = contentOf(aside);
      if (moved !== undefined && moved !== holder) take(aside, path);
      rmSync(aside, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Makes the lock, whole from its first moment; returns what is in it where there is one. */
function take(mine: string, path: string): string | undefined {
  try {
    linkSync(mine, path);
    return undefined;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "EEXIST") throw fault;
  }
  return contentOf(path) ?? take(mine, path);
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "ENOENT") throw fault;
  }
}

function contentOf(path: string): string | undefined {
  return readOwn(path)?.trim();
}

/** Tells whether the process that wrote this still runs. A number is used again, with another birth. */
function runs(holder: string): boolean {
  const [pid = "", birth] = holder.split(" ");
  if (!/^[1-9]\d{0,9}$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return birth === bornAt(Number(pid));
}

/** When a process began, where the system tells it by a file. */
function bornAt(pid: number): string {
  try {
    // pid (name) state parent …: the 20th after the name.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
  } catch {
    return "-";
  }
}
