// How the Workers in JavaScript store tasks and events: by a call of one of so many objects, the rows that the gateway
// writes, in tables and indices like its own, and nothing for a repeat.

import { HEADERS, verified } from "./verified.js";

/** The statuses as bits, in the order that a task goes through them. */
const STAGES = { queued: 1, processing: 2, completed: 4, failed: 8 };

/** Chooses a shard by a hash of the task's id (FNV-1a, 32 bits): far cheaper than the gateway's, which is SHA-256. */
function shardOf(id, shards) {
  let hash = 0x811c9dc5;
  for (let nth = 0; nth < id.length; nth += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(nth), 0x01000193);
  }
  return (hash >>> 0) % shards;
}

/** Verifies and parses the event of a request, and answers it when its object has received it. */
export async function acknowledge(request, env) {
  const { body, refused } = await verified(request, env.SECRET);
  if (refused) return refused;
  const { task_id, status } = JSON.parse(new TextDecoder().decode(body));
  if (typeof task_id !== "string" || !(status in STAGES)) {
    return new Response(null, { status: 400 });
  }
  const name = `shard-${shardOf(task_id, Number(env.SHARDS))}`;
  await env.SHARD.getByName(name).receive(task_id, status, body);
  return new Response('{"received":true}', { headers: HEADERS });
}

export class EventStore {
  #storage;
  #sql;
  #last;

  constructor(storage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(TABLES);
    this.#last = this.#sql.exec("SELECT COALESCE(MAX(seq), 0) AS last FROM events").one().last;
  }

  /**
   * Stores an event and returns its number, or nothing for a repeat. `enqueue` is called with the number, in the
   * same transaction.
   */
  store(task_id, status, at, body, enqueue) {
    const bit = STAGES[status];
    const [task] = this.#sql
      .exec("SELECT no, seen, last_seq FROM tasks WHERE task_id = ?", task_id)
      .raw();
    if (task && (task[1] & bit) !== 0) return undefined;
    const seq = this.#last + 1;
    this.#storage.transactionSync(() => {
      const no = task
        ? this.#update(task, status, bit, seq, at)
        : this.#create(task_id, status, bit, seq, at);
      this.#sql.exec(APPEND, seq, no, task ? task[2] : null, at, status, KEY, body);
      enqueue?.(seq);
    });
    this.#last = seq;
    return seq;
  }

  #create(task_id, status, bit, seq, at) {
    return this.#sql.exec(CREATE, task_id, status, bit, seq, at, at, KEY).one().no;
  }

  #update([no, seen], status, bit, seq, at) {
    // An earlier status that comes late moves nothing.
    const stage = bit > seen ? status : null;
    this.#sql.exec(UPDATE, stage, seen | bit, seq, at, no);
    return no;
  }
}

/** Where the gateway keeps the fingerprint of the secret. */
const KEY = "00000000";

const CREATE = `INSERT INTO tasks
    (task_id, open, stage, seen, unknown, last_seq, created_at, updated_at, duplicates, key)
  VALUES (?, 1, ?, ?, '[]', ?, ?, ?, 0, ?) RETURNING no`;
const UPDATE = `UPDATE tasks SET stage = COALESCE(?, stage), seen = ?, last_seq = ?, updated_at = ? WHERE no = ?`;
const APPEND = `INSERT INTO events (seq, task_no, previous, received_at, status, outcome, key, body)
  VALUES (?, ?, ?, ?, ?, 'applied', ?, ?)`;

const TABLES = `
  CREATE TABLE IF NOT EXISTS tasks (
    no INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, open INTEGER NOT NULL, stage TEXT,
    seen INTEGER NOT NULL, unknown TEXT NOT NULL, last_seq INTEGER NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, duplicates INTEGER NOT NULL, key TEXT NOT NULL, result_url TEXT, failure TEXT,
    final_at INTEGER, erased_at INTEGER
  );
  CREATE INDEX IF NOT EXISTS tasks_open ON tasks (no) WHERE open = 1;
  CREATE INDEX IF NOT EXISTS tasks_erased ON tasks (last_seq) WHERE erased_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, task_no INTEGER NOT NULL, previous INTEGER, received_at INTEGER NOT NULL, name TEXT,
    status TEXT, outcome TEXT NOT NULL, key TEXT NOT NULL, digest TEXT, body BLOB NOT NULL,
    imported_at INTEGER
  );
  CREATE UNIQUE INDEX IF NOT EXISTS events_other ON events (task_no, name, digest) WHERE digest IS NOT NULL;`;
