// Live updates of the whole gateway: a socket for each shard, merged into one stream.

import { Connection } from "./live/connection.js";
import { Standing, withEvent } from "./live/merge.js";

export { Connection } from "./live/connection.js";
export { newer, Standing, withEvent, withMessage } from "./live/merge.js";
export { SharedCheck } from "./live/shared-check.js";

/** Beyond so many shards one socket for all of them is opened: browsers allow a site about 200. */
const MOST_SOCKETS = 64;

/** How many events are remembered. */
const MOST_EVENTS = 100;

export class LiveFeed {
  /** How the tasks stand, by all that was told. */
  standing = new Standing();

  /** The latest events of all shards, by the time at which they were received, the latest first. */
  events = [];

  #connections;
  #listeners = new Set();
  #onChange;

  /** `open` makes a WebSocket of a path; `onChange` and `check` are as for a connection. */
  constructor({ shards, open, onChange = () => {}, check, random }) {
    this.#onChange = onChange;
    const paths = shards > MOST_SOCKETS ? ["/api/live"] : shardPaths(shards);
    this.#connections = paths.map(
      (url) =>
        new Connection({
          url,
          open,
          random,
          onMessage: (message) => this.#receive(message),
          onChange: () => this.#onChange(this.state),
          check,
        }),
    );
  }

  start() {
    for (const connection of this.#connections) connection.start();
  }

  /** Closes all sockets; the next start goes on where each of them was. */
  stop() {
    for (const connection of this.#connections) connection.stop();
  }

  retryNow() {
    for (const connection of this.#connections) connection.retryNow();
  }

  /** Calls `listener` with each message; returns what ends that. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets a task that was erased. */
  forget(taskId) {
    this.standing.forget(taskId);
    this.events = this.events.filter(({ task_id }) => task_id !== taskId);
  }

  /**
   * `phase` is `live` (all sockets are), `partly`, `connecting`, `waiting` (none is, and the next attempt is at
   * `retryAt`) or `idle`; `live` of `sockets` are live.
   */
  get state() {
    const phases = this.#connections.map(({ phase }) => phase);
    const live = phases.filter((phase) => phase === "live").length;
    const retries = this.#connections.map(({ retryAt }) => retryAt).filter(Boolean);
    const retryAt = retries.length > 0 ? Math.min(...retries) : undefined;
    return { phase: together(phases, live), live, sockets: phases.length, retryAt };
  }

  #receive(message) {
    this.standing.take(message);
    if (message.type === "event") this.events = withEvent(this.events, message, MOST_EVENTS);
    for (const listener of [...this.#listeners]) listener(message);
  }
}

function shardPaths(shards) {
  return Array.from({ length: shards }, (_, shard) => `/api/live/${shard}`);
}

function together(phases, live) {
  if (live === phases.length) return "live";
  if (live > 0) return "partly";
  if (phases.every((phase) => phase === "idle")) return "idle";
  return phases.some((phase) => phase !== "waiting") ? "connecting" : "waiting";
}
