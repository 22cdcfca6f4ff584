// The stored form is pinned: after the first release a change means writing a migration.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { event, Gateway, sign, until } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
});
after(() => gateway.stop());

/** Opens the one shard's database while nobody writes to it. */
async function query(work, { readOnly = true } = {}) {
  await gateway.halt();
  const [{ file }] = await gateway.stored();
  const database = new DatabaseSync(file, { readOnly });
  try {
    return work(database);
  } finally {
    database.close();
    await gateway.restart();
  }
}

/** Every table and index as it was created, blanks aside. */
const SCHEMA = [
  "CREATE TABLE conditions ( kind TEXT NOT NULL, endpoint INTEGER NOT NULL, count INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, endpoint) ) WITHOUT ROWID",
  "CREATE TABLE deliveries ( no INTEGER PRIMARY KEY, endpoint INTEGER NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER, leased_until INTEGER, scheduled_at INTEGER NOT NULL, first_at INTEGER, failed_attempts INTEGER NOT NULL, replay_count INTEGER NOT NULL, replay TEXT, attempts TEXT NOT NULL, ended_at INTEGER, reason TEXT )",
  "CREATE INDEX deliveries_dead ON deliveries (no) WHERE state = 'dead'",
  "CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE due_at IS NOT NULL",
  "CREATE TABLE events ( seq INTEGER PRIMARY KEY, task_no INTEGER NOT NULL, previous INTEGER, received_at INTEGER NOT NULL, name TEXT, status TEXT, outcome TEXT NOT NULL, key TEXT NOT NULL, digest TEXT, body BLOB NOT NULL, imported_at INTEGER )",
  "CREATE UNIQUE INDEX events_other ON events (task_no, name, digest) WHERE digest IS NOT NULL",
  "CREATE TABLE health ( endpoint INTEGER PRIMARY KEY, failing_since INTEGER, succeeded_at INTEGER, consecutive_410 INTEGER NOT NULL, consecutive_failures INTEGER NOT NULL )",
  "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE TABLE quarantine ( no INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, received_at INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, key TEXT NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL, cumulative_bytes INTEGER NOT NULL, imported_at INTEGER )",
  "CREATE TABLE replay_log ( seq INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, replayed_at INTEGER NOT NULL )",
  "CREATE TABLE replays ( id TEXT PRIMARY KEY, matched INTEGER NOT NULL, enqueued INTEGER NOT NULL, delivered INTEGER NOT NULL, failed INTEGER NOT NULL, next_seq INTEGER ) WITHOUT ROWID",
  "CREATE TABLE settings ( no INTEGER PRIMARY KEY, version INTEGER NOT NULL, doc TEXT NOT NULL )",
  "CREATE TABLE tasks ( no INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, open INTEGER NOT NULL, stage TEXT, seen INTEGER NOT NULL, unknown TEXT NOT NULL, last_seq INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, duplicates INTEGER NOT NULL, key TEXT NOT NULL, result_url TEXT, failure TEXT, final_at INTEGER, erased_at INTEGER )",
  "CREATE INDEX tasks_erased ON tasks (last_seq) WHERE erased_at IS NOT NULL",
  "CREATE INDEX tasks_open ON tasks (no) WHERE open = 1",
  "CREATE TABLE totals ( no INTEGER PRIMARY KEY, counted_to INTEGER NOT NULL, doc TEXT NOT NULL )",
];

const count = (database, table) =>
  database.prepare(`SELECT COUNT(*) AS rows FROM ${table}`).get().rows;

const digest = (body) => createHash("sha256").update(body).digest("hex");

const COMPLETED = event("task_1", "completed", {
  data: { result_url: "https://cdn.example/4k.png" },
});
const OTHER = JSON.stringify({ event: "generation.rated", task_id: "task_1" });

