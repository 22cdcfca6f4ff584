//! Tombstones go with the keys that signed their events: nothing can be signed with them any more that would be
//! taken. When the keys change, tasks and bodies are looked through once, page after page.

use vtryon_webhooks::Digest;
use worker::SqlStorage;

use super::{PAGE, QUARANTINE_PRUNED_TO, floor};
use crate::config::Config;
use crate::platform::migrations;
use crate::platform::sql::{self, Bind};

/// For which set of keys they were looked through, and how far that has come: in the tasks, and in the bodies that
/// can't be read.
const TOMBS_FOR: &str = "tombstones_for";
const TOMBS_PLACE: &str = "tombstones_place";
const BODIES_PLACE: &str = "tombstones_bodies_place";

/// Returns whether they are still to be looked through for the keys that are configured.
pub(super) fn are_outdated(sql: &SqlStorage, config: &Config) -> worker::Result<bool> {
    Ok(migrations::meta(sql, TOMBS_FOR)? != Some(mark(&keys(config))))
}

/// Drops those of a page whose keys are configured no more. Returns whether there is more.
pub(super) fn drop_page(sql: &SqlStorage, config: &Config) -> worker::Result<bool> {
    if !are_outdated(sql, config)? {
        return Ok(false);
    }
    let keys = keys(config);
    let tasks = drop_tasks(sql, &keys)?;
    let bodies = drop_bodies(sql, &keys)?;
    if tasks || bodies {
        return Ok(true);
    }
    migrations::set_meta(sql, TOMBS_PLACE, 0)?;
    migrations::set_meta(sql, BODIES_PLACE, 0)?;
    migrations::set_meta(sql, TOMBS_FOR, mark(&keys))?;
    Ok(false)
}

/// Drops those of a page of tasks, with what is left of their events. Returns whether there is more.
fn drop_tasks(sql: &SqlStorage, keys: &[String]) -> worker::Result<bool> {
    const PAGE_OF: &str =
        "SELECT no, key, SUBSTR(task_id, 1, 1) = CHAR(1) FROM tasks WHERE no > ? ORDER BY no LIMIT ?";
    // The last one stays, for the next task is numbered after it.
    const DROP: &str = "DELETE FROM tasks WHERE no = ? AND no < (SELECT MAX(no) FROM tasks)";
    const EVENTS: &str = "DELETE FROM events WHERE task_no = ? AND digest IS NOT NULL";
    let place = floor(sql, TOMBS_PLACE)?;
    let page = sql::all(sql, PAGE_OF, &[Bind::Int(place), Bind::Int(PAGE)], |row| {
        (row.int(), row.text(), row.int() == 1)
    })?;
    for (no, key, is_tombstone) in &page {
        if *is_tombstone && !key.split(' ').any(|key| keys.iter().any(|known| known == key)) {
            sql::run(sql, DROP, &[Bind::Int(*no)])?;
            sql::run(sql, EVENTS, &[Bind::Int(*no)])?;
        }
    }
    advance(sql, TOMBS_PLACE, page.len(), page.last().map(|(no, ..)| *no))
}

/// Drops those of a page of bodies that can't be read and were pruned. Returns whether there is more.
fn drop_bodies(sql: &SqlStorage, keys: &[String]) -> worker::Result<bool> {
    const PAGE_OF: &str = "SELECT no, key FROM quarantine WHERE no > ? AND no <= ? ORDER BY no LIMIT ?";
    // The last one stays, for it has the sum of all bytes.
    const DROP: &str = "DELETE FROM quarantine WHERE no = ? AND no < (SELECT MAX(no) FROM quarantine)";
    let (place, pruned_to) = (floor(sql, BODIES_PLACE)?, floor(sql, QUARANTINE_PRUNED_TO)?);
    let binds = [Bind::Int(place), Bind::Int(pruned_to), Bind::Int(PAGE)];
    let page = sql::all(sql, PAGE_OF, &binds, |row| (row.int(), row.text()))?;
    for (no, key) in &page {
        if !keys.contains(key) {
            sql::run(sql, DROP, &[Bind::Int(*no)])?;
        }
    }
    advance(sql, BODIES_PLACE, page.len(), page.last().map(|(no, _)| *no))
}

/// Notes how far a page has come where it was a whole one; then there may be more.
fn advance(sql: &SqlStorage, place: &str, found: usize, last: Option<i64>) -> worker::Result<bool> {
    match last {
        Some(last) if found as i64 == PAGE => {
            migrations::set_meta(sql, place, last)?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Returns the fingerprints of the configured secrets.
fn keys(config: &Config) -> Vec<String> {
    config.verifier.keys().iter().map(|key| key.fingerprint().to_string()).collect()
}

/// Names a set of keys by a number: 48 bits, for what the table holds is exact below 2^53.
fn mark(keys: &[String]) -> i64 {
    let digest = Digest::of(keys.join(" ").as_bytes());
    digest.as_bytes().iter().take(6).fold(0, |mark, byte| mark << 8 | i64::from(*byte))
}
