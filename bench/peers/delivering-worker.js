// A Worker that does the whole job, as a good engineer would write it by hand: it verifies with WebCrypto, stores event,
// task and delivery in one transaction of an object, answers, and the object delivers the event to one endpoint, signed
// by Standard Webhooks, and records the attempt. An alarm retries what has failed or was cut off. It keeps no order,
// shows nothing live, publishes nothing, and has one endpoint, which is set when it is deployed.

import { DurableObject } from "cloudflare:workers";
import { acknowledge, EventStore } from "./event-store.js";

/** How often the alarm looks for deliveries that are due, while there are pending ones, in milliseconds. */
const CHECK_EVERY = 2000;
/** How long an endpoint has for its answer, in milliseconds. */
const TIMEOUT = 10_000;
/** The pauses between attempts, in milliseconds: five retries within 24 hours. */
const PAUSES = [60_000, 600_000, 3_600_000, 14_400_000, 57_600_000];
/** How many deliveries an alarm attempts at the same time. */
const BATCH = 50;

const encoder = new TextEncoder();

export default { fetch: acknowledge };

export class Shard extends DurableObject {
  #sql;
  #events;
  #signer;
  /** When the alarm is set for. */
  #alarmAt;
  /** The deliveries that this instance attempts now. */
  #inProgress = new Set();

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#events = new EventStore(state.storage);
    this.#sql.exec(TABLES);
    state.blockConcurrencyWhile(async () => {
      this.#alarmAt = await state.storage.getAlarm();
      // What the instance before this one attempted has ended with it.
      if (this.#nextDue() !== null) this.#wakeBy(Date.now());
    });
  }

  /** Stores an event; its delivery begins at once, and the caller does not wait for it. */
  receive(task_id, status, body) {
    const now = Date.now();
    const enqueue = (seq) => this.#sql.exec(ENQUEUE, seq, now, now, now);
    const no = this.#events.store(task_id, status, now, body, enqueue);
    if (no === undefined) return;
    this.#wakeBy(now + CHECK_EVERY);
    const id = webhookId(task_id, status);
    this.ctx.waitUntil(this.#deliver({ no, id, body, scheduled_at: now, attempts: "[]" }));
  }

  async alarm() {
    this.#alarmAt = null;
    const due = this.#sql.exec(DUE, Date.now(), BATCH + this.#inProgress.size).toArray();
    await Promise.all(
      due
        .filter(({ no }) => !this.#inProgress.has(no))
        .slice(0, BATCH)
        .map((delivery) =>
          this.#deliver({ ...delivery, id: webhookId(delivery.task_id, delivery.status) }),
        ),
    );
    const next = this.#nextDue();
    if (next !== null) this.#wakeBy(Math.max(next, Date.now() + CHECK_EVERY));
  }

  #nextDue() {
    return this.#sql.exec(NEXT_DUE).one().next;
  }

  #wakeBy(at) {
    if (this.#alarmAt !== null && this.#alarmAt <= at) return;
    this.#alarmAt = at;
    this.ctx.storage.setAlarm(at);
  }

  async #deliver({ no, id, body, scheduled_at, attempts }) {
    this.#inProgress.add(no);
    try {
      const attempted_at = Date.now();
      const answer = await this.#post(id, attempted_at, body);
      const ended_at = Date.now();
      const made = {
        due_at: new Date(scheduled_at).toISOString(),
        attempted_at: new Date(attempted_at).toISOString(),
        took_ms: ended_at - attempted_at,
        ...answer,
      };
      this.#record(no, [...JSON.parse(attempts), made], ended_at);
    } finally {
      this.#inProgress.delete(no);
    }
  }

  /** Sends an event; returns the status of the answer, or the error where there is none. */
  async #post(id, now, body) {
    try {
      const timestamp = String(Math.floor(now / 1000));
      const response = await fetch(this.env.ENDPOINT, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": await this.#sign(id, timestamp, body),
        },
        body,
        signal: AbortSignal.timeout(TIMEOUT),
      });
      await response.arrayBuffer();
      return { status: response.status };
    } catch (error) {
      return { error: error.name };
    }
  }

  /** Signs by Standard Webhooks. */
  async #sign(id, timestamp, body) {
    this.#signer ??= await importKey(this.env.ENDPOINT_SECRET);
    const head = encoder.encode(`${id}.${timestamp}.`);
    const content = new Uint8Array(head.length + body.byteLength);
    content.set(head);
    content.set(new Uint8Array(body), head.length);
    const signature = await crypto.subtle.sign("HMAC", this.#signer, content);
    return `v1,${new Uint8Array(signature).toBase64()}`;
  }

  #record(no, attempts, now) {
    const { status } = attempts.at(-1);
    const list = JSON.stringify(attempts);
    if (status >= 200 && status < 300) {
      this.#sql.exec(END, "delivered", list, now, null, no);
      return;
    }
    const pause = PAUSES[attempts.length - 1];
    if (pause === undefined) {
      this.#sql.exec(END, "dead", list, now, "exhausted", no);
      return;
    }
    this.#sql.exec(RETRY, attempts.length, list, now + pause, now + pause, no);
    this.#wakeBy(now + pause);
  }
}

const webhookId = (task_id, status) => `${task_id}:${status}`;

/** Imports the key of a secret as Standard Webhooks writes it: `whsec_` and base64. */
function importKey(secret) {
  const bytes = Uint8Array.fromBase64(secret.slice("whsec_".length));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

const ENQUEUE = `INSERT INTO deliveries
    (no, endpoint, state, created_at, due_at, scheduled_at, failed_attempts, replay_count, attempts)
  VALUES (?, 1, 'pending', ?, ?, ?, 0, 0, '[]')`;
const DUE = `SELECT deliveries.no, task_id, status, body, scheduled_at, attempts
  FROM deliveries JOIN events ON seq = deliveries.no JOIN tasks ON tasks.no = task_no
  WHERE endpoint = 1 AND due_at <= ? ORDER BY due_at LIMIT ?`;
const NEXT_DUE =
  "SELECT MIN(due_at) AS next FROM deliveries WHERE endpoint = 1 AND due_at IS NOT NULL";
const END = `UPDATE deliveries SET state = ?, due_at = NULL, attempts = ?, ended_at = ?, reason = ? WHERE no = ?`;
const RETRY = `UPDATE deliveries SET failed_attempts = ?, attempts = ?, due_at = ?, scheduled_at = ? WHERE no = ?`;

const TABLES = `
  CREATE TABLE IF NOT EXISTS deliveries (
    no INTEGER PRIMARY KEY, endpoint INTEGER NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL,
    due_at INTEGER, leased_until INTEGER, scheduled_at INTEGER NOT NULL, first_at INTEGER,
    failed_attempts INTEGER NOT NULL, replay_count INTEGER NOT NULL, replay TEXT, attempts TEXT NOT NULL,
    ended_at INTEGER, reason TEXT
  );
  CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (endpoint, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS deliveries_dead ON deliveries (no) WHERE state = 'dead';`;
