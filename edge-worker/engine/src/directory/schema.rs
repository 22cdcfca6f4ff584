//! The schema of the directory. After the first release a change is a new entry in [`MIGRATIONS`]; an entry once deployed
//! is never edited.

/// Each entry brings the schema from its position to the next version.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE endpoints (
        no         INTEGER PRIMARY KEY,
        doc        TEXT NOT NULL,
        deleted_at INTEGER
    );
    CREATE TABLE replays (
        id         TEXT PRIMARY KEY,
        key        TEXT UNIQUE,
        request    TEXT NOT NULL,
        doc        TEXT NOT NULL,
        created_at INTEGER NOT NULL
    );
    CREATE TABLE rejections (
        code            TEXT NOT NULL,
        path            TEXT NOT NULL,
        count           INTEGER NOT NULL,
        first_at        INTEGER NOT NULL,
        last_at         INTEGER NOT NULL,
        first_sample    TEXT,
        first_sample_at INTEGER,
        first_evidence  INTEGER,
        last_sample     TEXT,
        PRIMARY KEY (code, path)
    ) WITHOUT ROWID;
    CREATE TABLE alerts (
        cause    TEXT NOT NULL,
        endpoint INTEGER NOT NULL,
        doc      TEXT NOT NULL,
        PRIMARY KEY (cause, endpoint)
    ) WITHOUT ROWID;
    CREATE TABLE alert_messages (
        no  INTEGER PRIMARY KEY,
        doc TEXT NOT NULL
    );
    CREATE TABLE secrets (
        fingerprint   TEXT PRIMARY KEY,
        sealed        BLOB NOT NULL,
        first_seen_at INTEGER NOT NULL,
        seen_at       INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE tokens (
        id           TEXT PRIMARY KEY,
        digest       TEXT NOT NULL,
        name         TEXT NOT NULL,
        scope        TEXT NOT NULL,
        created_at   INTEGER NOT NULL,
        expires_at   INTEGER,
        last_used_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        no     INTEGER PRIMARY KEY,
        at     INTEGER NOT NULL,
        target TEXT NOT NULL,
        doc    TEXT NOT NULL
    );
"];
