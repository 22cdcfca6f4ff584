//! Reads tasks for the API.

use serde::Serialize;
use vtryon_webhooks::Millis;
use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::lifecycle::is_conflicting;

use crate::Result;
use crate::shard::events::duplicates::Duplicates;
use crate::shard::events::rows::seen;
use crate::shard::retention::{erasure, pruning};
use crate::shard::sequence::task_events::with_task_events;
use crate::storage::database::{Bind, Database, Row};
use crate::text::time;

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
    failure: Option<TaskFailure>,
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
pub(crate) struct TaskFailure {
    message: String,
}

impl TaskFailure {
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
    pub(crate) failure: Option<TaskFailure>,
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

/// The condition of tasks that have a status, which may be unknown. A test event makes a task without one, which never
/// ends.
macro_rules! has_status {
    () => {
        "(stage IS NOT NULL OR unknown <> '[]')"
    };
}
pub(crate) use has_status;

/// Selects the columns of [`TaskRow`]: nothing in them is longer than a task's id.
macro_rules! select {
    ($($rest:expr),+ $(,)?) => {
        concat!(
            "SELECT no, task_id, stage, seen, last_seq, created_at, updated_at, duplicates FROM tasks ",
            $($rest),+
        )
    };
}

mod listing;

pub(crate) use self::listing::tasks;

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

/// Returns a task with its timeline; `None` for one that was erased, also while its rows are left.
pub(crate) fn task(db: &dyn Database, duplicates: &Duplicates, task_id: &str) -> Result<Option<TaskView>> {
    if erasure::is_erased(db, task_id)? {
        return Ok(None);
    }
    let Some(task) = task_state(db, duplicates, task_id)? else { return Ok(None) };
    let mut events = timeline(db, task.seq)?;
    let truncated = events.len() > TIMELINE as usize;
    if truncated {
        events.remove(0);
    }
    // The row of a pruned event may remain without its body, to recognise duplicates, and names none before it.
    if let Some(first) = events.first()
        && !pruning::is_there(db, Some(first.seq))?
    {
        events.remove(0);
    }
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
    let (result_url, failure) = match find_result(db, task_id)? {
        Some(result) => (result.result_url, result.failure),
        None => (None, None),
    };
    Ok(Some(TaskView { result_url, failure, ..TaskView::of(row, duplicates) }))
}

/// Returns the final result of a task, where it has one; `None` for one that was erased, also while its rows are left.
pub(crate) fn result(db: &dyn Database, task_id: &str) -> Result<Option<TaskResult>> {
    if erasure::is_erased(db, task_id)? { Ok(None) } else { find_result(db, task_id) }
}

fn find_result(db: &dyn Database, task_id: &str) -> Result<Option<TaskResult>> {
    const FIND: &str = "SELECT task_id, stage, result_url, failure, final_at FROM tasks
        WHERE open = 0 AND final_at IS NOT NULL AND task_id = ?";
    db.first(FIND, &[Bind::Text(task_id)], TaskResult::read)
}

/// Reads a timeline from its last event back to its first; returns it in ascending order.
fn timeline(db: &dyn Database, last_seq: i64) -> Result<Vec<EventView>> {
    const FOLLOW: &str = with_task_events!(
        "?",
        "?",
        "SELECT seq, name, status, outcome, received_at, key FROM task_events ORDER BY seq"
    );
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
            duplicates: row.duplicates + duplicates.count_of(row.no),
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
            failure: row.maybe_text().map(TaskFailure::new),
            completed_at: time::rfc3339(Millis(row.int())),
        }
    }
}
