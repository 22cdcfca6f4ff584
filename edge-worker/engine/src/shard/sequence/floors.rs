//! The floors of a shard: up to which number everything is deleted that no delivery holds, and from which task on there
//! are others than tombstones. Each is a number in `meta`, and 0 until something was deleted. Tasks have an end too.

use crate::Result;
use crate::shard::tombstone_ids::is_tombstone;
use crate::storage::database::{Bind, Database, Row};
use crate::storage::meta;

const PRUNED_TO: &str = "pruned_to";
const LIVE_FROM: &str = "live_from";
const ERASED_TO: &str = "erased_to";

/// How many tasks one statement looks at for one that is no tombstone: an old task may be the first, with all tombstones of
/// the shard after it.
pub(crate) const TASKS_PER_SCAN: i64 = 10_000;

/// Returns the last number that was pruned: up to it all events, and all bodies that can't be read, are deleted that no
/// delivery holds.
pub(crate) fn pruned(db: &dyn Database) -> Result<i64> {
    meta::number(db, PRUNED_TO)
}

pub(crate) fn set_pruned(db: &dyn Database, last: i64) -> Result<()> {
    meta::set(db, PRUNED_TO, last)
}

/// Returns the number of the last erasure, above those of all events that were erased: nothing else gets any of them.
pub(crate) fn erasures(db: &dyn Database) -> Result<i64> {
    meta::number(db, ERASED_TO)
}

pub(crate) fn set_erasures(db: &dyn Database, last: i64) -> Result<()> {
    meta::set(db, ERASED_TO, last)
}

/// Returns a task that no task comes before but tombstones: no listing looks at those.
pub(crate) fn live_tasks(db: &dyn Database) -> Result<i64> {
    meta::number(db, LIVE_FROM)
}

/// Notes which task is the first that is no tombstone, as far as it is found among the next ones. What is left is found when
/// something is deleted again.
pub(crate) fn raise_live_tasks(db: &dyn Database) -> Result<()> {
    const FIRST: &str = concat!(
        "SELECT no FROM (SELECT no, task_id FROM tasks WHERE no >= ? ORDER BY no LIMIT ?) WHERE NOT ",
        is_tombstone!(),
        " LIMIT 1"
    );
    const AFTER: &str = "SELECT no FROM tasks WHERE no >= ? ORDER BY no LIMIT 1 OFFSET ?";
    let known = live_tasks(db)?;
    let binds = [Bind::Int(known), Bind::Int(TASKS_PER_SCAN)];
    let found = match db.first(FIRST, &binds, Row::int)? {
        None => db.first(AFTER, &binds, Row::int)?,
        found => found,
    };
    let first = match found {
        None => last_task(db)? + 1,
        Some(first) => first,
    };
    if first > known { meta::set(db, LIVE_FROM, first) } else { Ok(()) }
}

/// Lists a pruned task again.
pub(crate) fn lower_live_tasks(db: &dyn Database, task_no: i64) -> Result<()> {
    if live_tasks(db)? > task_no {
        meta::set(db, LIVE_FROM, task_no)?;
    }
    Ok(())
}

/// Returns the number of the task that was created last; 0 where none was.
pub(crate) fn last_task(db: &dyn Database) -> Result<i64> {
    const LAST: &str = "SELECT COALESCE(MAX(no), 0) FROM tasks";
    Ok(db.first(LAST, &[], Row::int)?.unwrap_or(0))
}
