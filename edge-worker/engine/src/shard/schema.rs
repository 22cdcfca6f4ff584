//! The schema of a shard. ARCHITECTURE.md describes each table, and names the query that each index serves.
//! After the first release a change is a new entry in [`MIGRATIONS`]; an entry once deployed is never edited.

/// Each entry brings the schema from its position to the next version.
pub(crate) const MIGRATIONS: &[&str] = &["
    CREATE TABLE tasks (
        no         INTEGER PRIMARY KEY,
        task_id    TEXT NOT NULL UNIQUE,
        open       INTEGER NOT NULL,
        stage      TEXT,
        seen       INTEGER NOT NULL,
        unknown    TEXT NOT NULL,
        last_seq   INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        key        TEXT NOT NULL,
        result_url TEXT,
        failure    TEXT,
        final_at   INTEGER,
        erased_at  INTEGER
    );
    CREATE INDEX tasks_open ON tasks (no) WHERE open = 1;
    CREATE INDEX tasks_erased ON tasks (last_seq) WHERE erased_at IS NOT NULL;
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
        body        BLOB NOT NULL,
        imported_at INTEGER
    );
    CREATE UNIQUE INDEX events_other ON events (task_no, name, digest) WHERE digest IS NOT NULL;
    CREATE TABLE quarantine (
        no               INTEGER PRIMARY KEY,
        digest           TEXT NOT NULL UNIQUE,
        received_at      INTEGER NOT NULL,
        code             TEXT NOT NULL,
        message          TEXT NOT NULL,
        key              TEXT NOT NULL,
        bytes            INTEGER NOT NULL,
        body             BLOB NOT NULL,
        cumulative_bytes INTEGER NOT NULL,
        imported_at      INTEGER
    );
    CREATE TABLE settings (
        no      INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        doc     TEXT NOT NULL
    );
    CREATE TABLE deliveries (
        no              INTEGER PRIMARY KEY,
        endpoint        INTEGER NOT NULL,
        state           TEXT NOT NULL,
        created_at      INTEGER NOT NULL,
        due_at          INTEGER,
        leased_until    INTEGER,
        scheduled_at    INTEGER NOT NULL,
        first_at        INTEGER,
        failed_attempts INTEGER NOT NULL,
        replay_count    INTEGER NOT NULL,
        replay          TEXT,
        attempts        TEXT NOT NULL,
        ended_at        INTEGER,
        reason          TEXT
    );
    CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX deliveries_dead ON deliveries (no) WHERE state = 'dead';
    CREATE TABLE health (
        endpoint        INTEGER PRIMARY KEY,
        failing_since   INTEGER,
        succeeded_at    INTEGER,
        consecutive_410 INTEGER NOT NULL,
        consecutive_failures INTEGER NOT NULL
    );
    CREATE TABLE conditions (
        kind     TEXT NOT NULL,
        endpoint INTEGER NOT NULL,
        count    INTEGER NOT NULL,
        at       INTEGER NOT NULL,
        PRIMARY KEY (kind, endpoint)
    ) WITHOUT ROWID;
    CREATE TABLE totals (
        no         INTEGER PRIMARY KEY,
        counted_to INTEGER NOT NULL,
        doc        TEXT NOT NULL
    );
    CREATE TABLE replays (
        id        TEXT PRIMARY KEY,
        matched   INTEGER NOT NULL,
        enqueued  INTEGER NOT NULL,
        delivered INTEGER NOT NULL,
        failed    INTEGER NOT NULL,
        next_seq  INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE replay_log (
        seq         INTEGER PRIMARY KEY,
        delivery    INTEGER NOT NULL,
        replayed_at INTEGER NOT NULL
    );
"];
