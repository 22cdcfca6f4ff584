//! The rows of tasks and events, and the statements that read and write them for a decision.

use vtryon_webhooks::Status;
use vtryon_webhooks::lifecycle::{SideEffect, Stage, TaskState};
use worker::SqlStorage;

use super::retention;
use crate::json;
use crate::platform::sql::{self, Bind, Row};
use vtryon_webhooks::Millis;

/// A task as it is stored, as far as a decision needs it.
pub(super) struct Task {
    pub(super) no: i64,
    pub(super) known: TaskState,
    /// The event stored last; each event names the one before it. None where all have been pruned.
    pub(super) last_seq: Option<i64>,
    /// The fingerprints of all secrets that signed its events, between blanks.
    keys: String,
    is_tombstone: bool,
}

impl Task {
    /// Returns the fingerprints with that of one more event.
    pub(super) fn keys_with(&self, key: &str) -> String {
        if self.keys.split(' ').any(|known| known == key) {
            self.keys.clone()
        } else {
            format!("{} {key}", self.keys)
        }
    }
}

/// What an event makes of its task's row.
pub(super) struct Change<'a> {
    pub(super) known: &'a TaskState,
    pub(super) last_seq: i64,
    pub(super) at: Millis,
    /// The fingerprints of the secrets that signed the task's events.
    pub(super) key: &'a str,
    /// How the task ended, with the one event that ends it.
    pub(super) ending: Option<Ending<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) result_url: Option<&'a str>,
    pub(super) failure: Option<&'a str>,
}

/// An event's row. A change of status has no name, any other event no status.
pub(super) struct Event<'a> {
    pub(super) seq: i64,
    pub(super) task_no: i64,
    pub(super) previous: Option<i64>,
    pub(super) received_at: Millis,
    pub(super) name: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    pub(super) outcome: &'static str,
    pub(super) key: &'a str,
    /// The body's digest where the event is kept once by its content.
    pub(super) digest: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// Finds a task, or what is left of it.
pub(super) fn find(sql: &SqlStorage, task_id: &str) -> worker::Result<Option<Task>> {
    const FIND: &str =
        "SELECT no, task_id, stage, seen, unknown, last_seq, key FROM tasks WHERE task_id IN (?, ?)";
    let tombstone = retention::tombstone(task_id);
    sql::first(sql, FIND, &[Bind::Text(task_id), Bind::Text(&tombstone)], |row| {
        let no = row.int();
        let is_tombstone = retention::is_tombstone(&row.text());
        let stage = row.maybe_text().and_then(|name| Stage::of(&Status::from_name(name)));
        let seen = seen(row);
        let unknown = json::read(&row.text()).ok();
        let known = TaskState::restore(stage, seen, row.checked(unknown));
        let last_seq = row.int();
        Task { no, known, last_seq: (!is_tombstone).then_some(last_seq), keys: row.text(), is_tombstone }
    })
}

/// Reads the set of stages seen, as [`TaskState::seen`] gives it.
pub(super) fn seen(row: &mut Row) -> u8 {
    let seen = row.int();
    row.checked(u8::try_from(seen).ok())
}

/// Returns whether a task has this very event already, by a name that the core does not know.
pub(super) fn has_other(sql: &SqlStorage, task_no: i64, name: &str, digest: &str) -> worker::Result<bool> {
    const FIND: &str = "SELECT seq FROM events WHERE task_no = ? AND name = ? AND digest = ?";
    let binds = [Bind::Int(task_no), Bind::Text(name), Bind::Text(digest)];
    Ok(sql::first(sql, FIND, &binds, Row::int)?.is_some())
}

/// Creates a task's row and returns its number.
pub(super) fn create(sql: &SqlStorage, task_id: &str, change: &Change<'_>) -> worker::Result<i64> {
    const CREATE: &str = "INSERT INTO tasks (stage, seen, unknown, last_seq, updated_at, key,
            task_id, open, result_url, failure, final_at, created_at, duplicates)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) RETURNING no";
    let unknown = json::to_string(&change.known.unknown());
    let mut binds = change.binds(&unknown);
    binds.extend([Bind::Text(task_id), Bind::Int(change.ending.is_none().into())]);
    let ending = change.ending.unwrap_or(Ending { result_url: None, failure: None });
    binds.extend(ending.binds());
    binds.extend([Bind::MaybeInt(change.ending.map(|_| change.at.0)), Bind::Int(change.at.0)]);
    let no = sql::first(sql, CREATE, &binds, Row::int)?;
    no.ok_or_else(|| worker::Error::from("an insert returned no row"))
}

