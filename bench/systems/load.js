// The load of the comparison: three events of each task, one after the other, and each fifth event is posted again later.
// Sixteen connections post them, either as fast as they are answered, or each event at its planned time.

import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { Connection } from "../gateway/client.js";
import { posted } from "../gateway/events.js";
import { now } from "./clock.js";

const CONNECTIONS = 16;

const STATUSES = ["queued", "processing", "completed"];
/** How many tasks begin before one has its next event. */
const APART = 40;
/** Of so many events one is posted again, after so many others: what is repeated was answered before. */
const REPEAT_EACH = 5;
const REPEAT_AFTER = 100;

/** The events in the order in which they are posted. */
export class Plan {
  #prefix;
  #place = 0;
  #events = 0;
  #repeats = [];
  /** Which events were not acknowledged yet, and those that wait for the event of their task before them. */
  #unacknowledged = new Set();
  #waiting = [];
  /** Events to be posted once more, before all others: they were not acknowledged. */
  again = [];

  constructor(prefix) {
    this.#prefix = prefix;
  }

  /** Returns the next post: `{ key, bytes, isRepeat }`. */
  next() {
    if (this.again.length > 0) return this.again.shift();
    if (this.#repeats[0]?.from <= this.#events) {
      return { ...this.#repeats.shift().post, isRepeat: true };
    }
    const post = this.#event();
    this.#events += 1;
    if (this.#events % REPEAT_EACH === 0) {
      this.#repeats.push({ from: this.#events + REPEAT_AFTER, post });
    }
    return post;
  }

  /** Notes that an event was acknowledged: the next one of its task may come. */
  acknowledged(key) {
    this.#unacknowledged.delete(key);
  }

  #event() {
    const ready = this.#waiting.findIndex(({ previous }) => !this.#unacknowledged.has(previous));
    if (ready >= 0) return this.#waiting.splice(ready, 1)[0];
    for (;;) {
      const step = this.#place % STATUSES.length;
      const task = Math.floor(this.#place / STATUSES.length) - step * APART;
      this.#place += 1;
      // The first tasks come alone.
      if (task < 0) continue;
      const id = `${this.#prefix}_${task}`;
      const status = STATUSES[step];
      const previous = `${id} ${STATUSES[step - 1]}`;
      const post = { key: `${id} ${status}`, previous, bytes: posted(id, status), isRepeat: false };
      this.#unacknowledged.add(post.key);
      if (!this.#unacknowledged.has(previous)) return post;
      this.#waiting.push(post);
    }
  }
}

/**
 * Posts what `take` returns, until it returns nothing, over all connections at the same time. Returns the posts, each with
 * `answered` and `status`, which are missing where no answer has come.
 */
async function post(port, plan, take) {
  const posts = [];
  const send = async () => {
    const sender = new Sender(port);
    for (let next = await take(); next; next = await take()) {
      const status = await sender.post(next.bytes);
      if (status === 200) plan.acknowledged(next.key);
      posts.push({ ...next, status, answered: now() });
    }
    sender.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  return posts;
}

/** A connection that is opened anew where it was closed. */
class Sender {
  #port;
  #connection;

  constructor(port) {
    this.#port = port;
  }

  /** Returns the status of the answer, or nothing where none has come. */
  async post(bytes) {
    const isKept = this.#connection?.isOpen;
    const status = await this.#ask(bytes);
    // The runtime may close a connection that was kept at the moment when it is used again.
    return status === undefined && isKept ? this.#ask(bytes) : status;
  }

  async #ask(bytes) {
    try {
      if (!this.#connection?.isOpen) this.#connection = await Connection.open(this.#port());
      return (await this.#connection.ask(bytes)).status;
    } catch {
      this.close();
      return undefined;
    }
  }

  close() {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** Posts as fast as posts are answered until `isOver`. */
export function saturate(port, plan, isOver) {
  return post(port, plan, () => {
    if (isOver()) return undefined;
    const next = plan.next();
    next.planned = now();
    return next;
  });
}

/** Posts so many events a second, and their repeats, for so long; a post is planned whether or not one before it is late. */
export function atRate(port, plan, rate, seconds) {
  const posts = (rate * (REPEAT_EACH + 1)) / REPEAT_EACH;
  const begun = now();
  let planned = 0;
  return post(port, plan, async () => {
    if (planned >= posts * seconds) return undefined;
    const at = begun + (planned++ / posts) * 1000;
    await until(at);
    return { ...plan.next(), planned: at };
  });
}

/** Waits for a time of the clock: timers are late by up to a millisecond, so the last one is spent in turns. */
async function until(at) {
  if (at - now() > 2) await sleep(at - now() - 1);
  while (now() < at) await turn();
}
