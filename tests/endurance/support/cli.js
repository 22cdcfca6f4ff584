// What the commands of this folder read from their environment, and print.

import { env } from "node:process";

/** Reads a positive number from the environment, as `make soak MINUTES=5` sets it. */
export function positive(name, otherwise) {
  const value = Number(env[name] || otherwise);
  if (value > 0) return value;
  console.error(`error: ${name} is ${env[name]}, not a positive number`);
  process.exit(1);
}

/** Prints a line with the time that has passed since the start. */
export function say(text) {
  const seconds = Math.round(performance.now() / 1000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  console.log(`${String(minutes).padStart(3)}:${String(rest).padStart(2, "0")}  ${text}`);
}

/** Prints whether each figure is within its limit, and sets the exit code: `[what, figure, isWithin, limit]`. */
export function judge(rows) {
  for (const [what, figure, isWithin, limit] of rows) {
    console.log(`  ${isWithin ? "ok      " : "FAILED  "} ${what}: ${figure} (${limit})`);
  }
  if (rows.some(([, , isWithin]) => !isWithin)) process.exitCode = 1;
}