test("tables, columns and rows", async () => {
  for (const body of [
    event("task_1", "queued"),
    event("task_1", "paused"),
    COMPLETED,
    COMPLETED,
    OTHER,
    "not json",
  ]) {
    assert.equal((await gateway.post(body)).status, 200);
  }
  await query((database) => {
    const all = (sql) =>
      database
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }));
    const created = all(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name",
    );
    assert.deepEqual(
      created.map(({ sql }) => sql.replace(/\s+/g, " ")),
      SCHEMA,
    );
    assert.deepEqual(all("SELECT * FROM meta ORDER BY name"), [
      { name: "schema", value: 1 },
      { name: "shard", value: 0 },
      { name: "shards", value: 1 },
    ]);

    const [task] = all("SELECT * FROM tasks");
    const { created_at, updated_at, final_at, ...rest } = task;
    assert.ok(created_at <= final_at && final_at <= updated_at && created_at > 1.7e12);
    assert.deepEqual(rest, {
      no: 1,
      task_id: "task_1",
      open: 0,
      stage: "completed",
      seen: 5,
      unknown: '["paused"]',
      last_seq: 4,
      duplicates: 1,
      key: "fe911055",
      result_url: "https://cdn.example/4k.png",
      failure: null,
      erased_at: null,
    });

    const events = all("SELECT * FROM events").map(({ received_at, body, ...row }) => ({
      ...row,
      body: Buffer.from(body).toString(),
    }));
    const row = (seq, previous, more) => ({
      seq,
      task_no: 1,
      previous,
      name: null,
      status: null,
      key: "fe911055",
      digest: null,
      imported_at: null,
      ...more,
    });
    assert.deepEqual(events, [
      row(1, null, { status: "queued", outcome: "applied", body: event("task_1", "queued") }),
      row(2, 1, { status: "paused", outcome: "unknown", body: event("task_1", "paused") }),
      row(3, 2, { status: "completed", outcome: "applied", body: COMPLETED }),
      row(4, 3, {
        name: "generation.rated",
        outcome: "unknown",
        body: OTHER,
        digest: digest(OTHER),
      }),
    ]);
    const [{ received_at, body, ...quarantined }] = all("SELECT * FROM quarantine");
    assert.equal(Buffer.from(body).toString(), "not json");
    assert.deepEqual(quarantined, {
      no: 5,
      digest: digest("not json"),
      code: "invalid_json",
      message: "the body is not JSON at byte 1",
      key: "fe911055",
      bytes: 8,
      cumulative_bytes: 8,
      imported_at: null,
    });
  });
});

test("duplicates write no row", async () => {
  const bodies = [
    event("task_1", "queued"),
    event("task_1", "paused"),
    COMPLETED,
    OTHER,
    "not json",
  ];
  // The first after a start may bring the stored form up to date. That a body can't be read is reported in a moment.
  assert.equal((await gateway.post(bodies[0])).status, 200);
  await until(async () => {
    const { alerts } = (await gateway.api("/api/alerts")).body;
    return alerts.length > 0 && query((database) => count(database, "conditions") === 0);
  });
  assert.equal((await gateway.post(bodies[0])).status, 200);
  const before = await gateway.stored();
  for (let round = 0; round < 3; round++) {
    for (const body of bodies) assert.equal((await gateway.post(body)).status, 200);
    assert.equal(
      (await gateway.post(`${bodies[0]} `, { signature: sign(`${bodies[0]} `) })).status,
      200,
    );
  }
  assert.deepEqual(await gateway.stored(), before);
});

test("an object of an unknown version gets the missing parts of its schema, once", async () => {
  await query(
    (database) => {
      for (const table of ["conditions", "deliveries", "events", "health"])
        database.exec(`DROP TABLE ${table}`);
      for (const table of ["quarantine", "replay_log", "replays", "settings", "tasks", "totals"])
        database.exec(`DROP TABLE ${table}`);
      database.exec("DELETE FROM meta WHERE name = 'schema'");
    },
    { readOnly: false },
  );
  const { body } = await gateway.api("/api/quarantine");
  assert.deepEqual(body.quarantine, []);
  for (const sent of [event("task_1", "queued"), event("task_1", "paused"), COMPLETED, OTHER]) {
    assert.equal((await gateway.post(sent)).status, 200);
  }
  assert.equal((await gateway.post("not json")).status, 200);
  await query((database) => {
    assert.deepEqual(
      { ...database.prepare("SELECT no, cumulative_bytes FROM quarantine").get() },
      { no: 5, cumulative_bytes: 8 },
    );
    assert.equal(database.prepare("SELECT value FROM meta WHERE name = 'schema'").get().value, 1);
  });
});
