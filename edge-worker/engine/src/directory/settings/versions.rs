//! The versions of the settings: the current one, and the one that all shards have confirmed.

use serde::Serialize;

use crate::Result;
use crate::storage::database::Database;
use crate::storage::meta;

/// The version of the settings, and the one that all shards have confirmed.
const VERSION: &str = "version";
const CONFIRMED: &str = "confirmed";

/// How many shards have confirmed a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub applied: u32,
    pub shards: u32,
}

impl Applied {
    pub const fn is_complete(self) -> bool {
        self.applied == self.shards
    }
}

/// Notes which version the shards have confirmed, where all of them have.
pub fn confirm(db: &dyn Database, version: i64, applied: Applied) -> Result<()> {
    if applied.is_complete() && meta::get(db, CONFIRMED)? < Some(version) {
        meta::set(db, CONFIRMED, version)?;
    }
    Ok(())
}

/// Notes that a shard has the settings of this version only: it was restored from an earlier state.
pub fn unconfirm(db: &dyn Database, version: i64) -> Result<()> {
    if meta::get(db, CONFIRMED)? > Some(version) {
        meta::set(db, CONFIRMED, version)?;
    }
    Ok(())
}

/// Makes the current settings the newest, where a shard has newer ones in force: the directory was restored from an earlier
/// state, and shards would ignore what it says. Returns whether that was so.
pub fn overtake(db: &dyn Database, in_force: i64) -> Result<bool> {
    let is_behind = version(db)? < in_force;
    if is_behind {
        meta::set(db, VERSION, in_force + 1)?;
    }
    Ok(is_behind)
}

/// Returns whether a shard has not confirmed the current settings.
pub fn has_unconfirmed(db: &dyn Database) -> Result<bool> {
    Ok(meta::get(db, CONFIRMED)? < meta::get(db, VERSION)?)
}

/// Returns the version of the current settings.
pub fn version(db: &dyn Database) -> Result<i64> {
    meta::number(db, VERSION)
}

/// Makes the settings those of the next version.
pub(super) fn advance(db: &dyn Database) -> Result<()> {
    meta::set(db, VERSION, version(db)? + 1)
}
