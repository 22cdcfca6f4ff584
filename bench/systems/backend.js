// The backend that all systems deliver to, and when it got what.

import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { now } from "./clock.js";

/** How often arrivals are asked for, in milliseconds. */
const LOOK_EVERY = 100;

export class Backend {
  #child;
  /** When each event came, by its key: once, or more often. */
  arrivals = new Map();

  static async start() {
    const backend = new Backend();
    backend.#child = fork(path.join(import.meta.dirname, "backend-process.js"));
    const [port] = await once(backend.#child, "message");
    backend.address = `127.0.0.1:${port}`;
    backend.url = `http://${backend.address}/hook`;
    return backend;
  }

  async #look() {
    this.#child.send("arrivals");
    const [arrivals] = await once(this.#child, "message");
    for (const [task_id, status, at] of arrivals) {
      const key = `${task_id} ${status}`;
      const times = this.arrivals.get(key);
      if (times) times.push(at);
      else this.arrivals.set(key, [at]);
    }
    return arrivals.length;
  }

  /** Waits until all events have come, or none has for so many milliseconds; returns the keys of those that have not. */
  async waitFor(keys, patience) {
    let missing = keys;
    let last = now();
    for (;;) {
      if ((await this.#look()) > 0) last = now();
      missing = missing.filter((key) => !this.arrivals.has(key));
      if (missing.length === 0 || now() - last > patience) return missing;
      await sleep(LOOK_EVERY);
    }
  }

  stop() {
    this.#child.disconnect();
  }
}
