// The gateway on the real Workers runtime, for one test file: its own port, its own folder, stopped at the end.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Miniflare } from "miniflare";
import { RUNTIME } from "../../runtime.js";
import { until, within } from "../../support/wait.js";
import { Client, event, SECRET, sign, TOKEN } from "./client.js";

export { event, SECRET, sign, TOKEN, until };

export const PREVIOUS = "whsec_test_previous";

/** Returns the key under which KV has the result of a task. */
export const resultKey = (id) => `result:${createHash("sha256").update(id).digest("hex")}`;

const ROOT = path.resolve(import.meta.dirname, "../../../edge-worker");

/** All that the gateway needs to know; a test overrides what it is about, `undefined` leaves out. */
const BINDINGS = {
  VTRYON_WEBHOOK_SECRET: SECRET,
  VTRYON_WEBHOOK_SECRET_PREVIOUS: PREVIOUS,
  GATEWAY_ADMIN_TOKEN: TOKEN,
  GATEWAY_MASTER_KEY: "0f".repeat(32),
  SHARDS: "4",
  // The backends of the tests listen on loopback.
  ALLOW_INSECURE_ENDPOINTS: "1",
};

/** The dashboard as `wrangler.toml` has it served, with the headers of its file. */
const ASSETS = {
  directory: path.join(ROOT, "build-dashboard"),
  routerConfig: {
    has_user_worker: true,
    static_routing: { user_worker: ["/webhooks/*", "/api/*", "/healthz"] },
  },
  assetConfig: {
    compatibility_date: RUNTIME.compatibilityDate,
    compatibility_flags: RUNTIME.compatibilityFlags,
    not_found_handling: "single-page-application",
    headers: { version: 2, rules: rulesIn(path.join(ROOT, "dashboard/_headers")) },
  },
};

/** Reads a file of headers: a pattern in a line of its own, and below it the headers, set in. */
function rulesIn(file) {
  const rules = {};
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
    const header = /^\s+([^:]+): (.*)$/.exec(line);
    if (header) Object.values(rules).at(-1).set[header[1]] = header[2];
    else rules[line] = { set: {} };
  }
  return rules;
}

/** The runtimes that this process has started, as /proc tells. */
function runtimes() {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      // pid (command) state parent …
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return stat.includes("(workerd") && state !== "Z" && Number(parent) === process.pid;
    } catch {
      return false;
    }
  });
}

export class Gateway extends Client {
  #miniflare;
  /** Where its objects and its KV keep what they store. */
  folder;
  #options;

  /**
   * Starts a gateway; `build` is `build` or `build-faults`, `entry` the text of a module that is started in place of it
   * and may import it, `outbound` answers what it fetches elsewhere, with `dashboard` it serves its pages too, with
   * `https` everything over TLS with a self-signed certificate.
   */
  static async start({
    build = "build",
    entry = undefined,
    bindings = {},
    kvNamespaces = ["RESULTS"],
    outbound = undefined,
    dashboard = false,
    https = false,
  } = {}) {
    const gateway = new Gateway();
    gateway.folder = await mkdtemp(path.join(tmpdir(), "vtryon-gateway-"));
    gateway.#options = {
      modules: true,
      modulesRoot: path.join(ROOT, build),
      scriptPath: path.join(ROOT, build, entry ? "entry.js" : "index.js"),
      ...(entry && { script: entry }),
      modulesRules: [
        { type: "ESModule", include: ["**/*.js"] },
        { type: "CompiledWasm", include: ["**/*.wasm"] },
      ],
      ...RUNTIME,
      bindings: Object.fromEntries(
        Object.entries({ ...BINDINGS, ...bindings }).filter(([, value]) => value !== undefined),
      ),
      durableObjects: {
        TASK_SHARD: { className: "TaskShard", useSQLite: true },
        DIRECTORY: { className: "Directory", useSQLite: true },
      },
      durableObjectsPersist: path.join(gateway.folder, "objects"),
      kvNamespaces,
      kvPersist: path.join(gateway.folder, "kv"),
      outboundService: outbound,
      ...(dashboard && { assets: ASSETS }),
      host: "127.0.0.1",
      https,
      cf: false,
      handleRuntimeStdio: (out, err) => {
        for (const stream of [out, err]) {
          stream.on("data", (chunk) => gateway.log.push(String(chunk)));
        }
      },
    };
    try {
      await gateway.restart();
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  /** What the runtime has printed, as far as it was read: a line may come after the answer of its request. */
  log = [];
  #marks = 0;

  /** Waits until a text or a pattern is in the log, after its first `from` pieces; returns the log from there on. */
  async logged(pattern, from = 0) {
    const log = () => this.log.slice(from).join("");
    const has =
      pattern instanceof RegExp ? () => pattern.test(log()) : () => log().includes(pattern);
    await within(`${pattern} in the log`, until(has));
    return log();
  }

  /**
   * Returns everything printed so far, to assert that something is absent: sends a refused request, and reads up to its
   * line.
   */
  async wholeLog() {
    const client = `203.0.113.${++this.#marks}`;
    const headers = { authorization: "Bearer wrong", "cf-connecting-ip": client };
    await fetch(`${this.url}/api`, { headers });
    return this.logged(`"client":"${client}"`);
  }

  /** Starts the runtime anew on the same folder, with other variables where any are given. */
  async restart(bindings = {}) {
    Object.assign(this.#options.bindings, bindings);
    this.#miniflare = new Miniflare(this.#options);
    this.url = String(await this.#miniflare.ready).replace(/\/$/, "");
  }

  /** Kills the runtime, and starts it anew on the same folder. */
  async crash() {
    await this.kill();
    await this.restart();
  }

  /** Kills the runtime as a power cut would kill it, for as much as a process can be: SIGKILL, no goodbye. */
  async kill() {
    if (runtimes().length === 0) throw new Error("no runtime to kill");
    // Again and again: miniflare may have started another in the meantime.
    await until(() => {
      const pids = runtimes();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      return pids.length === 0;
    });
    await this.#miniflare.dispose().catch(() => {});
  }

  /** Stops the runtime in good order and leaves its folder. What it has printed and was not read is lost. */
  async halt() {
    await this.#miniflare.dispose();
  }

  /** How much memory the runtime has in use, in bytes. */
  memory() {
    const [pid, ...others] = runtimes();
    if (pid === undefined || others.length > 0) throw new Error("there is not one runtime");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) * 1024;
  }

  /** Every file in which a shard keeps what it stores, with the digest of its content. */
  async stored() {
    const folder = path.join(this.folder, "objects");
    const names = await readdir(folder, { recursive: true });
    // Beside them is a file of the runtime, for its alarms.
    const files = names
      .filter((name) => /TaskShard.*[0-9a-f]{64}\.sqlite(-wal)?$/.test(name))
      .sort();
    return Promise.all(
      files.map(async (name) => {
        const file = path.join(folder, name);
        return {
          file,
          digest: createHash("sha256")
            .update(await readFile(file))
            .digest("hex"),
        };
      }),
    );
  }

  /** Runs the hourly event of the Worker. */
  async sweep() {
    const worker = await this.#miniflare.getWorker();
    return worker.scheduled({ cron: "17 * * * *" });
  }

  async kv() {
    return this.#miniflare.getKVNamespace("RESULTS");
  }

  async stop() {
    await this.#miniflare.dispose().catch(() => {});
    await rm(this.folder, { recursive: true, force: true });
  }
}
