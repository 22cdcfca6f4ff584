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

interface Result {
  readonly rowCount: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: the type of a row in `pg`
  readonly rows: any[];
}

/** The part of a client of `pg` that is used. */
export interface PostgresClient {
  query(sql: string, values?: unknown[]): Promise<Result>;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

/** The part of `Pool` of `pg` that is used. */
export interface PostgresPool<Client extends PostgresClient> {
  query(sql: string, values?: unknown[]): Promise<Result>;
  connect(): Promise<Client & { release(error?: Error | boolean): void }>;
}

/** The key of the advisory lock that serialises concurrent migrations. */
const MIGRATION_LOCK = 0x7674_7279;

/** The SQLSTATEs of `RELEASE SAVEPOINT` where the transaction of the savepoint has ended or failed. */
const ENDED: readonly unknown[] = ["25P01", "25P02", "3B001"];

/**
 * The server's clock, which all clients share. It advances within a transaction, but is constant within a statement, so
 * that comparisons with it can use the index.
 */
const SERVER_NOW = "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS BIGINT)";

/**
 * Stores keys in a table of a PostgreSQL database, through a pool of `pg`.
 *
 * Errors of the database are thrown unchanged.
 */
export class PostgresStore<Client extends PostgresClient> implements IdempotencyStore {
  readonly #pool: PostgresPool<Client>;
  readonly #now: (() => number) | undefined;
  readonly #namespaced: (key: string) => string;
  readonly #schema: string;
  readonly #sql: Statements;
  #prunedAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes a pool of `pg`, which needs a listener for `error`: without one, an idle connection that breaks ends the
   * process. Throws `invalid_option`.
   */
  constructor(pool: PostgresPool<Client>, options: SqlStoreOptions = {}) {
    const { table, now, namespaced } = sqlOptions(options);
    if (typeof pool?.query !== "function" || typeof pool.connect !== "function") {
      throw webhookError("invalid_option", "`pool` is no Pool of pg");
    }
    this.#pool = pool;
    this.#now = now;
    this.#namespaced = namespaced;
    this.#schema = schema(table);
    const sqlNow = now === undefined ? SERVER_NOW : "CAST($now AS BIGINT)";
    this.#sql = statements(table, sqlNow, "FOR UPDATE SKIP LOCKED");
  }

  /** Creates the table if it is missing. */
  async migrate(): Promise<void> {
    // Sent as one query they are one transaction, which releases the lock at its end.
    await this.#pool.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});\n${this.#schema}`);
  }

  async claim(key: string, leaseMs: number): Promise<Claim> {
    const { rows } = await this.#query(this.#pool, "claim", { key, lease: leaseMs });
    await this.#prune(this.#pool);
    if (rows.length > 0) return { state: "claimed", fence: Number(rows[0].fence) };
    const inspected = await this.#query(this.#pool, "inspect", { key });
    return claimOf(inspected.rows[0]);
  }

  async commit(key: string, fence: number, ttlMs: number): Promise<boolean> {
    const { rowCount } = await this.#query(this.#pool, "commit", { key, fence, ttl: ttlMs });
    return rowCount !== 0;
  }

  async release(key: string, fence: number): Promise<void> {
    await this.#query(this.#pool, "release", { key, fence });
  }

  /**
   * Runs `work` and marks the key in one transaction: after a crash, either both are committed or none. If the key was
   * marked before, `work` is not called: different work on one event needs different keys, or stores with different
   * namespaces. If another transaction is marking it, this one waits for its end. The mark is no claim: within `onEvent`
   * of a receiver with this store, an error after the transaction still has the event handled again.
   *
   * What `work` does through its client happens exactly once; other effects may happen again. `work` must send no
   * `BEGIN`, `COMMIT` or `ROLLBACK`, nor call what does, such as the `transaction` of an ORM; savepoints are fine. An
   * error of `work` is thrown after the rollback. Throws `unavailable` if `work` has ended the transaction: what it has
   * committed itself stays. Throws `unavailable` also if a statement failed and `work` ignored it: PostgreSQL then
   * commits nothing.
   */
  async transaction<T>(
    key: string,
    work: (tx: Client) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<Transaction<T>> {
    checkOptions(options, ["ttlMs"]);
    const { ttlMs } = ttlOptions(options, 0);
    checkFunction(work, "work");
    const client = await this.#pool.connect();
    let connectionError: Error | undefined;
    // Without a listener, a connection that breaks between two queries would crash the process.
    const onError = (error: Error) => {
      connectionError = error;
    };
    client.on("error", onError);
    try {
      // The savepoint ends with its transaction. A COMMIT alone does not tell whether `work` has ended that: outside of
      // any transaction it succeeds, with a warning.
      await client.query("BEGIN; SAVEPOINT vtryon_webhooks");
      const { rows } = await this.#query(client, "markDone", { key, ttl: ttlMs });
      let outcome: Transaction<T> = { ran: false };
      if (rows.length > 0) {
        const value = await work(client);
        refuseGenerator(value, "work");
        outcome = { ran: true, value };
      }
      // If the first fails, the second is not run.
      await client.query("RELEASE SAVEPOINT vtryon_webhooks; COMMIT").catch((error) => {
        if (!ENDED.includes(error?.code)) throw error;
        const message = "`work` has ended the transaction, or one of its statements had failed";
        throw webhookError("unavailable", message);
      });
      await this.#prune(client);
      return outcome;
    } catch (error) {
      await client.query("ROLLBACK").catch(onError);
      throw error;
    } finally {
      client.off("error", onError);
      client.release(connectionError);
    }
  }

  /**
   * Removes expired rows. Never rejects: an event is handled also where they can't be removed. Waits for no other
   * transaction: the key of the event is claimed already, and its retries are refused until the lease ends.
   */
  async #prune(on: Pick<PostgresClient, "query">): Promise<void> {
    const now = this.#now?.() ?? Date.now();
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    const removed = await this.#query(on, "prune", {}).catch(warnOfUnpruned);
    // There may be more, which the next claim or transaction removes.
    if (removed?.rowCount === PRUNE_ROWS) this.#prunedAt = Number.NEGATIVE_INFINITY;
  }

  /** Runs a statement. Converts its named parameters to numbered ones. */
  #query(
    on: Pick<PostgresClient, "query">,
    name: keyof Statements,
    parameters: Record<string, string | number>,
  ): Promise<Result> {
    const { key } = parameters;
    const named: Record<string, unknown> = { ...parameters, now: this.#now?.() };
    if (typeof key === "string") named.key = this.#namespaced(key);
    const names: string[] = [];
    const sql = this.#sql[name].replace(/\$(\w+)/g, (_, parameter: string) => {
      if (!names.includes(parameter)) names.push(parameter);
      return `$${names.indexOf(parameter) + 1}`;
    });
    return on.query(
      sql,
      names.map((parameter) => named[parameter]),
    );
  }
}
