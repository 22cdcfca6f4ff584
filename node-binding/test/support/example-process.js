// An example as its user runs it: a process of its own, in a folder of its own, on a free port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "../../../tests/support/wait.js";
import { sign } from "../../../tests/vectors/generate/bytes.js";

export const SECRET = "whsec_test";

/** Starts `examples/NAME/server.js`, calls `work` with it, and stops it. */
export async function withExample(name, environment, work) {
  const folder = mkdtempSync(join(tmpdir(), `vtryon-${name}-`));
  const program = fileURLToPath(new URL(`../../examples/${name}/server.js`, import.meta.url));
  let child;
  let ended;
  /** Shown where a test fails. */
  let errors = "";
  const example = {
    folder,
    url: undefined,
    /** What it has printed. */
    lines: [],
    /** Resolves when it listens. */
    async start() {
      const { PATH } = process.env;
      const env = { PATH, PORT: "0", VTRYON_WEBHOOK_SECRET: SECRET, ...environment };
      child = spawn(process.execPath, [program], {
        cwd: folder,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stderr.setEncoding("utf8").on("data", (text) => {
        errors += text;
      });
      ended = once(child, "close");
      const lines = createInterface(child.stdout).on("line", (line) => example.lines.push(line));
      // The first line, or the end of the output.
      await within(`${name} to listen`, Promise.race([once(lines, "line"), once(lines, "close")]));
      example.url = example.lines.at(-1)?.match(/http:\/\/\S+/)?.[0];
      if (example.url === undefined) throw new Error(`${name} does not listen`);
    },
    /** Ends it as a supervisor does; returns its exit code. */
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return (await within(`the end of ${name}`, ended))[0];
    },
    /** Posts an event; returns the answer. */
    send(event, secret = SECRET) {
      const body = JSON.stringify({ event: "generation.status_changed", ...event });
      const headers = { "x-vtryon-signature": sign({ text: secret }, { text: body }) };
      return fetch(`${example.url}/webhooks/vtryon`, { method: "POST", headers, body });
    },
  };
  try {
    await example.start();
    await work(example);
  } catch (fault) {
    console.error(errors);
    throw fault;
  } finally {
    await example.stop("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}
