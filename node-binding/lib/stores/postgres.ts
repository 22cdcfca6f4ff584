import { webhookError } from "../core/engine.js";
import { type Claim, type IdempotencyStore, ttlOptions } from "./idempotency.js";
import {
  PRUNE_EVERY_MS,
  type SqlStoreOptions,
  type Statements,
  schema,
  sqlOptions,
  statements,
  type Transaction,
  type TransactionOptions,
} from "./sql.js";

interface Result {
  readonly command: string;
  readonly rowCount: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: what `pg` says of a row
  readonly rows: any[];
}

/** What a store needs of a client of `pg`. */
export interface PostgresClient {
  query(sql: string, values?: unknown[]): Promise<Result>;
  on(event: "error", listener: (fault: Error) => void): unknown;
  off(event: "error", listener: (fault: Error) => void): unknown;
}

/** What a store needs of `Pool` of `pg`. */
export interface PostgresPool<Client extends PostgresClient> {
  query(sql: string, values?: unknown[]): Promise<Result>;
  connect(): Promise<Client & { release(fault?: Error | boolean): void }>;
}

/** Any two processes that migrate at once wait for each other under this number. */
const MIGRATION_LOCK = 0x7674_7279;

/**
 * The server's clock: one for all who claim, wherever they run. It goes on within a transaction, but not
 * within a statement, so that the index serves a comparison with it.
 */
const SERVER_NOW = "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS BIGINT)";

/**
 * Remembers keys in a table of a PostgreSQL database, through a pool of `pg`.
 *
 * Errors of the database are passed on as they are.
 */
export class PostgresStore<Client extends PostgresClient> implements IdempotencyStore {
  readonly #pool: PostgresPool<Client>;
  readonly #now: (() => number) | undefined;
  readonly #namespaced: (key: string) => string;
  readonly #schema: string;
  readonly #sql: Statements;
  #prunedAt = Number.NEGATIVE_INFINITY;

  /** Takes a pool. Throws `invalid_option`. */
  constructor(pool: PostgresPool<Client>, options: SqlStoreOptions = {}) {
    const { table, now, namespaced } = sqlOptions(options);
    if (typeof pool?.query !== "function" || typeof pool.connect !== "function") {
      throw webhookError("invalid_option", "`pool` is no Pool of pg");
    }
    this.#pool = pool;
    this.#now = now;
    this.#namespaced = namespaced;
    this.#schema = schema(table);
    this.#sql = statements(table, now === undefined ? SERVER_NOW : "CAST($now AS BIGINT)");
  }

  /** Makes the table where it is missing. */
  async migrate(): Promise<void> {
    // Sent together they are one transaction, at whose end the lock is given back.
    await this.#pool.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});\n${this.#schema}`);
  }

  async claim(key: string, leaseMs: number): Promise<Claim> {
    await this.#prune();
    const { rows } = await this.#query(this.#pool, "claim", { key, lease: leaseMs });
    if (rows.length > 0) return { state: "claimed", fence: Number(rows[0].fence) };
    const standing = await this.#query(this.#pool, "standing", { key });
    // Gone or ended since, by another connection: it can be claimed at once.
    const { state, remaining } = standing.rows[0] ?? { remaining: 0 };
    if (state === "done") return { state };
    return { state: "busy", retryAfterMs: Math.max(0, Number(remaining)) };
  }

  async commit(key: string, fence: number, ttlMs: number): Promise<boolean> {
    const { rowCount } = await this.#query(this.#pool, "commit", { key, fence, ttl: ttlMs });
    return rowCount !== 0;
  }

  async release(key: string, fence: number): Promise<void> {
    await this.#query(this.#pool, "release", { key, fence });
  }

  /**
   * Calls `work` and remembers the key as done, both in one transaction: after a crash at any moment
   * either both are there or none. Where the key was done before, `work` is not called; where another
   * transaction is about to make it done, this one waits for its end.
   *
   * What `work` does through the client that it is given is done exactly once; what it does elsewhere is
   * not. What it throws is thrown on, after the rollback. Throws `unavailable` when a statement had
   * failed and `work` said nothing of it: PostgreSQL then commits nothing.
   */
  async transaction<T>(
    key: string,
    work: (tx: Client) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<Transaction<T>> {
    const { ttlMs } = ttlOptions(options, 0);
    await this.#prune();
    const client = await this.#pool.connect();
    let lost: Error | undefined;
    // Without a listener, a connection that breaks between two queries would end the process.
    const lose = (fault: Error) => {
      lost = fault;
    };
    client.on("error", lose);
    try {
      await client.query("BEGIN");
      const { rows } = await this.#query(client, "done", { key, ttl: ttlMs });
      const outcome: Transaction<T> =
        rows.length === 0 ? { ran: false } : { ran: true, value: await work(client) };
      const { command } = await client.query("COMMIT");
      if (command !== "COMMIT") {
        throw webhookError(
          "unavailable",
          "a statement of the transaction had failed, so it was rolled back",
        );
      }
      return outcome;
    } catch (fault) {
      await client.query("ROLLBACK").catch(lose);
      throw fault;
    } finally {
      client.off("error", lose);
      client.release(lost);
    }
  }

  async #prune(): Promise<void> {
    const now = this.#now?.() ?? Date.now();
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    await this.#query(this.#pool, "prune", {});
  }

  /** Runs a statement; its named parameters become numbered ones. */
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
