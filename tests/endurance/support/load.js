// Requests at a rate of their own, whatever becomes of those before: an open loop. And what their answers were.

import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../../../bench/gateway/client.js";
import { quantile } from "../../../bench/lib/statistics.js";

/** How often requests that are due are sent, in milliseconds. */
const TICK = 10;

/** What came of requests: how many had which answer, and how long each took that had one. */
export class Tally {
  answers = {};
  times = [];

  count(answer, took) {
    this.answers[answer] = (this.answers[answer] ?? 0) + 1;
    if (took !== undefined) this.times.push(took);
  }

  /** The time in milliseconds that a part of the answers took at most, as a text. */
  quantile(part) {
    return this.times.length === 0 ? "-" : `${quantile(this.times, part).toFixed(1)} ms`;
  }

  toString() {
    return Object.entries(this.answers)
      .map(([answer, count]) => `${count} × ${answer}`)
      .join(", ");
  }
}

/** Connections that are used again after an answer, and given up after one that does not come. */
export class Pool {
  #port;
  #free = [];
  #patience;
  /** Requests in progress. */
  pending = 0;

  /** `patience` is how long a client waits for an answer, in milliseconds. */
  constructor(port, { patience }) {
    this.#port = port;
    this.#patience = patience;
  }

  /**
   * Sends a request; returns its answer, `{ status, head, body }`; or `{ status: "no answer" }` where the client has lost
   * its patience, or `{ status: "cut off" }` where the connection has ended.
   */
  async ask(bytes) {
    this.pending += 1;
    try {
      const kept = this.#kept();
      // The runtime may close a connection that was kept at the moment when it is used again.
      const answer = kept && (await this.#askOn(kept, bytes));
      if (answer && answer.status !== "cut off") return answer;
      return await this.#askOn(await Connection.open(this.#port), bytes);
    } catch {
      return { status: "cut off" };
    } finally {
      this.pending -= 1;
    }
  }

  #kept() {
    for (let kept = this.#free.pop(); kept; kept = this.#free.pop()) if (kept.isOpen) return kept;
    return undefined;
  }

  async #askOn(connection, bytes) {
    const late = Promise.withResolvers();
    const timer = setTimeout(() => late.resolve({ status: "no answer" }), this.#patience);
    const asked = connection.ask(bytes).catch(() => ({ status: "cut off" }));
    const answer = await Promise.race([asked, late.promise]);
    clearTimeout(timer);
    if (typeof answer.status === "number") this.#free.push(connection);
    else connection.close();
    return answer;
  }

  close() {
    for (const connection of this.#free.splice(0)) connection.close();
  }
}

/** Calls `send` at a rate a second for so many milliseconds, each call when it is due; returns how many were made. */
export async function atRate(rate, millis, send) {
  const begun = performance.now();
  let sent = 0;
  for (;;) {
    const passed = Math.min(performance.now() - begun, millis);
    for (const due = Math.floor((passed / 1000) * rate); sent < due; sent++) send(sent);
    if (passed >= millis) return sent;
    await sleep(TICK);
  }
}
