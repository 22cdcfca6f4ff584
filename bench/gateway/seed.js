// Fills the SQLite file of a stopped shard with tasks, as it would be after so many: their events, and one delivery of
// each event. It is done by SQL alone, for a million tasks would take the gateway an hour.

import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * How many tasks begin before one has its next event: the events of a task lie apart, as they do when many tasks are
 * in progress at the same time.
 */
const APART = 50;

/** How many bytes a body has, as the events of the bench. */
const BODY = 350;

/** How long after each other events were received, in milliseconds. */
const PAUSE = 10;

/** The factor spreads ids over the whole index, as random ones are; it is odd, so no two are the same. */
const FACTOR = 2654435761;

/** Returns the id of the nth task, from 1 on. */
export const seededTask = (nth) =>
  `task_${((nth * FACTOR) % 2 ** 32).toString(16).padStart(8, "0")}`;

/** Finds the file of the one shard that a folder of objects has. */
export function shardFile(folder) {
  const names = readdirSync(folder, { recursive: true });
  const files = names.filter((name) => /Shard.*[0-9a-f]{64}\.sqlite$/.test(name));
  if (files.length !== 1) throw new Error(`${files.length} shards have stored something, not one`);
  return path.join(folder, files[0]);
}

/**
 * Replaces what a shard has stored by so many tasks. Of 20 tasks one is queued, one is processing, one has failed and
 * the others are completed, by as many events as that takes: three for one that ended. Each event was delivered to the
 * first endpoint at once; every hundredth is a dead letter. The shard has to have a task already, and its file has to be
 * closed. Returns the number of its last event.
 */
export function seed(file, tasks) {
  const database = new DatabaseSync(file);
  try {
    const { key } = database.prepare("SELECT key FROM tasks LIMIT 1").get();
    // Nothing is lost by a crash that can't be seeded anew.
    database.exec(
      "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000",
    );
    database.exec(`BEGIN;
      DELETE FROM tasks; DELETE FROM events; DELETE FROM deliveries; DELETE FROM quarantine;
      ${statements(tasks, Date.now() - 3 * (tasks + 2 * APART) * PAUSE, key)}
      COMMIT; PRAGMA journal_mode = WAL;`);
    return database.prepare("SELECT MAX(seq) AS last FROM events").get().last;
  } finally {
    database.close();
  }
}

/** Counts from one number to another. */
const count = (name, first, last) =>
  `WITH RECURSIVE ${name} AS (SELECT ${first} AS n UNION ALL SELECT n + 1 FROM ${name} WHERE n < ${last})`;

const id = (no) => `PRINTF('task_%08x', (${no} * ${FACTOR}) & 4294967295)`;
/** How many events a task has had. */
const steps = (no) => `CASE ${no} % 20 WHEN 1 THEN 1 WHEN 2 THEN 2 ELSE 3 END`;
/** The status that an event of a task tells, the first one being 0. */
const status = (no, step) =>
  `CASE ${step} WHEN 0 THEN 'queued' WHEN 1 THEN 'processing' ELSE IIF(${no} % 20 = 0, 'failed', 'completed') END`;
/** The number of that event. */
const seq = (no, step) => `(3 * (${no} - 1 + ${step} * ${APART}) + ${step} + 1)`;
/** The bits of the statuses seen: 1, 2, 4 or 8. */
const seen = (no) =>
  `CASE ${steps(no)} WHEN 1 THEN 1 WHEN 2 THEN 3 ELSE IIF(${no} % 20 = 0, 11, 7) END`;

/** A delivery's one attempt. */
const RECORD = JSON.stringify([
  {
    replay_count: 0,
    attempt: 1,
    due_at: "2026-01-01T00:00:00.000Z",
    attempted_at: "2026-01-01T00:00:00.020Z",
    took_ms: 40,
    status: 200,
    answer: "",
  },
]);

const statements = (tasks, begun, key) => `
  ${count("tasks_of", 1, tasks)}, made AS (SELECT n, ${steps("n")} AS steps FROM tasks_of)
  INSERT INTO tasks (no, task_id, open, stage, seen, unknown, last_seq, created_at, updated_at, duplicates, key, result_url,
    failure, final_at)
  SELECT n, ${id("n")}, steps < 3, ${status("n", "steps - 1")}, ${seen("n")}, '[]', ${seq("n", "(steps - 1)")},
    ${begun} + ${seq("n", 0)} * ${PAUSE}, ${begun} + ${seq("n", "(steps - 1)")} * ${PAUSE}, 0, '${key}',
    IIF(steps = 3 AND n % 20 > 0, 'https://cdn.example/' || ${id("n")} || '.png', NULL),
    IIF(n % 20 = 0, 'the model has failed', NULL),
    IIF(steps = 3, ${begun} + ${seq("n", 2)} * ${PAUSE}, NULL)
  FROM made;

  ${count("places", 0, 3 * (tasks + 2 * APART))},
  made AS (SELECT n, n % 3 AS step, n / 3 + 1 - n % 3 * ${APART} AS no FROM places),
  events_of AS (
    SELECT n, step, no, '{"event":"generation.status_changed","task_id":"' || ${id("no")} || '","status":"'
      || ${status("no", "step")} || '","trace":"' AS head
    FROM made WHERE no BETWEEN 1 AND ${tasks} AND step < ${steps("no")}
  )
  INSERT INTO events (seq, task_no, previous, received_at, status, outcome, key, body)
  SELECT n + 1, no, IIF(step = 0, NULL, ${seq("no", "(step - 1)")}), ${begun} + (n + 1) * ${PAUSE},
    ${status("no", "step")}, 'applied', '${key}',
    CAST(head || SUBSTR('${"x".repeat(BODY)}', 1, ${BODY - 2} - LENGTH(head)) || '"}' AS BLOB)
  FROM events_of;

  INSERT INTO deliveries (no, endpoint, state, created_at, scheduled_at, first_at, failed_attempts, replay_count, attempts, ended_at, reason)
  SELECT seq * 65536 + 1, 1, IIF(seq % 100 = 0, 'dead', 'delivered'), received_at, received_at, received_at,
    seq % 100 = 0, 0, '${RECORD}', received_at + 60, IIF(seq % 100 = 0, 'exhausted', NULL)
  FROM events;

  INSERT OR REPLACE INTO meta (name, value) SELECT 'leased_from', MAX(seq) FROM events;`;
