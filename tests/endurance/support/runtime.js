// The gateway on the runtime itself: it is killed and started again within a tenth of a second.

import path from "node:path";
import { startGateway } from "../../../bench/gateway/gateway.js";
import { Client, SECRET, TOKEN } from "../../edge/support/client.js";

const ROOT = path.resolve(import.meta.dirname, "../../../edge-worker");

export class Runtime extends Client {
  #workerd;

  /** Starts a gateway; `build` is `build` or `build-faults`. */
  static async start({ build = "build", shards = 4, variables = {} } = {}) {
    const runtime = new Runtime();
    runtime.#workerd = await startGateway({
      shards,
      build: path.join(ROOT, build),
      variables: { VTRYON_WEBHOOK_SECRET: SECRET, GATEWAY_ADMIN_TOKEN: TOKEN, ...variables },
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

  /** Kills the runtime with SIGKILL. */
  kill() {
    return this.#workerd.halt();
  }

  /** Starts the runtime anew on what is stored. */
  restart() {
    return this.#workerd.restart();
  }

  stop() {
    return this.#workerd.stop();
  }
}
