//! The rows of tasks and events that a decision reads and writes.

use vtryon_webhooks::lifecycle::{Stage, TaskState};
use vtryon_webhooks::{Millis, Status};

use crate::protocol::Content;
use crate::shard::sequence::floors;
use crate::shard::tombstone_ids;
use crate::storage::database::{Bind, Database, Row};
use crate::text::json;
use crate::{Error, Result};

/// A task as it is stored, as far as a decision needs it.
pub(crate) struct StoredTask {
    pub(crate) no: i64,
    pub(crate) state: TaskState,
    /// The event stored last; each event names the one before it. None where all have been pruned.
    pub(crate) last_seq: Option<i64>,
    /// When it was erased: then nothing of it is stored any more.
    pub(crate) erased_at: Option<Millis>,
    /// The fingerprints of all secrets that signed its events, between blanks.
    keys: String,
    pub(crate) is_tombstone: bool,
}

impl StoredTask {
    /// Returns the fingerprints with that of one more event.
    pub(crate) fn keys_with(&self, key: &str) -> String {
        if self.keys.split(' ').any(|known| known == key) {
            self.keys.clone()
        } else {
            format!("{} {key}", self.keys)
        }
    }
}

/// What an event makes of its task's row.
pub(crate) struct TaskUpdate<'a> {
    pub(crate) state: &'a TaskState,
    pub(crate) last_seq: i64,
    pub(crate) at: Millis,
    /// The fingerprints of the secrets that signed the task's events.
    pub(crate) key: &'a str,
    /// How the task ended, with the one event that ends it.
    pub(crate) ending: Option<Ending<'a>>,
}

/// How a task ended.
#[derive(Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub(crate) result_url: Option<&'a str>,
    pub(crate) failure: Option<&'a str>,
}

/// A row of an event. A change of status has no name, any other event no status.
pub(crate) struct EventRow<'a> {
    pub(crate) seq: i64,
    pub(crate) task_no: i64,
    pub(crate) previous: Option<i64>,
    pub(crate) received_at: Millis,
    pub(crate) name: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) outcome: &'static str,
    pub(crate) key: &'a str,
    /// The body's digest where the event is kept once by its content.
    pub(crate) digest: Option<&'a str>,
    pub(crate) body: &'a [u8],
    /// When it was imported from another deployment; none where Vtryon has posted it here.
    pub(crate) imported_at: Option<Millis>,
}

/// Finds a task, or what is left of it. Where its erasure was imported and its rows are not deleted yet, that is the
/// tombstone, whose id comes before all others.
pub(crate) fn find(db: &dyn Database, task_id: &str) -> Result<Option<StoredTask>> {
    find_either(db, &tombstone_ids::id(task_id), task_id)
}

/// Finds the row with a task's id, or the tombstone with that of one.
pub(crate) fn find_row(db: &dyn Database, id: &str) -> Result<Option<StoredTask>> {
    find_either(db, id, id)
}

fn find_either(db: &dyn Database, id: &str, other: &str) -> Result<Option<StoredTask>> {
    const FIND: &str = "SELECT no, task_id, stage, seen, unknown, last_seq, erased_at, key FROM tasks
        WHERE task_id IN (?, ?) ORDER BY task_id LIMIT 1";
    db.first(FIND, &[Bind::Text(id), Bind::Text(other)], |row| {
        let no = row.int();
        let is_tombstone = tombstone_ids::is_id(&row.text());
        let stage = row.maybe_text().and_then(|name| Stage::of(&Status::from_name(name)));
        let seen = seen(row);
        let unknown = json::read(&row.text()).ok();
        let state = TaskState::restore(stage, seen, row.checked(unknown));
        let last_seq = Some(row.int()).filter(|_| !is_tombstone);
        let erased_at = row.maybe_int().map(Millis);
        StoredTask { no, state, last_seq, erased_at, keys: row.text(), is_tombstone }
    })
}

/// Reads the set of stages seen, as [`TaskState::seen`] gives it.
pub(crate) fn seen(row: &mut Row) -> u8 {
    let seen = row.int();
    row.checked(u8::try_from(seen).ok())
}

/// Returns whether a task has this very event already, by a name that the core does not know.
pub(crate) fn has_other_event(db: &dyn Database, task_no: i64, name: &str, digest: &str) -> Result<bool> {
    const FIND: &str = "SELECT seq FROM events WHERE task_no = ? AND name = ? AND digest = ?";
    let binds = [Bind::Int(task_no), Bind::Text(name), Bind::Text(digest)];
    Ok(db.first(FIND, &binds, Row::int)?.is_some())
}

