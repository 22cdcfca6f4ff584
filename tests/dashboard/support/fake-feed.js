// A feed of live updates over sockets that a test controls, and the messages it sends.

import { createHash } from "node:crypto";
import { LiveFeed } from "../../../edge-worker/dashboard/src/live/live-feed.js";

class FakeSocket {
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(text);
  }

  close() {
    this.isClosed = true;
  }

  /** Opens it, and has the server send these messages. */
  accept(...messages) {
    this.onopen();
    this.tell(...messages);
  }

  tell(...messages) {
    for (const message of messages) {
      this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }
  }

  /** Closes it from the server's end. */
  drop(code = 1006, reason = "") {
    this.onclose({ code, reason });
  }

  get acks() {
    const texts = this.sent.filter((text) => text !== "ping").map((text) => JSON.parse(text));
    return texts.map(({ type, id }) => `${type} ${id}`);
  }
}

/** A feed over sockets that are kept in the order in which they were opened. */
export function follow(shards = 1, check = undefined) {
  const sockets = [];
  const open = (url) => {
    const socket = new FakeSocket(url);
    sockets.push(socket);
    return socket;
  };
  const messages = [];
  // Half-way between half of a wait and all of it.
  const feed = new LiveFeed({ shards, open, check, random: () => 0.5 });
  feed.subscribe((message) => messages.push(message));
  feed.start();
  return { feed, sockets, messages, last: () => sockets.at(-1) };
}

export const at = (second) => new Date(Date.UTC(2026, 6, 1, 12, 0, second)).toISOString();

export const task = (task_id, status, seq, more = {}) => ({
  task_id,
  status,
  conflict: false,
  created_at: at(0),
  updated_at: at(seq),
  duplicates: 0,
  seq,
  ...more,
});

export const event = (seq, more = {}) => ({
  type: "event",
  id: `id${seq}`,
  shard: 0,
  seq,
  task_id: "a",
  event: "generation.status_changed",
  status: "queued",
  outcome: "applied",
  received_at: at(seq),
  key: "1b575edd",
  task: task("a", "queued", seq),
  ...more,
});

export const erased = (seq, task_id, more = {}) => ({
  type: "erased",
  id: `id${seq}`,
  shard: 0,
  seq,
  task_digest: createHash("sha256").update(task_id).digest("hex"),
  erased_at: at(seq),
  ...more,
});

export const ready = (id = "id0", shard = 0) => ({ type: "ready", id, shard });
