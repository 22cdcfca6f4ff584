// Stores the status of every task in SQLite. `lifecycleStep` of the package decides what an event means.

import { DatabaseSync } from "node:sqlite";
import { lifecycleStep } from "vtryon-webhooks";
import { SqliteStore } from "vtryon-webhooks/stores";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY,
    status TEXT,               -- the current status; it never goes back
    seen TEXT NOT NULL,        -- the statuses received, as a JSON array for lifecycleStep
    result_url TEXT,
    failure TEXT,              -- the reason of a failed task
    conflict INTEGER NOT NULL, -- 1 if both final statuses came; the first one counts
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS tasks_updated_at ON tasks (updated_at)`;

const SAVE = `
  INSERT INTO tasks VALUES ($task_id, $status, $seen, $result_url, $failure, $conflict, $now)
  ON CONFLICT (task_id) DO UPDATE SET
    status = excluded.status,
    seen = excluded.seen,
    result_url = coalesce(result_url, excluded.result_url),
    failure = coalesce(failure, excluded.failure),
    conflict = max(conflict, excluded.conflict),
    updated_at = excluded.updated_at`;

const SHOWN = "SELECT task_id, status, result_url, failure, conflict, updated_at FROM tasks";

/** Opens the database in a file, or creates it. */
export function openTasks(file) {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; ${SCHEMA}`);
  const store = new SqliteStore(database);
  store.migrate();
  const seenBy = database.prepare("SELECT seen FROM tasks WHERE task_id = ?");
  const save = database.prepare(SAVE);
  const one = database.prepare(`${SHOWN} WHERE task_id = ?`);
  const latest = database.prepare(`${SHOWN} ORDER BY updated_at DESC LIMIT 100`);

  /** Applies an event to its task; returns whether pages have to be updated. */
  function apply(event) {
    const seen = JSON.parse(seenBy.get(event.task_id)?.seen ?? "[]");
    const { outcome, status } = lifecycleStep(seen, event.status);
    if (outcome === "duplicate" || outcome === "capped") return false;
    const applied = outcome === "applied";
    save.run({
      task_id: event.task_id,
      status,
      seen: JSON.stringify([...seen, event.status]),
      result_url: applied ? event.result_url : null,
      failure: applied ? event.error_message : null,
      conflict: outcome === "conflict" ? 1 : 0,
      now: Date.now(),
    });
    return outcome !== "late";
  }

  return {
    /** Records an event once, also if it is duplicated; returns its task if that has changed. */
    record(event) {
      // An event with another name has no status. It is acknowledged and not stored.
      if (event.status === null) return undefined;
      const { ran, value: changed } = store.transaction(event.idempotency_key, () => apply(event));
      return ran && changed ? one.get(event.task_id) : undefined;
    },
    /** Returns the tasks that changed last, the latest first. */
    latest: () => latest.all(),
    close: () => database.close(),
  };
}