/// Creates a task's row and returns its number.
pub(crate) fn create(db: &dyn Database, task_id: &str, update: &TaskUpdate<'_>) -> Result<i64> {
    const CREATE: &str = "INSERT INTO tasks (stage, seen, unknown, last_seq, updated_at, key,
            task_id, open, result_url, failure, final_at, created_at, duplicates)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) RETURNING no";
    let unknown = json::to_string(&update.state.unknown());
    let mut binds = update.binds(&unknown);
    binds.extend([Bind::Text(task_id), Bind::Int(update.ending.is_none().into())]);
    let ending = update.ending.unwrap_or(Ending { result_url: None, failure: None });
    binds.extend(ending.binds());
    binds.extend([Bind::MaybeInt(update.ending.map(|_| update.at.0)), Bind::Int(update.at.0)]);
    let no = db.first(CREATE, &binds, Row::int)?;
    no.ok_or_else(|| Error::from("an insert returned no row"))
}

/// Restores the id of a pruned task when a new event of it arrives.
pub(crate) fn revive(db: &dyn Database, task: &StoredTask, task_id: &str) -> Result<()> {
    const REVIVE: &str = "UPDATE tasks SET task_id = ?, open = ? WHERE no = ?";
    if !task.is_tombstone {
        return Ok(());
    }
    let is_open = !task.state.stage().is_some_and(Stage::is_final);
    db.run(REVIVE, &[Bind::Text(task_id), Bind::Int(is_open.into()), Bind::Int(task.no)])?;
    floors::lower_live_tasks(db, task.no)
}

/// Notes that another secret has signed an event of a task, where that is new: its tombstone stays as long as one of them
/// is configured.
pub(crate) fn add_key(db: &dyn Database, task: &StoredTask, key: &str) -> Result<()> {
    add_keys(db, task, &[key.to_owned()])
}

/// Notes the same of several secrets.
pub(crate) fn add_keys(db: &dyn Database, task: &StoredTask, keys: &[String]) -> Result<()> {
    let known = |key: &&String| !task.keys.split(' ').any(|known| known == *key);
    let keys = keys.iter().filter(known).fold(task.keys.clone(), |keys, key| format!("{keys} {key}"));
    if keys == task.keys {
        return Ok(());
    }
    db.run("UPDATE tasks SET key = ? WHERE no = ?", &[Bind::Text(&keys), Bind::Int(task.no)])
}

/// Updates a task's row, with the duplicates counted since the last time.
pub(crate) fn update(db: &dyn Database, no: i64, duplicates: i64, update: &TaskUpdate<'_>) -> Result<()> {
    // An event that is imported may be older than the last one. `open` is named only where it changes: naming it writes
    // the partial index too.
    const UPDATE: &str =
        "UPDATE tasks SET stage = ?, seen = ?, unknown = ?, last_seq = ?, updated_at = MAX(updated_at, ?), key = ?,
            duplicates = duplicates + ?
        WHERE no = ?";
    const FINISH: &str =
        "UPDATE tasks SET stage = ?, seen = ?, unknown = ?, last_seq = ?, updated_at = MAX(updated_at, ?), key = ?,
            duplicates = duplicates + ?, open = 0, result_url = ?, failure = ?, final_at = ?
        WHERE no = ?";
    let unknown = json::to_string(&update.state.unknown());
    let mut binds = update.binds(&unknown);
    binds.push(Bind::Int(duplicates));
    let statement = match update.ending {
        None => UPDATE,
        Some(ending) => {
            binds.extend(ending.binds());
            binds.push(Bind::Int(update.at.0));
            FINISH
        }
    };
    binds.push(Bind::Int(no));
    db.run(statement, &binds)
}

pub(crate) fn append(db: &dyn Database, event: &EventRow<'_>) -> Result<()> {
    const APPEND: &str = "INSERT INTO events
            (seq, task_no, previous, received_at, name, status, outcome, key, digest, body, imported_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
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
        Bind::MaybeInt(event.imported_at.map(|at| at.0)),
    ];
    db.run(APPEND, &binds)
}

impl<'a> TaskUpdate<'a> {
    fn binds(&self, unknown: &'a str) -> Vec<Bind<'a>> {
        vec![
            Bind::Maybe(self.state.stage().map(Stage::as_str)),
            Bind::Int(self.state.seen().into()),
            Bind::Text(unknown),
            Bind::Int(self.last_seq),
            Bind::Int(self.at.0),
            Bind::Text(self.key),
        ]
    }
}

impl<'a> Ending<'a> {
    /// Returns how a task ends with an event.
    pub(crate) fn of(content: &'a Content) -> Self {
        match content {
            Content::Status { result_url, failure, .. } => {
                Self { result_url: result_url.as_deref(), failure: failure.as_deref() }
            }
            Content::Other { .. } | Content::Unreadable { .. } => Self { result_url: None, failure: None },
        }
    }

    const fn binds(self) -> [Bind<'a>; 2] {
        [Bind::Maybe(self.result_url), Bind::Maybe(self.failure)]
    }
}
