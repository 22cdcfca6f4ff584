// The gateway on workerd itself, without miniflare's proxy before it: what is measured is the gateway alone.
// Its objects are on disk, as in production. KV is a stand-in that has nothing: what is measured never ends a
// task, and only what ends one is put into KV.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const BUILD = path.resolve(import.meta.dirname, "../edge-worker/build");
const { default: binary } = createRequire(import.meta.url)("workerd");

export const SECRET = "whsec_bench";
export const TOKEN = "admin-token-of-the-bench";

/** The variables of the gateway. */
const VARIABLES = {
  VTRYON_WEBHOOK_SECRET: SECRET,
  GATEWAY_ADMIN_TOKEN: TOKEN,
  GATEWAY_MASTER_KEY: "0f".repeat(32),
  // All in one object: what a socket costs an event is the most that it can cost.
  SHARDS: "1",
};

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "gateway", worker = .gateway ),
    ( name = "kv", worker = .kv ),
    ( name = "objects", disk = ( path = "objects", writable = true ) ),
  ],
  sockets = [( name = "http", http = (), service = "gateway" )],
);

const gateway :Workerd.Worker = (
  compatibilityDate = "2026-07-01",
  modules = [
    ( name = "index.js", esModule = embed "index.js" ),
    ( name = "index_bg.wasm", wasm = embed "index_bg.wasm" ),
  ],
  bindings = [
    ( name = "TASK_SHARD", durableObjectNamespace = "TaskShard" ),
    ( name = "DIRECTORY", durableObjectNamespace = "Directory" ),
    ( name = "RESULTS", kvNamespace = "kv" ),
${Object.entries(VARIABLES)
  .map(([name, value]) => `    ( name = "${name}", text = "${value}" ),`)
  .join("\n")}
  ],
  durableObjectNamespaces = [
    ( className = "TaskShard", uniqueKey = "TaskShard", enableSql = true ),
    ( className = "Directory", uniqueKey = "Directory", enableSql = true ),
  ],
  durableObjectStorage = ( localDisk = "objects" ),
);

const kv :Workerd.Worker = (
  compatibilityDate = "2026-07-01",
  serviceWorkerScript = "addEventListener('fetch', (event) => event.respondWith(new Response(null, { status: 404 })))",
);
`;

/** Ticks of the processor's clock in a second, as /proc counts them on Linux. */
const TICKS = 100;

export class Workerd {
  #folder = mkdtempSync(path.join(tmpdir(), "vtryon-bench-"));
  #process;
  #closed;

  static async start() {
    const workerd = new Workerd();
    const folder = workerd.#folder;
    for (const name of ["index.js", "index_bg.wasm"]) {
      cpSync(path.join(BUILD, name), path.join(folder, name));
    }
    mkdirSync(path.join(folder, "objects"));
    writeFileSync(path.join(folder, "config.capnp"), CONFIG);
    const options = ["--experimental", "--control-fd=3", "--socket-addr=http=127.0.0.1:0"];
    workerd.#process = spawn(binary, ["serve", "config.capnp", ...options], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    });
    workerd.#closed = new Promise((closed) => workerd.#process.once("close", closed));
    // It tells its port once it listens.
    for await (const line of createInterface({ input: workerd.#process.stdio[3] })) {
      const { event, port } = JSON.parse(line);
      if (event !== "listen") continue;
      workerd.url = `http://127.0.0.1:${port}`;
      return workerd;
    }
    throw new Error("workerd did not start");
  }

  #read(name) {
    return readFileSync(`/proc/${this.#process.pid}/${name}`, "utf8");
  }

  /** The processor time that it has used, in microseconds. */
  get cpu() {
    // pid (command) state parent … the 14th and 15th field are the time in its own code and in the kernel.
    const fields = this.#read("stat").split(") ")[1].split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS;
  }

  /** The memory that it holds, in bytes. */
  get memory() {
    return Number(/VmRSS:\s+(\d+) kB/.exec(this.#read("status"))[1]) * 1024;
  }

  async stop() {
    this.#process.kill("SIGKILL");
    await this.#closed;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
