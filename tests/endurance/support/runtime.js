// The gateway on the runtime itself, with a KV that outlives it: it is killed and started again within a tenth of a
// second.

import { createServer } from "node:http";
import path from "node:path";
import { startGateway } from "../../../bench/gateway/gateway.js";
import { Client, SECRET, TOKEN } from "../../edge/support/client.js";

const ROOT = path.resolve(import.meta.dirname, "../../../edge-worker");

/** A KV that stores what is put into it, by its keys. */
class Kv {
  #server;
  values = new Map();

  static async start() {
    const kv = new Kv();
    kv.#server = createServer(async (request, response) => {
      const key = decodeURIComponent(new URL(request.url, "http://kv").pathname.slice(1));
      if (request.method === "PUT") {
        // What ends early was not put.
        const chunks = await request.toArray().catch(() => undefined);
        if (chunks) kv.values.set(key, String(Buffer.concat(chunks)));
        return response.end();
      }
      const value = kv.values.get(key);
      if (value === undefined) return response.writeHead(404).end();
      response.end(value);
    });
    await new Promise((listening) => kv.#server.listen(0, "127.0.0.1", listening));
    kv.address = `127.0.0.1:${kv.#server.address().port}`;
    return kv;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

export class Runtime extends Client {
  #workerd;
  #kv;

  /** Starts a gateway; `build` is `build` or `build-faults`. */
  static async start({ build = "build", shards = 4, variables = {} } = {}) {
    const runtime = new Runtime();
    runtime.#kv = await Kv.start();
    runtime.#workerd = await startGateway({
      shards,
      build: path.join(ROOT, build),
      variables: { VTRYON_WEBHOOK_SECRET: SECRET, GATEWAY_ADMIN_TOKEN: TOKEN, ...variables },
      kv: runtime.#kv.address,
    });
    return runtime;
  }

  get url() {
    return this.#workerd.url;
  }

  get port() {
    return this.#workerd.port;
  }

  get pid() {
    return this.#workerd.pid;
  }

  /** What was put into KV, by its keys. */
  get published() {
    return this.#kv.values;
  }

  /** Kills the runtime with SIGKILL. */
  kill() {
    return this.#workerd.halt();
  }

  /** Starts the runtime anew on what is stored. */
  restart() {
    return this.#workerd.restart();
  }

  async stop() {
    await this.#workerd.stop();
    await this.#kv.stop();
  }
}
