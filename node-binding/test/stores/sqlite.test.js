// The store in SQLite, with both of its drivers: the contract, transactions, and many processes at once.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import Database from "better-sqlite3";
import { SqliteStore, schema } from "vtryon-webhooks/stores";
import { emitted, within } from "../../../tests/support/wait.js";
import {
  contract,
  NO_NAMESPACES,
  namespacesShareATable,
  risesWhenTheClockGoesBack,
} from "./support/contract.js";
import { TRANSACTIONS } from "./support/transactions.js";

const START = Date.UTC(2026, 6, 1);
const DRIVERS = { "node:sqlite": DatabaseSync, "better-sqlite3": Database };

const REFUSE_DELETES = `CREATE TRIGGER refuse BEFORE DELETE ON vtryon_webhooks
  BEGIN SELECT RAISE(ABORT, 'quoted'); END`;

function open(Driver) {
  const database = new Driver(":memory:");
  let now = START;
  const restarted = () => new SqliteStore(database, { now: () => now });
  const store = restarted();
  store.migrate();
  database.exec("CREATE TABLE effects (name TEXT)");
  const run = (sql) => database.exec(sql);
  const effects = () =>
    database
      .prepare("SELECT name FROM effects")
      .all()
      .map(({ name }) => name);
  const rows = () => database.prepare("SELECT count(*) AS n FROM vtryon_webhooks").get().n;
  const work = (name, then) => (tx) => {
    tx.prepare("INSERT INTO effects VALUES (?)").run(name);
    then?.();
    return name;
  };
  const elapse = (ms) => {
    now += ms;
  };
  return {
    database,
    store,
    restarted,
    elapse,
    run,
    refuseDeletes: REFUSE_DELETES,
    effects,
    rows,
    work,
    close: () => database.close(),
  };
}

