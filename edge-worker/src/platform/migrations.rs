//! What an object knows of its own stored form: the version that it is at, and single numbers by name.

use worker::SqlStorage;

use crate::platform::sql::{self, Bind, Row};

const META: &str =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID";

/// Brings the stored form up to date: each migration leads from its position to the next version.
pub(crate) fn migrate(sql: &SqlStorage, migrations: &[&'static str]) -> worker::Result<()> {
    sql::run(sql, META, &[])?;
    let version = meta(sql, "schema")?.unwrap_or(0);
    for (next, migration) in (1_i64..).zip(migrations).skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        sql::run(sql, migration, &[])?;
        set_meta(sql, "schema", next)?;
    }
    Ok(())
}

pub(crate) fn meta(sql: &SqlStorage, name: &str) -> worker::Result<Option<i64>> {
    sql::first(sql, "SELECT value FROM meta WHERE name = ?", &[Bind::Text(name)], Row::int)
}

pub(crate) fn set_meta(sql: &SqlStorage, name: &str, value: i64) -> worker::Result<()> {
    const PUT: &str = "INSERT INTO meta (name, value) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sql::run(sql, PUT, &[Bind::Text(name), Bind::Int(value)])
}
