// The gateway on the real Workers runtime, for one test file: its own port, its own folder, stopped at the end.

import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Miniflare } from "miniflare";

export const SECRET = "whsec_test_current";
export const PREVIOUS = "whsec_test_previous";
export const TOKEN = "admin-token-of-the-tests";

const ROOT = path.resolve(import.meta.dirname, "../../edge-worker");

/** All that the gateway needs to know; a test overrides what it is about, `undefined` leaves out. */
const BINDINGS = {
  VTRYON_WEBHOOK_SECRET: SECRET,
  VTRYON_WEBHOOK_SECRET_PREVIOUS: PREVIOUS,
  GATEWAY_ADMIN_TOKEN: TOKEN,
  GATEWAY_MASTER_KEY: "0f".repeat(32),
  SHARDS: "4",
};

/** Signs a body as Vtryon does. */
export function sign(body, secret = SECRET) {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** The body of a change of status. */
export function event(task_id, status, more = {}) {
  return JSON.stringify({ event: "generation.status_changed", task_id, status, ...more });
}

export class Gateway {
  #miniflare;
  #folder;
  #options;

  /** Starts a gateway; `build` is `build` or `build-faults`. */
  static async start({ build = "build", bindings = {} } = {}) {
    const gateway = new Gateway();
    gateway.#folder = await mkdtemp(path.join(tmpdir(), "vtryon-gateway-"));
    gateway.#options = {
      modules: true,
      modulesRoot: path.join(ROOT, build),
      scriptPath: path.join(ROOT, build, "index.js"),
      modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
      compatibilityDate: "2026-07-01",
      bindings: Object.fromEntries(
        Object.entries({ ...BINDINGS, ...bindings }).filter(([, value]) => value !== undefined),
      ),
      durableObjects: { TASK_SHARD: { className: "TaskShard", useSQLite: true } },
      durableObjectsPersist: path.join(gateway.#folder, "objects"),
      kvNamespaces: ["RESULTS"],
      kvPersist: path.join(gateway.#folder, "kv"),
      host: "127.0.0.1",
      cf: false,
      handleRuntimeStdio: (out, err) => {
        for (const stream of [out, err]) {
          stream.on("data", (chunk) => gateway.log.push(String(chunk)));
        }
      },
    };
    await gateway.restart();
    return gateway;
  }

  /** What the runtime has printed. */
  log = [];

  /** Starts the runtime anew on the same folder. */
  async restart() {
    this.#miniflare = new Miniflare(this.#options);
    this.url = String(await this.#miniflare.ready).replace(/\/$/, "");
  }

  get folder() {
    return this.#folder;
  }

  /** The process ids of the runtime. */
  pids() {
    return runtimes();
  }

  kv() {
    return this.#miniflare.getKVNamespace("RESULTS");
  }

  /** Posts an event, signed unless a signature is given. */
  post(body, { signature = sign(body), headers = {}, ...init } = {}) {
    const signed = signature === null ? headers : { "x-vtryon-signature": signature, ...headers };
    return fetch(`${this.url}/webhooks/vtryon`, { method: "POST", body, headers: signed, ...init });
  }

  /** Asks the API as its administrator. */
  async api(path, init = {}) {
    const answer = await fetch(`${this.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
    });
    return { status: answer.status, body: await answer.json() };
  }

  async stop() {
    await this.#miniflare.dispose();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
