// A server of Debian's packages, started by the bench on loopback in a folder of its own: killed and started anew on
// what it has stored.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** Fails where a program is not installed. */
export function requireProgram(file, debianPackage) {
  if (file !== undefined && existsSync(file)) return;
  throw new Error(`${debianPackage} is missing: sudo apt-get install -y ${debianPackage}`);
}

/** Starts a program and waits until a line of its output says that it is ready. */
export async function startUntil(ready, command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const seen = [];
  const isReady = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        seen.push(line);
        if (line.includes(ready)) resolve();
      });
    }
    child.once("exit", () => reject(new Error(`${command} has ended: ${seen.join("\n")}`)));
  });
  await isReady;
  return child;
}

/** Kills processes with SIGKILL at the same time; returns after the last has gone. */
export async function killAll(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
  const isAlive = (pid) => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  while (pids.some(isAlive)) await sleep(5);
}
