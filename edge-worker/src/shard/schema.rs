//! The stored form of a shard. ARCHITECTURE.md says what each table is for, and names the query that
//! each index serves. A change is a new entry in [`MIGRATIONS`]; an entry once deployed is never edited.

use worker::SqlStorage;

use super::sql::{self, Bind, Row};

/// Each entry brings the schema from its position to the next version.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE tasks (
        no         INTEGER PRIMARY KEY,
        task_id    TEXT NOT NULL UNIQUE,
        open       INTEGER NOT NULL,
        stage      TEXT,
        seen       INTEGER NOT NULL,
        unknown    TEXT NOT NULL,
        head       INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        key        TEXT NOT NULL,
        result_url TEXT,
        failure    TEXT,
        final_at   INTEGER
    );
    CREATE INDEX tasks_open ON tasks (no) WHERE open = 1;
    CREATE TABLE events (
        seq         INTEGER PRIMARY KEY,
        task_no     INTEGER NOT NULL,
        previous    INTEGER,
        received_at INTEGER NOT NULL,
        name        TEXT,
        status      TEXT,
        outcome     TEXT NOT NULL,
        key         TEXT NOT NULL,
        digest      TEXT,
        body        BLOB NOT NULL
    );
    CREATE UNIQUE INDEX events_other ON events (task_no, name, digest) WHERE digest IS NOT NULL;
    CREATE TABLE quarantine (
        no          INTEGER PRIMARY KEY,
        digest      TEXT NOT NULL UNIQUE,
        received_at INTEGER NOT NULL,
        code        TEXT NOT NULL,
        message     TEXT NOT NULL,
        key         TEXT NOT NULL,
        bytes       INTEGER NOT NULL,
        body        BLOB NOT NULL,
        held        INTEGER NOT NULL
    );
    CREATE TABLE outbox (
        due_at   INTEGER NOT NULL,
        seq      INTEGER NOT NULL,
        owed     TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        PRIMARY KEY (due_at, seq, owed)
    ) WITHOUT ROWID;
"];

/// What a shard knows of itself: the schema's version, and the topology it was made for.
const META: &str =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID";

/// Brings the stored form up to date.
pub(super) fn migrate(sql: &SqlStorage) -> worker::Result<()> {
    sql::run(sql, META, &[])?;
    let version = meta(sql, "schema")?.unwrap_or(0);
    for (next, migration) in (1_i64..).zip(MIGRATIONS).skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        sql::run(sql, migration, &[])?;
        set_meta(sql, "schema", next)?;
    }
    Ok(())
}

pub(super) fn meta(sql: &SqlStorage, name: &str) -> worker::Result<Option<i64>> {
    sql::first(sql, "SELECT value FROM meta WHERE name = ?", &[Bind::Text(name)], Row::int)
}

pub(super) fn set_meta(sql: &SqlStorage, name: &str, value: i64) -> worker::Result<()> {
    const PUT: &str = "INSERT INTO meta (name, value) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sql::run(sql, PUT, &[Bind::Text(name), Bind::Int(value)])
}
