// The processor time of another process, on Linux.

import { readdirSync, readFileSync } from "node:fs";

/**
 * Returns what a process has used so far, in its own code and in the kernel, in microseconds: the sum over its
 * threads, which the scheduler counts in nanoseconds. A thread that has ended is no longer counted.
 */
export function cpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const used = threads.map((thread) => {
    const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    return Number(nanoseconds) / 1000;
  });
  return used.reduce((sum, each) => sum + each, 0);
}
