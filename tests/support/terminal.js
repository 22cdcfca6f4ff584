// A command that runs in a terminal, as its user has it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { until, within } from "./wait.js";

/** Node has no pseudo-terminal; Python's copies our pipes to one, and ends as the command did. */
const PTY = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
`;

/**
 * Runs a command in a terminal; `answers` is what is typed, each when its question is seen.
 * @param {[question: RegExp, answer: string][]} answers
 * @returns {Promise<{ out: string, code: number }>} what the terminal showed, and how the command ended
 */
export async function runInTerminal(command, args, options, answers = []) {
  const child = spawn("python3", ["-c", PTY, command, ...args], {
    ...options,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  const ended = once(child, "close");
  for (const [question, answer] of answers) {
    await until(() => question.test(out) || child.exitCode !== null);
    child.stdin.write(`${answer}\n`);
  }
  const [code] = await within(`the end of ${command}`, ended);
  return { out: out.replaceAll("\r\n", "\n"), code };
}
