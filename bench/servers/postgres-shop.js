// Express with PostgreSQL and a transactional outbox: an event and its outbox row are committed together, and a loop in the
// same process polls the outbox and delivers. Pool and transactions are as the documentation of node-postgres shows them,
// statements are named so that they are prepared once.

import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { serve } from "./serve.js";
import { forward, PAUSES, shop } from "./shop.js";

/** How long to wait after a look that has found fewer than a whole batch, in milliseconds. */
const POLL_EVERY = 100;
const BATCH = 100;
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
// Locked until the end of the transaction: what a process that dies has taken is free again at once.
const TAKE = {
  name: "take",
  text: `SELECT id, body, failed FROM outbox WHERE due_at <= now()
    ORDER BY due_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
};
const DELETE = { name: "delete", text: "DELETE FROM outbox WHERE id = ANY($1)" };
const RETRY = {
  name: "retry",
  text: "UPDATE outbox SET failed = failed + 1, due_at = now() + $2 * interval '1 ms' WHERE id = $1",
};

/** Runs statements of one client in a transaction. */
async function transaction(run) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await run(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

const store = ({ task_id, status }, body) =>
  transaction(async (client) => {
    const { rowCount } = await client.query({ ...INSERT, values: [task_id, status] });
    if (rowCount === 1) await client.query({ ...ENQUEUE, values: [body] });
  });

/** Delivers what is due; returns how many deliveries that were. */
const relay = () =>
  transaction(async (client) => {
    const { rows } = await client.query(TAKE);
    const results = await Promise.allSettled(rows.map(({ body }) => forward(body)));
    const ended = [];
    for (const [nth, { id, failed }] of rows.entries()) {
      const pause = PAUSES[failed];
      if (results[nth].status === "fulfilled" || pause === undefined) ended.push(id);
      else await client.query({ ...RETRY, values: [id, pause] });
    }
    if (ended.length > 0) await client.query({ ...DELETE, values: [ended] });
    return rows.length;
  });

serve(shop(store));
for (;;) if ((await relay()) < BATCH) await sleep(POLL_EVERY);
