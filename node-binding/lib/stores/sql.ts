// What the two SQL stores share: options, schema and statements.

import { webhookError } from "../core/engine.js";
import { checkFunctionOption, checkOptions } from "../core/options.js";
import type { Claim } from "./idempotency.js";
import { type NamespaceOptions, namespacedBy } from "./namespace.js";

const DEFAULT_TABLE = "vtryon_webhooks";

export interface SqlStoreOptions extends NamespaceOptions {
  /** The table's name: by default `vtryon_webhooks`; for PostgreSQL also with its schema, `shop.webhooks`. */
  table?: string | undefined;
  /** The clock, in milliseconds since 1970: by default this machine's for SQLite, the server's for PostgreSQL. */
  now?: (() => number) | undefined;
}

export interface TransactionOptions {
  /** How long the mark is kept, in milliseconds: by default 3 days, always more than 24 hours. */
  ttlMs?: number | undefined;
}

/** Reads the options of a SQL store. Throws `invalid_option`. */
export function sqlOptions(options: SqlStoreOptions | null): {
  table: string;
  now: (() => number) | undefined;
  namespaced: (key: string) => string;
} {
  checkOptions(options, ["table", "now", "namespace"]);
  checkFunctionOption(options, "now");
  const { table = DEFAULT_TABLE, now } = options ?? {};
  return { table, now, namespaced: namespacedBy(options) };
}

/** The result of a transaction. */
export type Transaction<T> =
  /** The work and the key are committed. */
  | { readonly ran: true; readonly value: T }
  /** A transaction of the key was committed before, and the work was not called. */
  | { readonly ran: false };

/** Reads what the statement `inspect` says of a key that could not be claimed. */
export function claimOf(row: Record<string, unknown> | undefined): Claim {
  // Without a row, it was removed or ended meanwhile by another process: it can be claimed at once.
  const { state, remaining } = row ?? { remaining: 0 };
  if (state === "done") return { state };
  return { state: "busy", retryAfterMs: Math.max(0, Number(remaining)) };
}

/** The minimum interval between removals of expired rows, unless the last one removed as many rows as it may. */
export const PRUNE_EVERY_MS: number = 60_000;

/** The maximum number of rows of one removal, for which a request waits. */
export const PRUNE_ROWS: number = 1000;

/**
 * How long an expired row is kept. It contains the latest token of its key. After its removal the next token is the
 * time, so tokens rise unless the clock goes back by more than this.
 */
const PRUNE_AFTER_MS = 60 * 60 * 1000;

/** Warns that expired rows were not removed. The error is named by its code alone, since its message may quote a row. */
export function warnOfUnpruned(error: unknown): void {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  console.warn(
    `vtryon-webhooks: expired rows could not be removed (${code ?? "no code"}); if that stays, see whether the store may delete them`,
  );
}

/**
 * Returns the SQL that creates the table and its index if they are missing, for programs that run migrations
 * themselves. It is valid in SQLite and PostgreSQL; a table name with a schema is only valid in PostgreSQL. Throws
 * `invalid_option`.
 *
 * `key` is `namespace:key`, and `transaction/namespace:key` for a transaction; `state` is `leased` or `done`;
 * `expires_at` is in milliseconds since 1970.
 */
export function schema(table: string = DEFAULT_TABLE): string {
  const { rows, name } = quoteTable(table);
  return `CREATE TABLE IF NOT EXISTS ${rows} (
  key TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  fence BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "${name}_expires_at" ON ${rows} (expires_at);
`;
}

/** The statements of a store; `$name` is a parameter. */
export interface Statements {
  readonly claim: string;
  readonly inspect: string;
  readonly commit: string;
  readonly release: string;
  readonly markDone: string;
  readonly prune: string;
}

/**
 * Returns the statements for a table; `now` is the SQL expression for the time, and `skipLocked` the clause that leaves
 * rows out which others have locked. Throws `invalid_option`.
 */
export function statements(table: string, now: string, skipLocked = ""): Statements {
  const { rows } = quoteTable(table);
  const prunable = `expires_at < ${now} - ${PRUNE_AFTER_MS} AND fence < ${now} - ${PRUNE_AFTER_MS}`;
  return {
    // A single statement, so only one of several concurrent claims gets a row back.
    claim: `
      INSERT INTO ${rows} AS known (key, state, fence, expires_at)
      VALUES ($key, 'leased', ${now}, ${now} + $lease)
      ON CONFLICT (key) DO UPDATE SET
        state = 'leased',
        fence = CASE WHEN known.fence < excluded.fence THEN excluded.fence ELSE known.fence + 1 END,
        expires_at = excluded.expires_at
      WHERE known.expires_at <= ${now}
      RETURNING fence`,
    inspect: `SELECT state, expires_at - ${now} AS remaining FROM ${rows} WHERE key = $key`,
    // Also if it is done: the answer to the first commit may have been lost.
    commit: `
      UPDATE ${rows} SET state = 'done', expires_at = ${now} + $ttl
      WHERE key = $key AND fence = $fence`,
    // The row stays because of its token. A released token can no longer commit.
    release: `
      UPDATE ${rows} SET fence = fence + 1, expires_at = 0
      WHERE key = $key AND fence = $fence AND state = 'leased'`,
    // A row of its own, so that a claim of the same key can still be released: a handler may fail after its transaction.
    // No namespace has a slash.
    markDone: `
      INSERT INTO ${rows} AS known (key, state, fence, expires_at)
      VALUES ('transaction/' || $key, 'done', ${now}, ${now} + $ttl)
      ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
      WHERE known.expires_at <= ${now}
      RETURNING fence`,
    // The condition is repeated: without locks a row may be claimed again between its selection and its removal.
    prune: `
      DELETE FROM ${rows} WHERE ${prunable} AND key IN (
        SELECT key FROM ${rows} WHERE ${prunable} ORDER BY expires_at LIMIT ${PRUNE_ROWS} ${skipLocked})`,
  };
}

/** Names of schemas and tables. PostgreSQL's limit is 63; the name of the index is 11 longer than that of the table. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/i;
const NAME = /^[a-z_][a-z0-9_]{0,51}$/i;

/** Quotes the name of a table, which may be a keyword of SQL. Throws `invalid_option`. */
function quoteTable(table: unknown): { rows: string; name: string } {
  const parts = typeof table === "string" ? table.split(".") : [];
  const [name = "", schema, ...rest] = parts.reverse();
  const isGood = NAME.test(name) && (schema === undefined || SCHEMA.test(schema));
  if (isGood && rest.length === 0) {
    return { name, rows: schema === undefined ? `"${name}"` : `"${schema}"."${name}"` };
  }
  throw webhookError(
    "invalid_option",
    "`table` is not a name of letters, digits and `_`, at most 52 long, nor `schema.name`",
  );
}
