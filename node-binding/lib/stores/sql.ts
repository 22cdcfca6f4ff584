import { webhookError } from "../core/engine.js";
import { checkFunctionOption } from "../core/options.js";
import { type NamespaceOptions, namespacedBy } from "./namespace.js";

/** The table's name where nothing else is said. */
const TABLE = "vtryon_webhooks";

export interface SqlStoreOptions extends NamespaceOptions {
  /** The table's name: by default `vtryon_webhooks`; for PostgreSQL also with its schema, `shop.webhooks`. */
  table?: string | undefined;
  /** The clock, in milliseconds since 1970: by default of the host for SQLite, of the server for PostgreSQL. */
  now?: (() => number) | undefined;
}

export interface TransactionOptions {
  /** How long the key is remembered, in milliseconds: by default 3 days, and more than 24 hours. */
  ttlMs?: number | undefined;
}

/** Reads the options of a store. Throws `invalid_option`. */
export function sqlOptions(options: SqlStoreOptions | null): {
  table: string;
  now: (() => number) | undefined;
  namespaced: (key: string) => string;
} {
  checkFunctionOption(options, "now");
  const { table = TABLE, now } = options ?? {};
  return { table, now, namespaced: namespacedBy(options) };
}

/** What came of a transaction. */
export type Transaction<T> =
  /** The work is committed, and its key with it. */
  | { readonly ran: true; readonly value: T }
  /** The key was done before, so the work was not called. */
  | { readonly ran: false };

/** How often expired rows are removed at most, and how many at a time. */
export const PRUNE_EVERY_MS: number = 60_000;
const PRUNE_ROWS = 1000;

/**
 * How long an expired row is kept. It holds the latest token, and a token given after it is gone is the
 * time: so tokens rise unless the clock goes back by more than this.
 */
const PRUNE_AFTER_MS = 60 * 60 * 1000;

/**
 * Returns the SQL that makes the table and its index where they are missing, for those who run their
 * migrations themselves; SQLite and PostgreSQL both take it, but for a table with a schema, which is
 * PostgreSQL's. Throws `invalid_option`.
 *
 * `key` is `namespace:key`; `state` is `leased` or `done`; `expires_at` is in milliseconds since 1970.
 */
export function schema(table: string = TABLE): string {
  const { rows, name } = tableOf(table);
  return `CREATE TABLE IF NOT EXISTS ${rows} (
  key TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  fence BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "${name}_expires_at" ON ${rows} (expires_at);
`;
}

/** The statements of a store, by what they do; `$name` is a parameter. */
export interface Statements {
  readonly claim: string;
  readonly standing: string;
  readonly commit: string;
  readonly release: string;
  readonly done: string;
  readonly prune: string;
}

/** Writes the statements for a table; `now` is SQL for the time. Throws `invalid_option`. */
export function statements(table: string, now: string): Statements {
  const { rows } = tableOf(table);
  const prunable = `expires_at < ${now} - ${PRUNE_AFTER_MS} AND fence < ${now} - ${PRUNE_AFTER_MS}`;
  return {
    // One statement, so of all who claim at once one gets a row back.
    claim: `
      INSERT INTO ${rows} AS known (key, state, fence, expires_at)
      VALUES ($key, 'leased', ${now}, ${now} + $lease)
      ON CONFLICT (key) DO UPDATE SET
        state = 'leased',
        fence = CASE WHEN known.fence < excluded.fence THEN excluded.fence ELSE known.fence + 1 END,
        expires_at = excluded.expires_at
      WHERE known.expires_at <= ${now}
      RETURNING fence`,
    standing: `SELECT state, expires_at - ${now} AS remaining FROM ${rows} WHERE key = $key`,
    // Also where `transaction` has made it done under this claim.
    commit: `
      UPDATE ${rows} SET state = 'done', expires_at = ${now} + $ttl
      WHERE key = $key AND fence = $fence`,
    // The row stays, for its token; a token that was given back commits nothing.
    release: `
      UPDATE ${rows} SET fence = fence + 1, expires_at = 0
      WHERE key = $key AND fence = $fence AND state = 'leased'`,
    // The token stays: whoever holds the claim finds it done when he commits.
    done: `
      INSERT INTO ${rows} AS known (key, state, fence, expires_at)
      VALUES ($key, 'done', ${now}, ${now} + $ttl)
      ON CONFLICT (key) DO UPDATE SET state = 'done', expires_at = excluded.expires_at
      WHERE known.state <> 'done' OR known.expires_at <= ${now}
      RETURNING fence`,
    // Twice, for a row that is claimed anew between the selection and its turn must stay.
    prune: `
      DELETE FROM ${rows} WHERE ${prunable} AND key IN (
        SELECT key FROM ${rows} WHERE ${prunable} ORDER BY expires_at LIMIT ${PRUNE_ROWS})`,
  };
}

/** A name; the one of the table is at most 52 long, since that of its index is by 11 longer and 63 is PostgreSQL's limit. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/i;
const NAME = /^[a-z_][a-z0-9_]{0,51}$/i;

/** Writes the names of a table in quotes, in which a word of SQL is a name as well. Throws `invalid_option`. */
function tableOf(table: unknown): { rows: string; name: string } {
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
