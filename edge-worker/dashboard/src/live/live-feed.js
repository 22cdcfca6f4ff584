// Live updates of the whole gateway: a socket for each shard, merged into one stream.

import { Connection } from "./connection.js";
import { erasedAmong } from "./erasure.js";
import { TaskStates, withEvent } from "./merge.js";

/** Beyond so many shards one socket for all of them is opened: browsers allow a site about 200. */
const MOST_SOCKETS = 64;

/** How many events are remembered, and how many erasures. */
const MOST_EVENTS = 100;
const MOST_ERASURES = 1000;

export class LiveFeed {
  /** The states of the tasks, by all messages. */
  taskStates = new TaskStates();

  /** The latest events of all shards, by the time at which they were received, the latest first. */
  events = [];

  /** The digests of the ids of tasks that were erased, the latest last. */
  #erasures = new Set();

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

  /** Returns those of some tasks' ids of which the feed has had a message that they were erased. */
  erasedAmong(ids) {
    return erasedAmong(ids, this.#erasures);
  }

  /** Forgets a task that was erased. */
  forget(taskId) {
    this.taskStates.forget(taskId);
    this.events = this.events.filter(({ task_id }) => task_id !== taskId);
  }

  /**
   * `phase` is `live` (all sockets are), `partly` (some are, and some were lost), `connecting`, `waiting` (none is, and
   * the next attempt is at `retryAt`) or `idle`; `live` of `sockets` are live.
   */
  get state() {
    const phases = this.#connections.map(({ phase }) => phase);
    const live = phases.filter((phase) => phase === "live").length;
    const retries = this.#connections.map(({ retryAt }) => retryAt).filter(Boolean);
    const retryAt = retries.length > 0 ? Math.min(...retries) : undefined;
    const isTroubled = this.#connections.some(({ hasFailed }) => hasFailed);
    return { phase: together(phases, live, isTroubled), live, sockets: phases.length, retryAt };
  }

  #receive(message) {
    if (message.type === "erased") return this.#erase(message);
    this.taskStates.take(message);
    // After it the numbers of a shard may begin anew: earlier events are no measure of what is a repeat.
    if (message.type === "gap")
      this.events = this.events.filter(({ shard }) => shard !== message.shard);
    if (message.type === "event") this.events = withEvent(this.events, message, MOST_EVENTS);
    this.#notify(message);
  }

  /** Forgets the task of the digest, before the listeners get the message. No later message is of that task. */
  async #erase(message) {
    const { shard, task_digest } = message;
    this.#erasures.add(task_digest);
    if (this.#erasures.size > MOST_ERASURES) {
      this.#erasures.delete(this.#erasures.values().next().value);
    }
    const ofEvents = this.events.filter((event) => event.shard === shard && event.task_id !== null);
    const ids = [...this.taskStates.idsOf(shard), ...ofEvents.map(({ task_id }) => task_id)];
    for (const id of await erasedAmong(ids, new Set([task_digest]))) this.forget(id);
    this.#notify(message);
  }

  #notify(message) {
    for (const listener of [...this.#listeners]) listener(message);
  }
}

function shardPaths(shards) {
  return Array.from({ length: shards }, (_, shard) => `/api/live/${shard}`);
}

function together(phases, live, isTroubled) {
  if (live === phases.length) return "live";
  if (live > 0) return isTroubled ? "partly" : "connecting";
  if (phases.every((phase) => phase === "idle")) return "idle";
  return phases.some((phase) => phase !== "waiting") ? "connecting" : "waiting";
}
