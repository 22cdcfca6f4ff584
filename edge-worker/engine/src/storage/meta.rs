//! What a database says of itself: the version of its schema, and single numbers by name.

use crate::Result;
use crate::storage::database::{Bind, Database, Row};

const META: &str =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID";

/// Brings the schema up to date: each migration leads from its position to the next version.
pub(crate) fn migrate(db: &dyn Database, migrations: &[&'static str]) -> Result<()> {
    db.run(META, &[])?;
    let version = number(db, "schema")?;
    for (next, migration) in (1_i64..).zip(migrations).skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        db.run(migration, &[])?;
        set(db, "schema", next)?;
    }
    Ok(())
}

/// Returns the number of a name.
pub(crate) fn get(db: &dyn Database, name: &str) -> Result<Option<i64>> {
    db.first("SELECT value FROM meta WHERE name = ?", &[Bind::Text(name)], Row::int)
}

/// Returns the number of a name; 0 until it is set.
pub(crate) fn number(db: &dyn Database, name: &str) -> Result<i64> {
    Ok(get(db, name)?.unwrap_or(0))
}

/// Sets the number of a name.
pub(crate) fn set(db: &dyn Database, name: &str, value: i64) -> Result<()> {
    const PUT: &str = "INSERT INTO meta (name, value) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.run(PUT, &[Bind::Text(name), Bind::Int(value)])
}