for (const [name, Driver] of Object.entries(DRIVERS)) {
  contract(name, () => open(Driver));
  contract(name, () => open(Driver), TRANSACTIONS);

  test(`${name}: the tokens rise when the clock goes back`, async () => {
    const { elapse, restarted, close } = open(Driver);
    await risesWhenTheClockGoesBack({ open: restarted, elapse });
    close();
  });

  test(`${name}: two accounts share a table`, async () => {
    const { database, close } = open(Driver);
    await namespacesShareATable((namespace) => new SqliteStore(database, { namespace }));
    const store = new SqliteStore(database, { namespace: "shop-a" });
    assert.equal(store.transaction("t", () => 1).ran, true);
    assert.equal(store.transaction("t", () => 1).ran, false);
    assert.equal(new SqliteStore(database).transaction("t", () => 1).ran, true);
    const keys = database.prepare("SELECT key FROM vtryon_webhooks").all();
    assert.ok(keys.some(({ key }) => key === "default:shop-b:a"));
    assert.ok(keys.some(({ key }) => key === "shop-b:a"));
    close();
  });

  test(`${name}: a work that returns a promise is rolled back`, async () => {
    const { store, work, effects, close } = open(Driver);
    const insert = work("a");
    const failed = async (tx) => {
      insert(tx);
      throw new Error("nobody waits for it");
    };
    for (const late of [async (tx) => insert(tx), failed, (tx) => Promise.resolve(insert(tx))]) {
      assert.throws(() => store.transaction("a", late), {
        code: "invalid_option",
        message: /promise/,
      });
      assert.deepEqual(effects(), []);
    }
    assert.equal(store.transaction("a", insert).ran, true);
    close();
  });

  test(`${name}: a lazy thenable that the work returns is not started`, async () => {
    const { database, store, work, effects, close } = open(Driver);
    // What some query builders return.
    class Lazy {
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then(resolve) {
        resolve(work("a")(database));
      }
    }
    assert.throws(() => store.transaction("a", () => new Lazy()), { code: "invalid_option" });
    await new Promise((rested) => setImmediate(rested));
    assert.deepEqual(effects(), []);
    close();
  });

  test(`${name}: a transaction within a transaction of the caller does not end that one`, () => {
    const { database, store, run, work, effects, close } = open(Driver);
    run("BEGIN; INSERT INTO effects VALUES ('outer')");
    assert.throws(() => store.transaction("a", work("inner")), /within a transaction/);
    run("COMMIT");
    assert.deepEqual(effects(), ["outer"]);
    const nested = () => store.transaction("a", () => store.transaction("b", work("inner")));
    assert.throws(nested, /within a transaction/);
    assert.equal(database.isTransaction ?? database.inTransaction, false);
    close();
  });

  test(`${name}: an error of the database is thrown unchanged, and the next call works`, () => {
    const { database, store, work, effects, close } = open(Driver);
    database.exec("CREATE TABLE parent (id INTEGER PRIMARY KEY); PRAGMA foreign_keys = ON");
    database.exec("CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
    // It fails at the commit, no sooner.
    const orphan = work("a", () => database.exec("INSERT INTO child VALUES (1)"));
    assert.throws(() => store.transaction("a", orphan), /FOREIGN KEY/);
    assert.deepEqual(effects(), []);
    assert.equal(store.transaction("a", work("b")).ran, true);
    close();
    assert.throws(() => store.claim("a", 1000), /open/);
  });
}

test("migrate creates the table of `schema`", () => {
  assert.equal(
    schema("claims"),
    `CREATE TABLE IF NOT EXISTS "claims" (
  key TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  fence BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "claims_expires_at" ON "claims" (expires_at);
`,
  );
  const database = new DatabaseSync(":memory:");
  database.exec(schema("order"));
  assert.equal(new SqliteStore(database, { table: "order" }).claim("a", 1000).state, "claimed");
  database.close();
});

for (const table of [
  "",
  "a b",
  "1a",
  'a"; DROP TABLE b; --',
  "ä",
  "a".repeat(53),
  "a.b.c",
  ".a",
  "a.",
  'a.b"',
  null,
  7,
]) {
  test(`an invalid table name is refused: ${table}`, () => {
    assert.throws(() => schema(table), { code: "invalid_option" });
    assert.throws(() => new SqliteStore(new DatabaseSync(":memory:"), { table }), {
      code: "invalid_option",
    });
  });
}

test("a table name with a schema is refused", () => {
  assert.match(schema("shop.claims"), /TABLE IF NOT EXISTS "shop"\."claims" \(/);
  assert.match(schema("shop.claims"), /"claims_expires_at" ON "shop"\."claims" \(expires_at\)/);
  assert.throws(() => new SqliteStore(new DatabaseSync(":memory:"), { table: "shop.claims" }), {
    code: "invalid_option",
    message: /only PostgreSQL/,
  });
});

for (const namespace of NO_NAMESPACES) {
  test(`an invalid namespace is refused: ${JSON.stringify(namespace)?.slice(0, 20)}`, () => {
    assert.throws(() => new SqliteStore(new DatabaseSync(":memory:"), { namespace }), {
      code: "invalid_option",
      message: /`namespace`/,
    });
  });
}

for (const options of [{ nameSpace: "mail" }, "mail"]) {
  test(`options that are none are refused: ${JSON.stringify(options)}`, () => {
    const refused = { code: "invalid_option" };
    assert.throws(() => new SqliteStore(new DatabaseSync(":memory:"), options), refused);
  });
}

// Options of the drivers with which a store can't work, and with which it can.
const file = (Driver) => {
  const path = join(mkdtempSync(join(tmpdir(), "vtryon-sqlite-")), "a.db");
  const database = new Driver(path);
  new SqliteStore(database).migrate();
  database.close();
  return path;
};
for (const [name, made, message] of [
  [
    "node:sqlite, returnArrays",
    () => new DatabaseSync(":memory:", { returnArrays: true }),
    /`returnArrays`/,
  ],
  [
    "node:sqlite, no bare names",
    () => new DatabaseSync(":memory:", { allowBareNamedParameters: false }),
    /`allowBareNamedParameters`/,
  ],
  [
    "node:sqlite, readOnly",
    () => new DatabaseSync(file(DatabaseSync), { readOnly: true }),
    /`readOnly`/,
  ],
  [
    "better-sqlite3, readonly",
    () => new Database(file(Database), { readonly: true }),
    /`readonly`/,
  ],
  ["node:sqlite, readBigInts", () => new DatabaseSync(":memory:", { readBigInts: true })],
  ["better-sqlite3, safe integers", () => new Database(":memory:").defaultSafeIntegers(true)],
]) {
  test(`the options of a database: ${name}`, async () => {
    const database = made();
    if (message !== undefined) {
      assert.throws(() => new SqliteStore(database), { code: "invalid_option", message });
      return;
    }
    const store = new SqliteStore(database);
    store.migrate();
    await namespacesShareATable((namespace) => new SqliteStore(database, { namespace }));
    assert.equal(typeof store.claim("fence", 1000).fence, "number");
  });
}

test("the probe of a database works while another connection writes or a transaction is open", () => {
  const path = file(DatabaseSync);
  const [database, other] = [0, 0].map((timeout) => new DatabaseSync(path, { timeout }));
  other.exec("BEGIN IMMEDIATE");
  new SqliteStore(database);
  new SqliteStore(other);
  assert.equal(other.isTransaction, true, "the caller's transaction goes on");
  other.exec("COMMIT");
  assert.equal(new SqliteStore(database).claim("a", 1000).state, "claimed");
  for (const opened of [database, other]) opened.close();
});

for (const database of [undefined, null, "file.db", { query() {}, connect() {} }]) {
  test(`no database is refused: ${typeof database}`, () => {
    assert.throws(() => new SqliteStore(database), { code: "invalid_option" });
  });
}

for (const [name, Driver] of Object.entries(DRIVERS)) {
  test(`${name}: another writer that holds the lock too long causes an error, and nothing is claimed`, () => {
    const folder = mkdtempSync(join(tmpdir(), "vtryon-sqlite-"));
    const [database, other] = [0, 0].map(
      (timeout) => new Driver(join(folder, "a.db"), { timeout }),
    );
    const store = new SqliteStore(database);
    store.migrate();
    other.exec("BEGIN IMMEDIATE");
    assert.throws(() => store.claim("a", 1000), /locked/);
    assert.throws(() => store.transaction("a", () => assert.fail("it ran")), /locked/);
    other.exec("COMMIT");
    assert.equal(store.claim("a", 1000).state, "claimed");
    assert.equal(store.transaction("a", () => "done").ran, true);
    for (const opened of [database, other]) opened.close();
    rmSync(folder, { recursive: true });
  });
}

test("of several processes that claim the same keys, one gets each key", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vtryon-sqlite-"));
  const program = new URL("./support/claimant.js", import.meta.url);
  const claimants = Array.from({ length: 4 }, () =>
    fork(program, [join(folder, "claims.db"), 300]),
  );
  const ended = claimants.map((claimant) => once(claimant, "exit"));
  try {
    await Promise.all(claimants.map((claimant) => emitted(claimant, "message")));
    const won = claimants.map((claimant) => emitted(claimant, "message"));
    for (const claimant of claimants) claimant.send("go");
    const keys = (await Promise.all(won)).flatMap(([keys]) => keys);
    assert.deepEqual(
      keys.sort((a, b) => a - b),
      Array.from({ length: 300 }, (_, key) => key),
    );
  } finally {
    for (const claimant of claimants) claimant.kill("SIGKILL");
    await within("the end of the claimants", Promise.all(ended));
    rmSync(folder, { recursive: true });
  }
});
