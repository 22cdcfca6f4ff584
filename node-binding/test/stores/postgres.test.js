// The store in PostgreSQL, against a real server: the contract with either clock, and transactions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { PostgresStore } from "vtryon-webhooks/stores";
import { within } from "../../../tests/support/wait.js";
import {
  claimed,
  contract,
  LEASE,
  NO_NAMESPACES,
  namespacesShareATable,
  risesWhenTheClockGoesBack,
  TTL,
} from "./support/contract.js";
import { skip, startPostgres } from "./support/postgres-server.js";
import { TRANSACTIONS } from "./support/transactions.js";

const START = Date.UTC(2026, 6, 1);
const KEY = "status:completed:task_123";

const REFUSE_DELETES = `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'quoted'; END $$;
  CREATE TRIGGER refuse BEFORE DELETE ON vtryon_webhooks EXECUTE FUNCTION refuse()`;

let server;

/** Opens an empty database, with the server's clock unless there is another. */
async function open(now) {
  const pool = new pg.Pool({ ...server.connection, max: 8 });
  await pool.query(
    "DROP TABLE IF EXISTS vtryon_webhooks, effects; CREATE TABLE effects (name TEXT)",
  );
  const restarted = () => new PostgresStore(pool, { now });
  const store = restarted();
  await store.migrate();
  const run = (sql) => pool.query(sql);
  const effects = async () => (await run("SELECT name FROM effects")).rows.map(({ name }) => name);
  const rows = async () =>
    Number((await run("SELECT count(*) FROM vtryon_webhooks")).rows[0].count);
  const work = (name, then) => async (tx) => {
    await tx.query("INSERT INTO effects VALUES ($1)", [name]);
    await then?.(tx);
    return name;
  };
  const refuseDeletes = REFUSE_DELETES;
  return {
    pool,
    store,
    restarted,
    run,
    refuseDeletes,
    effects,
    rows,
    work,
    close: () => pool.end(),
  };
}

/** With a clock of the test's. */
async function openAt() {
  let now = START;
  const elapse = (ms) => {
    now += ms;
  };
  return { ...(await open(() => now)), elapse };
}

/** With the server's clock: the end of every claim moves closer instead. */
async function openNow() {
  const opened = await open();
  const elapse = (ms) => opened.run(`UPDATE vtryon_webhooks SET expires_at = expires_at - ${ms}`);
  return { ...opened, elapse };
}

