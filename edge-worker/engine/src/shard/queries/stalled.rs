//! Looks for tasks that have stalled, for alerts.

use vtryon_webhooks::Millis;

use crate::Result;
use crate::database::{Bind, Database, Row};

/// How long a task that has not ended may be without an event, and for how long it is of interest then, in seconds: one
/// that never ends is told of once.
const STALLED_AFTER: i64 = 3600;
const RECENT: i64 = 24 * 3600;

/// How many unfinished tasks are looked at, from the latest on.
const MANY: i64 = 10_000;

/// Returns whether a task has stalled in the last day.
pub(crate) fn has_stalled(db: &dyn Database, now: Millis) -> Result<bool> {
    // A test event makes a task without a status, which never ends.
    const STALLED: &str = "SELECT 1 FROM (
            SELECT updated_at, stage, unknown FROM tasks INDEXED BY tasks_open
            WHERE open = 1 ORDER BY no DESC LIMIT ?3
        ) WHERE updated_at > ?1 AND updated_at <= ?2 AND (stage IS NOT NULL OR unknown <> '[]') LIMIT 1";
    let until = now.plus_seconds(-STALLED_AFTER);
    let binds = [Bind::Int(until.plus_seconds(-RECENT).0), Bind::Int(until.0), Bind::Int(MANY)];
    Ok(db.first(STALLED, &binds, Row::int)?.is_some())
}