/// Restores the id of a pruned task when a new event of it arrives.
pub(super) fn revive(sql: &SqlStorage, task: &Task, task_id: &str) -> worker::Result<()> {
    const REVIVE: &str = "UPDATE tasks SET task_id = ?, open = ? WHERE no = ?";
    if !task.is_tombstone {
        return Ok(());
    }
    let is_open = !task.known.stage().is_some_and(Stage::is_final);
    sql::run(sql, REVIVE, &[Bind::Text(task_id), Bind::Int(is_open.into()), Bind::Int(task.no)])?;
    retention::lower_live_floor(sql, task.no)
}

/// Updates a task's row, with the duplicates counted since the last time.
pub(super) fn update(sql: &SqlStorage, no: i64, duplicates: i64, change: &Change<'_>) -> worker::Result<()> {
    // `open` is named only where it changes: naming it writes the partial index too.
    const UPDATE: &str =
        "UPDATE tasks SET stage = ?, seen = ?, unknown = ?, last_seq = ?, updated_at = ?, key = ?,
            duplicates = duplicates + ?
        WHERE no = ?";
    const FINISH: &str =
        "UPDATE tasks SET stage = ?, seen = ?, unknown = ?, last_seq = ?, updated_at = ?, key = ?,
            duplicates = duplicates + ?, open = 0, result_url = ?, failure = ?, final_at = ?
        WHERE no = ?";
    let unknown = json::to_string(&change.known.unknown());
    let mut binds = change.binds(&unknown);
    binds.push(Bind::Int(duplicates));
    let statement = match change.ending {
        None => UPDATE,
        Some(ending) => {
            binds.extend(ending.binds());
            binds.push(Bind::Int(change.at.0));
            FINISH
        }
    };
    binds.push(Bind::Int(no));
    sql::run(sql, statement, &binds)
}

pub(super) fn append(sql: &SqlStorage, event: &Event<'_>) -> worker::Result<()> {
    const APPEND: &str = "INSERT INTO events
            (seq, task_no, previous, received_at, name, status, outcome, key, digest, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let binds = [
        Bind::Int(event.seq),
        Bind::Int(event.task_no),
        Bind::MaybeInt(event.previous),
        Bind::Int(event.received_at.0),
        Bind::Maybe(event.name),
        Bind::Maybe(event.status),
        Bind::Text(event.outcome),
        Bind::Text(event.key),
        Bind::Maybe(event.digest),
        Bind::Blob(event.body),
    ];
    sql::run(sql, APPEND, &binds)
}

/// Adds a side effect of an event to the outbox.
pub(super) fn enqueue_side_effect(
    sql: &SqlStorage,
    effect: SideEffect,
    seq: i64,
    due_at: Millis,
) -> worker::Result<()> {
    const ENQUEUE: &str = "INSERT INTO outbox (due_at, seq, kind, attempts) VALUES (?, ?, ?, 0)";
    sql::run(sql, ENQUEUE, &[Bind::Int(due_at.0), Bind::Int(seq), Bind::Text(effect.as_str())])
}

impl<'a> Change<'a> {
    fn binds(&self, unknown: &'a str) -> Vec<Bind<'a>> {
        vec![
            Bind::Maybe(self.known.stage().map(Stage::as_str)),
            Bind::Int(self.known.seen().into()),
            Bind::Text(unknown),
            Bind::Int(self.last_seq),
            Bind::Int(self.at.0),
            Bind::Text(self.key),
        ]
    }
}

impl<'a> Ending<'a> {
    const fn binds(self) -> [Bind<'a>; 2] {
        [Bind::Maybe(self.result_url), Bind::Maybe(self.failure)]
    }
}