if (skip) {
  test("the store in PostgreSQL", { skip });
} else {
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  contract("postgres, with a clock", openAt);
  contract("postgres, with a clock", openAt, TRANSACTIONS);
  contract("postgres", openNow);
  test("postgres: the tokens rise when the clock goes back", async () => {
    const { restarted, elapse, close } = await openAt();
    await risesWhenTheClockGoesBack({ open: restarted, elapse });
    await close();
  });
  test("postgres: two accounts share a table", async () => {
    const { pool, run, close } = await open();
    await namespacesShareATable((namespace) => new PostgresStore(pool, { namespace }));
    const { rows } = await run("SELECT key FROM vtryon_webhooks");
    assert.ok(rows.some(({ key }) => key === "shop-b:a"));
    await close();
  });
  test("postgres: a role that may not delete", async (t) => {
    const { run, close } = await open();
    await run(`CREATE ROLE clerk LOGIN;
      GRANT SELECT, INSERT, UPDATE ON vtryon_webhooks TO clerk`);
    const warn = t.mock.method(console, "warn", () => {});
    const pool = new pg.Pool({ ...server.connection, user: "clerk" });
    const store = new PostgresStore(pool);
    await assert.rejects(store.migrate(), { code: "42501" });
    await store.commit("a", await claimed(store, "a"), TTL);
    assert.match(warn.mock.calls[0].arguments[0], /\(42501\)/);
    assert.equal((await store.claim("a", LEASE)).state, "done");
    await pool.end();
    await close();
  });
  test("postgres: an error without a code while rows are removed", async (t) => {
    const { pool, close } = await open();
    const warn = t.mock.method(console, "warn", () => {});
    const store = new PostgresStore({
      connect: () => pool.connect(),
      query: (sql, values) =>
        sql.includes("DELETE") ? Promise.reject(new Error("private")) : pool.query(sql, values),
    });
    await claimed(store, "a");
    assert.match(warn.mock.calls[0].arguments[0], /\(no code\)/);
    await close();
  });
  test("postgres: a table in a schema", async () => {
    const { pool, run, close } = await open();
    await run("DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop");
    const store = new PostgresStore(pool, { table: "shop.Order" });
    for (let times = 0; times < 2; times += 1) await store.migrate();
    await store.commit("a", await claimed(store, "a"), TTL);
    assert.deepEqual(
      [(await store.transaction("a", () => 1)).ran, (await store.transaction("a", () => 1)).ran],
      [true, false],
    );
    const { rows } = await run(`SELECT key FROM shop."Order" ORDER BY key`);
    assert.deepEqual(
      rows.map(({ key }) => key),
      ["default:a", "transaction/default:a"],
    );
    const index = await run(
      "SELECT schemaname FROM pg_indexes WHERE indexname = 'Order_expires_at'",
    );
    assert.deepEqual(index.rows, [{ schemaname: "shop" }]);
    assert.equal((await run("SELECT count(*) FROM vtryon_webhooks")).rows[0].count, "0");
    await close();
  });
  contract("postgres", open, [
    {
      name: "the server's clock",
      why: "milliseconds, from which the tokens start",
      async run({ store, run }) {
        const now = "SELECT extract(epoch FROM now()) * 1000 AS ms";
        const before = Number((await run(now)).rows[0].ms);
        const fence = await claimed(store);
        const after = Number((await run(now)).rows[0].ms);
        assert.ok(
          fence >= before - 1 && fence <= after + 1,
          `${fence} between ${before} and ${after}`,
        );
      },
    },
    {
      name: "an expired row that another transaction has locked",
      why: "pruning leaves it: a claimed event that waits for it misses its deadline",
      async run({ store, pool, run, rows }) {
        await run("INSERT INTO vtryon_webhooks VALUES ('a', 'done', 1, 1)");
        const other = await pool.connect();
        await other.query("BEGIN");
        await other.query(
          "UPDATE vtryon_webhooks SET state = 'leased', expires_at = 9e15, fence = 9e12",
        );
        const pruning = store.claim("b", LEASE).then(({ state }) => state);
        const state = await Promise.race([pruning, setTimeout(5000, "waits")]);
        await other.query("COMMIT");
        other.release();
        assert.equal(state, "claimed");
        assert.equal(await rows(), 2);
      },
    },
    {
      name: "many transactions of one key at once",
      why: "all but one wait for it, and find the key done",
      async run({ store, work, effects }) {
        const all = Array.from({ length: 20 }, () => store.transaction(KEY, work("a")));
        const ran = (await Promise.all(all)).filter((outcome) => outcome.ran);
        assert.equal(ran.length, 1);
        assert.deepEqual(await effects(), ["a"]);
      },
    },
    {
      name: "many processes that migrate at once",
      why: "CREATE TABLE IF NOT EXISTS alone fails for one of two",
      async run({ store, run }) {
        for (let round = 0; round < 5; round += 1) {
          await run("DROP TABLE vtryon_webhooks");
          await Promise.all(Array.from({ length: 8 }, () => store.migrate()));
        }
        await claimed(store);
      },
    },
    {
      name: "a failed statement that the work says nothing of",
      why: "PostgreSQL answers COMMIT with a rollback then, and no error",
      async run({ store, work, effects }) {
        const quiet = work("a", (tx) => tx.query("SELECT 1 / 0").catch(() => {}));
        await assert.rejects(store.transaction(KEY, quiet), { code: "unavailable" });
        assert.deepEqual(await effects(), []);
        assert.equal((await store.transaction(KEY, work("b"))).ran, true);
      },
    },
    {
      name: "a work that ends the transaction itself, and throws nothing",
      why: "PostgreSQL answers a COMMIT outside of any transaction with COMMIT and a warning",
      async run({ store, work, effects }) {
        for (const [key, statements, left] of [
          ["rolled back", ["ROLLBACK"], []],
          ["a transaction of its own that failed", ["BEGIN", "SELECT 1 / 0", "ROLLBACK"], []],
          ["rolled back, and begun anew", ["ROLLBACK", "BEGIN"], []],
          ["committed", ["COMMIT"], ["a"]],
          ["committed, and begun anew", ["COMMIT", "BEGIN"], ["a", "a"]],
        ]) {
          const ending = work("a", async (tx) => {
            for (const sql of statements) await tx.query(sql).catch(() => {});
          });
          await assert.rejects(store.transaction(key, ending), { code: "unavailable" }, key);
          assert.deepEqual(await effects(), left, key);
          // What it has committed itself stays, and the mark with it.
          assert.equal((await store.transaction(key, () => 1)).ran, left.length === 0, key);
        }
      },
    },
    {
      name: "a work with a savepoint of its own",
      why: "what it rolls back to that is no failure of the transaction",
      async run({ store, work, effects }) {
        const saving = work("a", async (tx) => {
          await tx.query("SAVEPOINT own");
          await tx.query("SELECT 1 / 0").catch(() => {});
          await tx.query("ROLLBACK TO own");
        });
        assert.deepEqual(await store.transaction(KEY, saving), { ran: true, value: "a" });
        assert.deepEqual(await effects(), ["a"]);
      },
    },
    {
      name: "a constraint that fails at the commit",
      why: "its error is thrown unchanged, and nothing is done",
      async run({ store, run, work, effects }) {
        await run(
          "ALTER TABLE effects ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED; INSERT INTO effects VALUES ('a')",
        );
        await assert.rejects(store.transaction(KEY, work("a")), { code: "23505" });
        assert.deepEqual(await effects(), ["a"]);
        assert.equal((await store.transaction(KEY, work("b"))).ran, true);
      },
    },
    {
      name: "a connection that breaks within a transaction",
      why: "the process lives on, nothing is done, and the pool makes a new one",
      async run({ store, run, work, effects }) {
        const breaking = work("a", async (tx) => {
          const { rows } = await tx.query("SELECT pg_backend_pid() AS pid");
          const broken = new Promise((resolve) => tx.once("end", resolve));
          await run(`SELECT pg_terminate_backend(${rows[0].pid})`);
          await within("the end of the connection", broken);
        });
        await assert.rejects(store.transaction(KEY, breaking));
        assert.deepEqual(await effects(), []);
        assert.equal((await store.transaction(KEY, work("b"))).ran, true);
      },
    },
    {
      name: "no connection is kept",
      why: "a pool has few",
      async run({ store, pool, work }) {
        for (let count = 0; count < 20; count += 1) {
          await store.transaction(`${count % 10}`, work("a"));
          const failing = work("a", () => Promise.reject(new Error("out of paper")));
          await assert.rejects(store.transaction("b", failing), /out of paper/);
          assert.equal((await store.claim("b", LEASE)).state, count === 0 ? "claimed" : "busy");
        }
        assert.equal(pool.idleCount, pool.totalCount);
      },
    },
  ]);
}

for (const namespace of NO_NAMESPACES) {
  test(`an invalid namespace is refused: ${JSON.stringify(namespace)?.slice(0, 20)}`, () => {
    const pool = { query() {}, connect() {} };
    assert.throws(() => new PostgresStore(pool, { namespace }), { code: "invalid_option" });
  });
}

for (const pool of [undefined, null, {}, "postgres://127.0.0.1"]) {
  test(`no pool is refused: ${typeof pool}`, () => {
    assert.throws(() => new PostgresStore(pool), { code: "invalid_option" });
  });
}
