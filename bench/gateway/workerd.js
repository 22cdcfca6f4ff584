// The Workers runtime itself, `workerd serve`: without wrangler's or miniflare's proxy before it, so that what is
// measured is the Worker alone. Objects are on disk, as in production.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { within } from "../../tests/support/wait.js";

const { default: binary } = createRequire(import.meta.url)("workerd");

export class Workerd {
  #process;
  #closed;
  #folder = mkdtempSync(path.join(tmpdir(), "vtryon-bench-"));
  #tracer;

  /**
   * Starts a Worker: `config` is Cap'n Proto with a socket named `http`, `modules` are the files that it embeds.
   * `tracer` is a command with its arguments that runs the runtime in its own process, as `strace -D` does.
   */
  static async start(config, modules, { tracer = [] } = {}) {
    const workerd = new Workerd();
    workerd.#tracer = tracer;
    for (const file of modules) {
      cpSync(file, path.join(workerd.#folder, path.basename(file)));
    }
    mkdirSync(workerd.objects);
    writeFileSync(path.join(workerd.#folder, "config.capnp"), config);
    await workerd.restart();
    return workerd;
  }

  /** Where its objects keep what they store. */
  get objects() {
    return path.join(this.#folder, "objects");
  }

  /** Starts the runtime anew on what is stored. */
  async restart() {
    await this.halt();
    const options = ["--experimental", "--control-fd=3", "--socket-addr=http=127.0.0.1:0"];
    const [command, ...args] = [...this.#tracer, binary, "serve", "config.capnp", ...options];
    // What the Worker logs is written as in production, and read by nobody.
    this.#process = spawn(command, args, {
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    this.#closed = new Promise((closed) => this.#process.once("close", closed));
    this.port = await within("workerd to listen", this.#listening());
    this.url = `http://127.0.0.1:${this.port}`;
  }

  /** Returns the port, which the runtime tells once it listens. */
  async #listening() {
    for await (const line of createInterface({ input: this.#process.stdio[3] })) {
      const { event, port } = JSON.parse(line);
      if (event === "listen") return port;
    }
    throw new Error("workerd did not start");
  }

  /** The number of its process. */
  get pid() {
    return this.#process.pid;
  }

  /** Stops the runtime and leaves what is stored. */
  async halt() {
    this.#process?.kill("SIGKILL");
    await within("the end of workerd", this.#closed);
  }

  async stop() {
    await this.halt();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
