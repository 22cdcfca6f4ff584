//! What has to be stored: every event that was acknowledged and is not pruned or erased, every replay, and every task.

use std::collections::BTreeMap;

use vtryon_gateway_engine::storage::database::{Bind, Value};
use vtryon_webhooks::{Digest, Millis};

use crate::model::log::Entry;
use crate::model::oracle::{Ending, KnownTask, rank};
use crate::platform::database::{integer, text};
use crate::violation::ensure;
use crate::world::World;

/// Notes which tasks have become tombstones with their last event.
pub fn note_pruned(world: &mut World, shard: usize) {
    const LEFT: &str = "SELECT COUNT(*) FROM tasks WHERE task_id = ?";
    let object = &mut world.shards[shard];
    for (task_id, task) in object.oracle.tasks.iter_mut().filter(|(_, task)| !task.is_pruned) {
        let is_due = task.seqs.last().is_some_and(|seq| *seq <= object.log.pruned_to);
        if is_due && object.db.integer(LEFT, &[Bind::Text(task_id)]) == 0 {
            (task.is_pruned, task.ending) = (true, None);
        }
    }
}

/// Compares all that is stored with what was acknowledged.
pub fn of_stored(world: &World, shard: usize) {
    of_events(world, shard);
    of_replays(world, shard);
    let rows = tasks(world, shard);
    for (task_id, task) in &world.shards[shard].oracle.tasks {
        of_task(world, &rows, task_id, task);
    }
}

/// Compares the events that are stored with those that were acknowledged.
fn of_events(world: &World, shard: usize) {
    const EVENTS: &str =
        "SELECT e.seq, COALESCE(t.task_id, ''), COALESCE(e.status, ''), e.outcome, e.received_at, e.body
            FROM events e LEFT JOIN tasks t ON t.no = e.task_no
        UNION ALL SELECT no, '', '', 'quarantined', received_at, body FROM quarantine";
    let object = &world.shards[shard];
    let rows = object.db.rows(EVENTS, &[]);
    let rows: BTreeMap<i64, &[Value]> = rows.iter().map(|row| (integer(&row[0]), &row[1..])).collect();
    let is_event = |entry: &Entry| entry.delivery.is_none() && !entry.is_erasure();
    let has_erased = |task_id: &String| object.oracle.has_erased(task_id);
    // Of a task whose erasure was imported, some rows may be left.
    let is_erased = |entry: &Entry| entry.is_erased || entry.task_id.as_ref().is_some_and(has_erased);
    let entries = object.log.entries.iter().filter(|(_, entry)| is_event(entry));
    for (seq, entry) in entries.filter(|(seq, entry)| !is_erased(entry) && !object.log.is_pruned(**seq)) {
        let task_id = entry.task_id.clone().unwrap_or_default();
        let expected = [
            Value::Text(task_id),
            Value::Text(entry.status.clone().unwrap_or_default()),
            Value::Text(entry.outcome.clone()),
            Value::Int(entry.received_at.0),
            Value::Blob(entry.body.clone()),
        ];
        let stored = rows.get(seq).copied();
        ensure!(
            stored == Some(&expected[..]),
            "every acknowledged event is stored",
            "{seq} of shard {shard}: {stored:?} instead of {expected:?}"
        );
    }
}

fn of_replays(world: &World, shard: usize) {
    const REPLAYS: &str = "SELECT seq, delivery FROM replay_log";
    let object = &world.shards[shard];
    let rows = object.db.rows(REPLAYS, &[]);
    let rows: BTreeMap<i64, i64> = rows.iter().map(|row| (integer(&row[0]), integer(&row[1]))).collect();
    for (seq, entry) in object.log.entries.range(object.log.pruned_to + 1..) {
        let is_stored = rows.get(seq) == entry.delivery.as_ref();
        ensure!(is_stored, "every replay is stored", "{seq} of shard {shard}: {:?}", entry.delivery);
    }
}

/// A task as it is stored.
#[derive(Debug, PartialEq)]
struct TaskRow {
    stage: String,
    is_open: bool,
    is_erased: bool,
    ending: Option<Ending>,
}

fn tasks(world: &World, shard: usize) -> BTreeMap<String, TaskRow> {
    const TASKS: &str =
        "SELECT task_id, COALESCE(stage, ''), open, erased_at IS NOT NULL, result_url, failure, final_at
        FROM tasks";
    let read = |row: &Vec<Value>| {
        let maybe = |value: &Value| Some(text(value).to_owned()).filter(|text| !text.is_empty());
        let ending = Some(Millis(integer(&row[6]))).filter(|at| at.0 > 0);
        TaskRow {
            stage: text(&row[1]).to_owned(),
            is_open: integer(&row[2]) == 1,
            is_erased: integer(&row[3]) == 1,
            ending: ending.map(|at| Ending { result_url: maybe(&row[4]), failure: maybe(&row[5]), at }),
        }
    };
    let rows = world.shards[shard].db.rows(TASKS, &[]);
    rows.iter().map(|row| (text(&row[0]).to_owned(), read(row))).collect()
}

fn of_task(world: &World, rows: &BTreeMap<String, TaskRow>, task_id: &str, task: &KnownTask) {
    let tombstone = format!("\u{1}{}", Digest::of(task_id.as_bytes()).to_hex());
    let is_live = !task.is_erased && !task.is_pruned;
    let stored = rows.get(if is_live { task_id } else { &tombstone });
    let Some(stored) = stored else {
        // A tombstone goes with the last secret that has signed one of its events.
        let configured = world.deployment.fingerprints();
        let is_dropped = !is_live && !task.keys.iter().any(|key| configured.contains(key));
        ensure!(is_dropped, "what is known of a task stays", "{task_id}");
        return;
    };
    if task.is_erased {
        ensure!(stored.is_erased, "what is confirmed to be erased is erased", "{task_id}");
        return;
    }
    let stage = task.status.clone().unwrap_or_default();
    let is_final = rank(&stage) == Some(2);
    let is_open = is_live && !is_final;
    let expected = TaskRow { stage, is_open, is_erased: false, ending: task.ending.clone() };
    ensure!(
        *stored == expected,
        "the first final status stays, with its result",
        "{task_id} is {stored:?}, not {expected:?}"
    );
}
