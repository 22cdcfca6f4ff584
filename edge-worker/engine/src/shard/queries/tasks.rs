//! Reads tasks for the API.

use serde::Serialize;
use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::lifecycle::{Stage, is_conflicting};
use vtryon_webhooks::{Millis, Status};

use crate::database::{self, Bind, Database, Row};
use crate::protocol::{Page, PageItem};
use crate::shard::events::duplicates::Duplicates;
use crate::shard::events::rows::seen;
use crate::shard::events::walk::walk;
use crate::shard::retention::tombstones::is_tombstone;
use crate::shard::retention::{self, LIVE_FROM, PRUNED_TO};
use crate::{Result, time};

/// How many tasks a filtered listing looks at for one page, so that a rare status costs no full scan.
const WINDOW: i64 = 1000;

/// How many events of a task are shown. Statuses alone make 20 at most; events by other names have no bound.
const TIMELINE: i64 = 100;

/// A task, as the API shows it. In a listing it has neither result nor events: they may be long.
#[derive(Serialize)]
pub(crate) struct TaskView {
    task_id: String,
    /// The current status; null as long as only unknown statuses were received.
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// Whether both `completed` and `failed` were received; the first one counts.
    conflict: bool,
    created_at: String,
    updated_at: String,
    /// The number of its last event.
    seq: i64,
    /// Repeats; those since the last change live in memory, and a restart forgets them.
    duplicates: i64,
    /// The timeline, or its latest part: `truncated` tells which.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<EventView>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

#[derive(Serialize)]
pub(crate) struct Failure {
    message: String,
}

impl Failure {
    pub(crate) const fn new(message: String) -> Self {
        Self { message }
    }
}

/// One entry of a task's timeline.
#[derive(Serialize)]
struct EventView {
    seq: i64,
    event: String,
    status: Option<String>,
    outcome: String,
    received_at: String,
    /// The fingerprint of the secret that signed it.
    key: String,
}

/// The final result of a task, immutable once it exists.
#[derive(Serialize)]
pub(crate) struct TaskResult {
    pub(crate) task_id: String,
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    completed_at: String,
}

/// A task's row, as far as it is shown.
struct TaskRow {
    no: i64,
    task_id: String,
    stage: Option<String>,
    seen: u8,
    last_seq: i64,
    created_at: i64,
    updated_at: i64,
    duplicates: i64,
}

/// Selects the columns of [`TaskRow`]: nothing in them is longer than a task's id.
macro_rules! select {
    ($($rest:expr),+ $(,)?) => {
        concat!(
            "SELECT no, task_id, stage, seen, last_seq, created_at, updated_at, duplicates FROM tasks ",
            $($rest),+
        )
    };
}

impl TaskRow {
    fn read(row: &mut Row) -> Self {
        Self {
            no: row.int(),
            task_id: row.text(),
            stage: row.maybe_text(),
            seen: seen(row),
            last_seq: row.int(),
            created_at: row.int(),
            updated_at: row.int(),
            duplicates: row.int(),
        }
    }
}

/// Returns a task with its timeline.
pub(crate) fn task(db: &dyn Database, duplicates: &Duplicates, task_id: &str) -> Result<Option<TaskView>> {
    let Some(task) = task_state(db, duplicates, task_id)? else { return Ok(None) };
    let mut events = timeline(db, task.seq)?;
    let truncated = events.len() > TIMELINE as usize;
    if truncated {
        events.remove(0);
    }
    // The row of a pruned event may remain without its body, to recognise duplicates.
    let pruned_to = retention::floor(db, PRUNED_TO)?;
    events.retain(|event| event.seq > pruned_to);
    Ok(Some(TaskView { events: Some(events), truncated, ..task }))
}

/// Returns the state of a task, without its timeline.
pub(crate) fn task_state(
    db: &dyn Database,
    duplicates: &Duplicates,
    task_id: &str,
) -> Result<Option<TaskView>> {
    const FIND: &str = select!("WHERE task_id = ?");
    let Some(row) = db.first(FIND, &[Bind::Text(task_id)], TaskRow::read)? else {
        return Ok(None);
    };
    let (result_url, failure) = match result(db, task_id)? {
        Some(result) => (result.result_url, result.failure),
        None => (None, None),
    };
    Ok(Some(TaskView { result_url, failure, ..TaskView::of(row, duplicates) }))
}

/// Returns the final result of a task, where it has one.
pub(crate) fn result(db: &dyn Database, task_id: &str) -> Result<Option<TaskResult>> {
    const FIND: &str = "SELECT task_id, stage, result_url, failure, final_at FROM tasks
        WHERE open = 0 AND task_id = ?";
    db.first(FIND, &[Bind::Text(task_id)], TaskResult::read)
}

/// Lists tasks, the latest first; with a status, only those in that status.
pub(crate) fn tasks(
    db: &dyn Database,
    duplicates: &Duplicates,
    before: Option<i64>,
    status: Option<&str>,
    stalled: Option<Millis>,
    limit: u32,
) -> Result<Page> {
    const ALL: &str =
        select!("WHERE no < ? AND no >= ? AND NOT ", is_tombstone!(), " ORDER BY no DESC LIMIT ?");
    const OPEN: &str = select!(
        "INDEXED BY tasks_open WHERE open = 1 AND no < ?1 AND (?2 IS NULL OR stage = ?2)
        AND (?3 IS NULL OR (updated_at <= ?3 AND (stage IS NOT NULL OR unknown <> '[]')))
        ORDER BY no DESC LIMIT ?4"
    );
    const FINAL: &str = select!(
        "WHERE no < ? AND no >= ? AND stage = ? AND NOT ",
        is_tombstone!(),
        " ORDER BY no DESC LIMIT ?"
    );
    let limited = Bind::Int(limit.into());
    let live_from = retention::floor(db, LIVE_FROM)?.max(1);
    let stage = status.and_then(|name| Stage::of(&Status::from_name(name)));
    let (rows, floor) = match stage {
        None if stalled.is_none() => {
            (db.all(ALL, &[database::before(before), Bind::Int(live_from), limited], TaskRow::read)?, 1)
        }
        Some(stage) if stage.is_final() => {
            let top = before.map_or_else(|| next_task(db), Ok)?;
            let floor = (top - WINDOW).max(live_from);
            let binds = [Bind::Int(top), Bind::Int(floor), Bind::Text(stage.as_str()), limited];
            let floor = if floor > live_from { floor } else { 1 };
            (db.all(FINAL, &binds, TaskRow::read)?, floor)
        }
        stage => {
            let binds = [
                database::before(before),
                Bind::Maybe(stage.map(Stage::as_str)),
                Bind::MaybeInt(stalled.map(|at| at.0)),
                limited,
            ];
            (db.all(OPEN, &binds, TaskRow::read)?, 1)
        }
    };
    let is_full = rows.len() >= limit as usize;
    let items = rows
        .into_iter()
        .map(|row| PageItem::new(row.no, Millis(row.created_at), &TaskView::of(row, duplicates)));
    let page = Page::new(items.collect(), !is_full);
    // Where the window had too few, the next page begins below it.
    Ok(Page { next: page.next.or((!is_full && floor > 1).then_some(floor)), ..page })
}

/// Returns the number that the next task will have.
fn next_task(db: &dyn Database) -> Result<i64> {
    const LAST: &str = "SELECT COALESCE(MAX(no), 0) FROM tasks";
    Ok(db.first(LAST, &[], Row::int)?.unwrap_or(0) + 1)
}

/// Reads a timeline from its last event back to its first; returns it in ascending order.
fn timeline(db: &dyn Database, last_seq: i64) -> Result<Vec<EventView>> {
    const FOLLOW: &str =
        walk!("?", "?", "SELECT seq, name, status, outcome, received_at, key FROM line ORDER BY seq");
    db.all(FOLLOW, &[Bind::Int(last_seq), Bind::Int(TIMELINE + 1)], |row| EventView {
        seq: row.int(),
        event: row.maybe_text().unwrap_or_else(|| STATUS_CHANGED.to_owned()),
        status: row.maybe_text(),
        outcome: row.text(),
        received_at: time::rfc3339(Millis(row.int())),
        key: row.text(),
    })
}

impl TaskView {
    fn of(row: TaskRow, duplicates: &Duplicates) -> Self {
        Self {
            conflict: is_conflicting(row.seen),
            task_id: row.task_id,
            status: row.stage,
            result_url: None,
            failure: None,
            created_at: time::rfc3339(Millis(row.created_at)),
            updated_at: time::rfc3339(Millis(row.updated_at)),
            seq: row.last_seq,
            duplicates: row.duplicates + duplicates.of(row.no),
            events: None,
            truncated: false,
        }
    }
}

impl TaskResult {
    fn read(row: &mut Row) -> Self {
        Self {
            task_id: row.text(),
            status: row.maybe_text(),
            result_url: row.maybe_text(),
            failure: row.maybe_text().map(Failure::new),
            completed_at: time::rfc3339(Millis(row.int())),
        }
    }
}
