//! Tombstones: what is left of a pruned task, so that its events stay duplicates. A tombstone is dropped with the last
//! key that signed its events: nothing signed with that key is accepted any more. When the keys change, tasks and
//! quarantined bodies are looked through once, page after page.

use vtryon_webhooks::Digest;

use super::{PAGE, QUARANTINE_PRUNED_TO, floor};
use crate::database::{Bind, Database};
use crate::{Deployment, Result, meta};

/// For which set of keys they were looked through, and how far that has come: in the tasks, and in the bodies that
/// can't be read.
const TOMBS_FOR: &str = "tombstones_for";
const TOMBS_PLACE: &str = "tombstones_place";
const BODIES_PLACE: &str = "tombstones_bodies_place";

/// Whether the row of a task is a tombstone, in SQL: what [`is_id`] says of its id.
macro_rules! is_tombstone {
    () => {
        "(SUBSTR(task_id, 1, 1) = CHAR(1))"
    };
}

pub(crate) use is_tombstone;

/// What the id of a tombstone begins with: no id of a task begins with a control character.
const MARK: char = '\u{1}';

/// Returns the id that a task's row has once the task is pruned.
pub(crate) fn id(task_id: &str) -> String {
    format!("{MARK}{}", Digest::of(task_id.as_bytes()).to_hex())
}

/// Returns whether an id is that of a tombstone.
pub(crate) fn is_id(task_id: &str) -> bool {
    task_id.starts_with(MARK)
}

/// Returns whether they are still to be looked through for the keys that are configured.
pub(crate) fn are_outdated(db: &dyn Database, deployment: &Deployment) -> Result<bool> {
    Ok(meta::get(db, TOMBS_FOR)? != Some(mark(&deployment.fingerprints())))
}

/// Drops those of a page whose keys are configured no more. Returns whether there is more.
pub(crate) fn drop_page(db: &dyn Database, deployment: &Deployment) -> Result<bool> {
    if !are_outdated(db, deployment)? {
        return Ok(false);
    }
    let keys = deployment.fingerprints();
    let tasks = drop_tasks(db, &keys)?;
    let bodies = drop_bodies(db, &keys)?;
    if tasks || bodies {
        return Ok(true);
    }
    meta::set(db, TOMBS_PLACE, 0)?;
    meta::set(db, BODIES_PLACE, 0)?;
    meta::set(db, TOMBS_FOR, mark(&keys))?;
    Ok(false)
}

/// Drops those of a page of tasks, with what is left of their events. Returns whether there is more.
fn drop_tasks(db: &dyn Database, keys: &[String]) -> Result<bool> {
    const PAGE_OF: &str =
        concat!("SELECT no, key, ", is_tombstone!(), " FROM tasks WHERE no > ? ORDER BY no LIMIT ?");
    // The last one stays, for the next task is numbered after it.
    const DROP: &str = "DELETE FROM tasks WHERE no = ? AND no < (SELECT MAX(no) FROM tasks)";
    let place = floor(db, TOMBS_PLACE)?;
    let page =
        db.all(PAGE_OF, &[Bind::Int(place), Bind::Int(PAGE)], |row| (row.int(), row.text(), row.int() == 1))?;
    for (no, key, is_tombstone) in &page {
        if *is_tombstone && !key.split(' ').any(|key| keys.iter().any(|known| known == key)) {
            db.run(DROP, &[Bind::Int(*no)])?;
            forget_named(db, *no)?;
        }
    }
    advance(db, TOMBS_PLACE, page.len(), page.last().map(|(no, ..)| *no))
}

/// Deletes what is left of a task's events that are kept once by their content.
pub(super) fn forget_named(db: &dyn Database, task_no: i64) -> Result<()> {
    db.run("DELETE FROM events WHERE task_no = ? AND digest IS NOT NULL", &[Bind::Int(task_no)])
}

/// Drops those of a page of bodies that can't be read and were pruned. Returns whether there is more.
fn drop_bodies(db: &dyn Database, keys: &[String]) -> Result<bool> {
    const PAGE_OF: &str = "SELECT no, key FROM quarantine WHERE no > ? AND no <= ? ORDER BY no LIMIT ?";
    // The last one stays, for it has the sum of all bytes.
    const DROP: &str = "DELETE FROM quarantine WHERE no = ? AND no < (SELECT MAX(no) FROM quarantine)";
    let (place, pruned_to) = (floor(db, BODIES_PLACE)?, floor(db, QUARANTINE_PRUNED_TO)?);
    let binds = [Bind::Int(place), Bind::Int(pruned_to), Bind::Int(PAGE)];
    let page = db.all(PAGE_OF, &binds, |row| (row.int(), row.text()))?;
    for (no, key) in &page {
        if !keys.contains(key) {
            db.run(DROP, &[Bind::Int(*no)])?;
        }
    }
    advance(db, BODIES_PLACE, page.len(), page.last().map(|(no, _)| *no))
}

/// Notes how far a page has come where it was a whole one; then there may be more.
fn advance(db: &dyn Database, place: &str, found: usize, last: Option<i64>) -> Result<bool> {
    match last {
        Some(last) if found as i64 == PAGE => {
            meta::set(db, place, last)?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Names a set of keys by a number: 48 bits, for what the table holds is exact below 2^53.
fn mark(keys: &[String]) -> i64 {
    let digest = Digest::of(keys.join(" ").as_bytes());
    digest.as_bytes().iter().take(6).fold(0, |mark, byte| mark << 8 | i64::from(*byte))
}
