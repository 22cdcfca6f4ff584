// Programs that tests run to their end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { within } from "./wait.js";

/**
 * Runs a program to its end, without anything to read; returns its exit code and what it has printed.
 * @param {import("node:child_process").SpawnOptions} options
 */
export async function run(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  try {
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    const [out, err, [code]] = await within(`the end of ${command} ${args.join(" ")}`, ended);
    return { code, out, err };
  } finally {
    child.kill("SIGKILL");
  }
}
