//! Tombstones: what is left of a pruned task, so that its events stay duplicates. A tombstone is dropped with the last
//! key that signed its events: nothing signed with that key is accepted any more. When the keys change, or the erasure of
//! a task was imported, tasks and quarantined bodies are looked through once, page after page.

use vtryon_webhooks::Digest;

use super::held;
use crate::shard::sequence::floors;
use crate::shard::tombstone_ids;
use crate::storage::database::{Bind, Database, Row};
use crate::storage::meta;
use crate::{Context, Deployment, Result};

/// How many tasks, and how many bodies, one run looks at.
const ROWS_PER_RUN: i64 = 1000;

/// For which set of keys they were looked through, for which one they are, and how far that has come: in the tasks, and in
/// the bodies that can't be read.
const TOMBS_FOR: &str = "tombstones_for";
const SCANNED_FOR: &str = "tombstones_scanned_for";
const TOMBS_PLACE: &str = "tombstones_place";
const BODIES_PLACE: &str = "tombstones_bodies_place";

/// Whether all of them are looked through once more when they have been.
const AGAIN: &str = "tombstones_again";

/// Returns whether they are still to be looked through for the keys that are configured.
pub(crate) fn are_outdated(db: &dyn Database, deployment: &Deployment) -> Result<bool> {
    Ok(meta::get(db, TOMBS_FOR)? != Some(key_set_id(&deployment.fingerprints())))
}

/// Has all of them looked through, from the first one on: once more where that is in the middle, for if it began anew with
/// each erasure that is imported, it might never come to the end.
pub(crate) fn scan_again(db: &dyn Database) -> Result<()> {
    meta::set(db, TOMBS_FOR, 0)?;
    if meta::number(db, TOMBS_PLACE)? == 0 { Ok(()) } else { meta::set(db, AGAIN, 1) }
}

/// Begins with the first one where the keys have changed in the middle: those before the place were looked through for
/// others.
fn begin_scan(db: &dyn Database, keys: i64) -> Result<()> {
    if meta::get(db, SCANNED_FOR)? == Some(keys) {
        return Ok(());
    }
    db.transaction(|| {
        meta::set(db, TOMBS_PLACE, 0)?;
        meta::set(db, BODIES_PLACE, 0)?;
        meta::set(db, SCANNED_FOR, keys)
    })
}

/// The row of a task, or a tombstone.
struct ScannedTask {
    no: i64,
    id: String,
    key: String,
}

/// A page of tasks, some of which may be tombstones.
pub(crate) struct ScannedPage(Vec<ScannedTask>);

impl ScannedPage {
    /// Reads the next page; none where they have been looked through.
    pub(crate) fn next(context: &Context<'_>) -> Result<Option<Self>> {
        const PAGE_OF: &str = "SELECT no, task_id, key FROM tasks WHERE no > ? ORDER BY no LIMIT ?";
        let Context { db, deployment, .. } = *context;
        if !are_outdated(db, deployment)? {
            return Ok(None);
        }
        begin_scan(db, key_set_id(&deployment.fingerprints()))?;
        let binds = [Bind::Int(meta::number(db, TOMBS_PLACE)?), Bind::Int(deployment.page(ROWS_PER_RUN))];
        let read = |row: &mut Row| ScannedTask { no: row.int(), id: row.text(), key: row.text() };
        Ok(Some(Self(db.all(PAGE_OF, &binds, read)?)))
    }

    /// Returns the ids of the tasks that are no tombstones.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|task| task.id.as_str()).filter(|id| !tombstone_ids::is_id(id))
    }

    /// Drops those whose keys are configured no more, and as many bodies that can't be read. Returns whether there is more.
    pub(crate) fn drop_outdated(&self, context: &Context<'_>) -> Result<bool> {
        let Context { db, deployment, .. } = *context;
        let (keys, rows) = (deployment.fingerprints(), deployment.page(ROWS_PER_RUN));
        db.transaction(|| {
            let tasks = drop_tasks(db, &keys, &self.0, rows)?;
            let bodies = drop_bodies(db, &keys, rows)?;
            if tasks || bodies {
                return Ok(true);
            }
            meta::set(db, TOMBS_PLACE, 0)?;
            meta::set(db, BODIES_PLACE, 0)?;
            if meta::number(db, AGAIN)? == 1 {
                meta::set(db, AGAIN, 0)?;
                return Ok(true);
            }
            meta::set(db, TOMBS_FOR, key_set_id(&keys))?;
            Ok(false)
        })
    }
}

