//! Looks for what alerts tell of and only time brings: tasks that have stalled, and storage that is nearly full.

use vtryon_webhooks::Millis;

use crate::protocol::SweepFindings;
use crate::shard::queries::tasks::has_status;
use crate::storage::database::{Bind, Database, Row};
use crate::{Context, Result};

/// How long a task that has not ended may be without an event, and for how long it is of interest then, in seconds: one
/// that never ends is told of once.
const STALLED_AFTER: i64 = 3600;
const RECENT: i64 = 24 * 3600;

/// How many unfinished tasks are looked at, from the latest on.
const OPEN_TASKS_LOOKED_AT: i64 = 10_000;

/// Returns what the sweep finds in a shard that has the settings of a version.
pub(crate) fn sweep(context: &Context<'_>, settings_version: i64) -> Result<SweepFindings> {
    let Context { db, now, deployment } = *context;
    let storage_percent = db.size_bytes()?.saturating_mul(100) / deployment.max_object_bytes.max(1);
    Ok(SweepFindings {
        has_stalled: has_stalled(db, now)?,
        storage_percent,
        settings_version: Some(settings_version),
    })
}

/// Returns whether a task has stalled in the last day.
fn has_stalled(db: &dyn Database, now: Millis) -> Result<bool> {
    const STALLED: &str = concat!(
        "SELECT 1 FROM (
            SELECT updated_at, stage, unknown FROM tasks INDEXED BY tasks_open
            WHERE open = 1 ORDER BY no DESC LIMIT ?3
        ) WHERE updated_at > ?1 AND updated_at <= ?2 AND ",
        has_status!(),
        " LIMIT 1"
    );
    let until = now.plus_seconds(-STALLED_AFTER);
    let binds =
        [Bind::Int(until.plus_seconds(-RECENT).0), Bind::Int(until.0), Bind::Int(OPEN_TASKS_LOOKED_AT)];
    Ok(db.first(STALLED, &binds, Row::int)?.is_some())
}
