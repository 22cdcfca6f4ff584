export type { Claim, IdempotencyStore } from "./idempotency.js";
export { MemoryStore, type MemoryStoreOptions } from "./memory.js";
export type { NamespaceOptions } from "./namespace.js";
export { type PostgresClient, type PostgresPool, PostgresStore } from "./postgres.js";
export { type SqlStoreOptions, schema, type Transaction, type TransactionOptions } from "./sql.js";
export { type SqliteDatabase, type SqliteStatement, SqliteStore } from "./sqlite.js";