/// Drops those of a page of tasks, with what is left of their events. Returns whether there is more.
fn drop_tasks(db: &dyn Database, keys: &[String], page: &[ScannedTask], rows: i64) -> Result<bool> {
    for ScannedTask { no, key, .. } in page.iter().filter(|task| tombstone_ids::is_id(&task.id)) {
        drop_task(db, keys, *no, key)?;
    }
    advance(db, TOMBS_PLACE, page.last().filter(|_| page.len() as i64 == rows).map(|task| task.no))
}

/// Drops the tombstone of a task, and what is left of its events, unless one of its keys is among those that are configured.
pub(super) fn drop_task(db: &dyn Database, configured: &[String], no: i64, keys: &str) -> Result<()> {
    // The last one stays, for the next task is numbered after it.
    const DROP: &str = "DELETE FROM tasks WHERE no = ? AND no < (SELECT MAX(no) FROM tasks)";
    if keys.split(' ').any(|key| configured.iter().any(|known| known == key)) {
        return Ok(());
    }
    db.run(DROP, &[Bind::Int(no)])?;
    forget_other_events(db, no)
}

/// Deletes what is left of a task's events that are kept once by their content.
pub(super) fn forget_other_events(db: &dyn Database, task_no: i64) -> Result<()> {
    db.run("DELETE FROM events WHERE task_no = ? AND digest IS NOT NULL", &[Bind::Int(task_no)])
}

/// Drops those of a page of bodies that can't be read and were pruned; one that a delivery holds stays. Returns whether
/// there is more.
fn drop_bodies(db: &dyn Database, keys: &[String], rows: i64) -> Result<bool> {
    const PAGE_OF: &str = "SELECT no, key FROM quarantine WHERE no > ? AND no <= ? ORDER BY no LIMIT ?";
    let (place, pruned_to) = (meta::number(db, BODIES_PLACE)?, floors::pruned(db)?);
    let binds = [Bind::Int(place), Bind::Int(pruned_to), Bind::Int(rows)];
    let page = db.all(PAGE_OF, &binds, |row| (row.int(), row.text()))?;
    for (no, key) in &page {
        if !held::is_body_held(db, *no)? {
            drop_body(db, keys, *no, key)?;
        }
    }
    advance(db, BODIES_PLACE, page.last().filter(|_| page.len() as i64 == rows).map(|(no, _)| *no))
}

/// Drops a body that was pruned, unless its key is among those that are configured.
pub(super) fn drop_body(db: &dyn Database, configured: &[String], no: i64, key: &str) -> Result<()> {
    // The last one stays, for it has the sum of all bytes.
    const DROP: &str = "DELETE FROM quarantine WHERE no = ? AND no < (SELECT MAX(no) FROM quarantine)";
    if configured.iter().any(|known| known == key) { Ok(()) } else { db.run(DROP, &[Bind::Int(no)]) }
}

/// Notes how far a page has come that was a whole one: then there may be more.
fn advance(db: &dyn Database, place: &str, last: Option<i64>) -> Result<bool> {
    last.map_or(Ok(()), |last| meta::set(db, place, last))?;
    Ok(last.is_some())
}

/// Names a set of keys by a number: 48 bits, for what the table holds is exact below 2^53.
fn key_set_id(keys: &[String]) -> i64 {
    let digest = Digest::of(keys.join(" ").as_bytes());
    digest.as_bytes().iter().take(6).fold(0, |id, byte| id << 8 | i64::from(*byte))
}
