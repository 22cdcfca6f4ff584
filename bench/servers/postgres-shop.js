// Express with PostgreSQL and a transactional outbox: an event and its outbox row are committed together, and a loop in the
// same process polls the outbox and delivers. Pool and transactions are as the documentation of node-postgres shows them,
// statements are named so that they are prepared once.

import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { forward, listen, PAUSES, shop } from "./shop.js";

/** How long to wait after a look that has found fewer than a whole batch, in milliseconds. */
const POLL_EVERY = 100;
const BATCH = 100;
/** How long after a claim a delivery may be claimed again: its process has died. */
const CLAIM_SECONDS = 15;

const pool = new pg.Pool({ ...JSON.parse(env.POSTGRES), max: 16 });

await pool.query(`
  CREATE TABLE IF NOT EXISTS events (
    task_id text NOT NULL, status text NOT NULL, received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, status)
  );
  CREATE TABLE IF NOT EXISTS outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(), failed integer NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at);`);

const INSERT = {
  name: "insert",
  text: "INSERT INTO events (task_id, status) VALUES ($1, $2) ON CONFLICT DO NOTHING",
};
const ENQUEUE = { name: "enqueue", text: "INSERT INTO outbox (body) VALUES ($1)" };
const CLAIM = {
  name: "claim",
  text: `UPDATE outbox SET due_at = now() + interval '${CLAIM_SECONDS} seconds'
    WHERE id IN (
      SELECT id FROM outbox WHERE due_at <= now() ORDER BY due_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
    ) RETURNING id, body, failed`,
};
const DELETE = { name: "delete", text: "DELETE FROM outbox WHERE id = ANY($1)" };
const RETRY = {
  name: "retry",
  text: "UPDATE outbox SET failed = failed + 1, due_at = now() + $2 * interval '1 ms' WHERE id = $1",
};

async function store({ task_id, status }, body) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const { rowCount } = await client.query({ ...INSERT, values: [task_id, status] });
    if (rowCount === 1) await client.query({ ...ENQUEUE, values: [body] });
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

/** Delivers what is due; returns how many deliveries that were. */
async function relay() {
  const { rows } = await pool.query(CLAIM);
  const delivered = [];
  const attempt = async ({ id, body, failed }) => {
    try {
      await forward(body);
      delivered.push(id);
    } catch {
      const pause = PAUSES[failed];
      if (pause === undefined) delivered.push(id);
      else await pool.query({ ...RETRY, values: [id, pause] });
    }
  };
  await Promise.all(rows.map(attempt));
  if (delivered.length > 0) await pool.query({ ...DELETE, values: [delivered] });
  return rows.length;
}

listen(shop(store));
for (;;) if ((await relay()) < BATCH) await sleep(POLL_EVERY);
