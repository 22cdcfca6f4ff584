import { webhookError } from "../core/engine.js";
import { checkFunction, checkOptions, refuseGenerator } from "../core/options.js";
import { type Claim, type IdempotencyStore, ttlOptions } from "./idempotency.js";
import {
  claimOf,
  PRUNE_EVERY_MS,
  PRUNE_ROWS,
  type SqlStoreOptions,
  type Statements,
  schema,
  sqlOptions,
  statements,
  type Transaction,
  type TransactionOptions,
  warnOfUnpruned,
} from "./sql.js";

export interface SqliteStatement {
  all(parameters: Record<string, string | number>): unknown[];
  run(parameters: Record<string, string | number>): { changes: number | bigint };
}

/** The part of `DatabaseSync` (node:sqlite) or `Database` (better-sqlite3) that is used. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/**
 * Stores keys in a table of a SQLite database, which several processes may open.
 *
 * While another process writes, SQLite waits for the connection's `busy_timeout` and then throws, so that the answer is
 * 503. node:sqlite does not wait by default: run `PRAGMA busy_timeout = 5000`. Errors of the database are thrown unchanged.
 */
export class SqliteStore<Database extends SqliteDatabase> implements IdempotencyStore {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #namespaced: (key: string) => string;
  readonly #schema: string;
  readonly #sql: Statements;
  readonly #prepared = new Map<string, SqliteStatement>();
  #prunedAt = Number.NEGATIVE_INFINITY;

  /** Takes an open database. Throws `invalid_option`. */
  constructor(database: Database, options: SqlStoreOptions = {}) {
    const { table, now = Date.now, namespaced } = sqlOptions(options);
    if (typeof database?.prepare !== "function" || typeof database.exec !== "function") {
      throw webhookError("invalid_option", "`database` is none of node:sqlite or better-sqlite3");
    }
    this.#database = database;
    this.#now = now;
    this.#namespaced = namespaced;
    this.#schema = schema(table);
    this.#sql = statements(table, "$now");
    if (table.includes(".")) {
      throw webhookError("invalid_option", "`table` names a schema, which only PostgreSQL has");
    }
    probe(database);
  }

  /** Creates the table if it is missing. */
  migrate(): void {
    this.#database.exec(this.#schema);
  }

  claim(key: string, leaseMs: number): Claim {
    const [claimed] = this.#rows("claim", {
      key: this.#namespaced(key),
      now: this.#now(),
      lease: leaseMs,
    });
    this.#prune();
    if (claimed !== undefined) return { state: "claimed", fence: Number(claimed.fence) };
    const [row] = this.#rows("inspect", { key: this.#namespaced(key), now: this.#now() });
    return claimOf(row);
  }

  commit(key: string, fence: number, ttlMs: number): boolean {
    const now = this.#now();
    return this.#changed("commit", { key: this.#namespaced(key), fence, now, ttl: ttlMs }) > 0;
  }

  release(key: string, fence: number): void {
    this.#changed("release", { key: this.#namespaced(key), fence });
  }

  /**
   * Runs `work` and marks the key in one transaction: after a crash, either both are committed or none. If the key was
   * marked before, `work` is not called: different work on one event needs different keys, or stores with different
   * namespaces. The mark is no claim: within `onEvent` of a receiver with this store, an error after the transaction
   * still has the event handled again.
   *
   * What `work` does in this database happens exactly once; other effects may happen again. It must be synchronous,
   * because everything on the connection is part of the transaction until it returns: if it returns a promise, the
   * transaction is rolled back with `invalid_option`. An error of `work` is thrown after the rollback.
   */
  transaction<T>(
    key: string,
    work: (tx: Database) => T,
    options: TransactionOptions = {},
  ): Transaction<T> {
    checkOptions(options, ["ttlMs"]);
    const { ttlMs } = ttlOptions(options, 0);
    checkFunction(work, "work");
    // Not `BEGIN`: a transaction that has read can't wait for a concurrent writer.
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const now = this.#now();
      const [marked] = this.#rows("markDone", { key: this.#namespaced(key), now, ttl: ttlMs });
      const outcome: Transaction<T> =
        marked === undefined
          ? { ran: false }
          : { ran: true, value: synchronous(work(this.#database)) };
      this.#database.exec("COMMIT");
      this.#prune();
      return outcome;
    } catch (error) {
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back already, for example because the disk is full. The first error says why.
      }
      throw error;
    }
  }

  /** Removes expired rows. Never throws: an event is handled also where they can't be removed. */
  #prune(): void {
    const now = this.#now();
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    try {
      // There may be more, which the next claim or transaction removes.
      if (this.#changed("prune", { now }) === PRUNE_ROWS) this.#prunedAt = Number.NEGATIVE_INFINITY;
    } catch (error) {
      warnOfUnpruned(error);
    }
  }

  /** Reads all rows: a failing commit shows only at the end of the result. */
  #rows(
    name: keyof Statements,
    parameters: Record<string, string | number>,
  ): Record<string, unknown>[] {
    return this.#statement(name).all(parameters) as Record<string, unknown>[];
  }

  #changed(name: keyof Statements, parameters: Record<string, string | number>): number {
    return Number(this.#statement(name).run(parameters).changes);
  }

  #statement(name: keyof Statements): SqliteStatement {
    const known = this.#prepared.get(name);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(this.#sql[name]);
    this.#prepared.set(name, prepared);
    return prepared;
  }
}

/**
 * Checks how the database takes parameters and returns rows, and whether it is writable: some options of the drivers
 * change that. Throws `invalid_option`.
 */
function probe(database: SqliteDatabase): void {
  let rows: unknown[];
  try {
    rows = database.prepare("SELECT $text AS text, $number AS number").all({
      text: "a",
      number: PROBE_NUMBER,
    });
  } catch (error) {
    if (!/parameter/i.test(String((error as Error | null)?.message))) throw error;
    throw unusable("takes no parameters by their bare names: leave out `allowBareNamedParameters`");
  }
  const [row] = rows as { text?: unknown; number?: unknown }[];
  if (row?.text !== "a" || Number(row.number) !== PROBE_NUMBER) {
    throw unusable("returns no rows by the names of their columns: leave out `returnArrays`");
  }
  try {
    database.exec("BEGIN IMMEDIATE");
  } catch {
    // A concurrent writer, or a transaction of the caller, which says nothing about the options.
    return;
  }
  try {
    // Any write; it is rolled back.
    database.exec("PRAGMA user_version = 0");
  } catch {
    throw unusable("can't be written to: open it without `readOnly` or `readonly`");
  } finally {
    database.exec("ROLLBACK");
  }
}

/** More than 32 bits, like the stored times. */
const PROBE_NUMBER = 2 ** 41 + 1;

const unusable = (how: string): Error => webhookError("invalid_option", `\`database\` ${how}`);

function synchronous<T>(value: T): T {
  refuseGenerator(value, "work");
  if (typeof (value as { then?: unknown } | null)?.then !== "function") return value;
  // Its own rejection does not matter. Other thenables are not touched: some start their work in `then`.
  if (value instanceof Promise) value.catch(() => {});
  throw webhookError(
    "invalid_option",
    "the work of a SQLite transaction returned a promise, so it was rolled back; what comes after an `await` is outside of it",
  );
}
