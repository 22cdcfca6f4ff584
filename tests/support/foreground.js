// A gateway that runs in the foreground of a terminal, as a user starts it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { block } from "../pages.js";
import { until, within } from "./wait.js";

/** Starts a command that prints `ready` and its URL; `ready` is the URL, or undefined when it ended before. */
export async function startForeground(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  const dev = {
    child,
    out: "",
    err: "",
    get ended() {
      return within(`the end of ${command}`, exited);
    },
  };
  child.stdout.on("data", (chunk) => (dev.out += chunk));
  child.stderr.on("data", (chunk) => (dev.err += chunk));
  // What it has said may be read after its end.
  dev.says = (pattern) => until(() => pattern.test(dev.err) && dev.err);
  await until(() => /^ready /m.test(dev.out) || child.exitCode !== null || child.signalCode);
  dev.ready = /^ready (.*)$/m.exec(dev.out)?.[1];
  return dev;
}

/** Runs lines in a shell that stops at the first failure, and returns what they print. */
export function shell(lines, env) {
  return execFileSync("bash", ["--norc", "-euo", "pipefail", "-c", lines], {
    env,
    encoding: "utf8",
  });
}

/** Runs the lines of a README to try the gateway with, and returns the task that they read. */
export function follow(env, readme) {
  const out = shell(block("try", readme), env);
  assert.match(out, /^\{"received":true\}/);
  return JSON.parse(out.slice('{"received":true}'.length));
}

/** Runs the lines that a gateway has printed, and returns what they print. */
export function paste(dev, env) {
  return shell(dev.out.slice(dev.out.indexOf("SECRET="), dev.out.indexOf("\nready")), env);
}
