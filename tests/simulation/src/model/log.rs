//! What a shard has stored, in the order of its numbers: read from its tables after each decision.

use std::collections::{BTreeMap, BTreeSet};

use vtryon_gateway_engine::protocol::delivery::{endpoint_of, seq_of};
use vtryon_gateway_engine::storage::database::{Bind, Value};
use vtryon_webhooks::Millis;
use vtryon_webhooks::event::STATUS_CHANGED;

use crate::platform::database::{integer, text};
use crate::violation::ensure;
use crate::world::World;

/// An entry: an event, an alert, a body that can't be read, a replay, or the erasure of a task.
#[derive(Clone)]
pub struct Entry {
    pub task_id: Option<String>,
    /// The name of the event; that of a change of status, where its row has none.
    pub name: String,
    pub status: Option<String>,
    pub outcome: String,
    /// What was received: none of a replay and an erasure.
    pub body: Vec<u8>,
    /// The delivery that is replayed.
    pub delivery: Option<i64>,
    pub received_at: Millis,
    /// When it was stored: of what was imported, later than it was received.
    pub stored_at: Millis,
    /// Whether it is an alert, or the replay of one: streams leave it out.
    pub is_alert: bool,
    /// Whether its task was erased; of an erasure, whether its tombstone was dropped.
    pub is_erased: bool,
}

impl Entry {
    pub fn is_applied(&self) -> bool {
        self.outcome == "applied"
    }

    /// Returns what it has in common with its duplicates.
    pub fn identity(&self, seq: i64) -> String {
        let Self { task_id, name, status, body, .. } = self;
        match (task_id, status) {
            (Some(task_id), Some(status)) => format!("{task_id} {status}"),
            (Some(task_id), None) => format!("{task_id} {name} {body:?}"),
            (None, _) if self.is_alert => format!("alert {seq}"),
            (None, _) => format!("{body:?}"),
        }
    }

    /// Returns whether it is the erasure of a task.
    pub fn is_erasure(&self) -> bool {
        self.outcome == "erased"
    }
}

#[derive(Default)]
pub struct Log {
    pub last: i64,
    pub entries: BTreeMap<i64, Entry>,
    /// Up to which number events and unreadable bodies were pruned.
    pub pruned_to: i64,
    /// The tasks that were erased at any time.
    pub erased: BTreeSet<String>,
    /// How many events there were, by name and outcome, as metrics name them.
    pub totals: BTreeMap<(String, String), i64>,
}

impl Log {
    /// Returns the numbers of a stream after one, of the whole shard or of a task.
    pub fn after(&self, seq: i64, task_id: Option<&str>) -> impl DoubleEndedIterator<Item = i64> {
        self.entries
            .range(seq + 1..)
            .filter(move |(_, entry)| {
                !entry.is_alert
                    && !entry.is_erased
                    && (task_id.is_none() || entry.task_id.as_deref() == task_id)
            })
            .map(|(seq, _)| *seq)
    }

    /// Notes what was received under a number.
    pub fn note_body(&mut self, seq: i64, body: &[u8]) {
        if let Some(entry) = self.entries.get_mut(&seq) {
            entry.body = body.to_vec();
        }
    }

    /// Notes that a task was erased.
    pub fn erase(&mut self, task_id: &str) {
        self.erased.insert(task_id.to_owned());
        let is_of_task = |entry: &&mut Entry| entry.task_id.as_deref() == Some(task_id);
        self.entries.values_mut().filter(is_of_task).for_each(|entry| entry.is_erased = true);
    }

    /// Returns whether the entry of a number, or the event of a replay, was pruned. An erasure is not.
    pub fn is_pruned(&self, seq: i64) -> bool {
        if self.entries.get(&seq).is_some_and(Entry::is_erasure) {
            return false;
        }
        self.entries.get(&seq).and_then(|entry| entry.delivery).map_or(seq, seq_of) <= self.pruned_to
    }
}

impl Log {
    /// Returns whether a stream may leave out an entry: it was pruned, and a gap has said so. A replay goes with its event.
    pub fn is_excused(&self, seq: i64, gap_to: i64) -> bool {
        let is_replay = self.entries.get(&seq).is_some_and(|entry| entry.delivery.is_some());
        self.is_pruned(seq) && (is_replay || seq <= gap_to)
    }

    /// Returns whether an entry after a number makes a delivery due at once: a replay of it, or a newer event of its task.
    pub fn has_expedited(&self, delivery: i64, after: i64) -> bool {
        let task_id = self.entries.get(&seq_of(delivery)).and_then(|entry| entry.task_id.as_ref());
        self.entries.range(after + 1..).any(|(_, entry)| match entry.delivery {
            Some(replayed) => replayed == delivery,
            None => task_id.is_some() && entry.task_id.as_ref() == task_id,
        })
    }
}

impl World {
    /// Reads what a shard has stored since the last time.
    pub fn observe(&mut self, shard: usize) {
        const NEW: &str =
            "SELECT e.seq, t.task_id, e.outcome, NULL, e.received_at, e.imported_at, e.name, e.status
                FROM events e LEFT JOIN tasks t ON t.no = e.task_no WHERE e.seq > ?1
            UNION ALL SELECT no, NULL, 'quarantined', NULL, received_at, imported_at, '', NULL FROM quarantine
                WHERE no > ?1
            UNION ALL SELECT last_seq, NULL, 'erased', NULL, updated_at, NULL, NULL, NULL FROM tasks
                WHERE erased_at IS NOT NULL AND last_seq > ?1
            UNION ALL SELECT seq, NULL, 'replay', delivery, replayed_at, NULL, NULL, NULL FROM replay_log
                WHERE seq > ?1 ORDER BY 1";
        let object = &mut self.shards[shard];
        let mut stored_alerts = Vec::new();
        for row in object.db.rows(NEW, &[Bind::Int(object.log.last)]) {
            let [seq, task_id, outcome, delivery, received_at, imported_at, name, status] = &row[..] else {
                continue;
            };
            let seq = integer(seq);
            let delivery = Some(integer(delivery)).filter(|delivery| *delivery > 0);
            ensure!(
                seq == object.log.last + 1,
                "numbers are given once and without a hole",
                "{seq} comes after {}",
                object.log.last
            );
            let task_id = match delivery {
                Some(delivery) => {
                    object.not_before.retain(|(no, _), _| *no != delivery);
                    object.log.entries.get(&seq_of(delivery)).and_then(|entry| entry.task_id.clone())
                }
                None => Some(text(task_id).to_owned()).filter(|task_id| !task_id.is_empty()),
            };
            if let Some(task_id) = &task_id {
                // A newer event expedites the deliveries of its task, and a replay those that it may wait for.
                let entries = &object.log.entries;
                let is_expedited = |no: i64| {
                    delivery.is_none_or(|replayed| no < replayed && endpoint_of(no) == endpoint_of(replayed))
                };
                object.not_before.retain(|(no, _), _| {
                    let of_task = entries.get(&seq_of(*no)).and_then(|entry| entry.task_id.as_ref());
                    of_task != Some(task_id) || !is_expedited(*no)
                });
            }
            let outcome = text(outcome).to_owned();
            let received_at = Millis(integer(received_at));
            let stored_at =
                if *imported_at == Value::Null { received_at } else { Millis(integer(imported_at)) };
            let name = if *name == Value::Null { STATUS_CHANGED } else { text(name) }.to_owned();
            let status = Some(text(status).to_owned()).filter(|status| !status.is_empty());
            if !matches!(&*outcome, "alert" | "replay" | "erased") {
                let counted = if name == STATUS_CHANGED { STATUS_CHANGED } else { "other" };
                let key = (counted.to_owned(), outcome.clone());
                *object.log.totals.entry(key).or_default() += 1;
            }
            self.coverage.reach("entry", &outcome);
            let of = delivery.map_or(seq, seq_of);
            let is_alert =
                outcome == "alert" || object.log.entries.get(&of).is_some_and(|entry| entry.is_alert);
            if outcome == "alert" {
                stored_alerts.push(seq);
            }
            object.log.last = seq;
            let entry = Entry {
                task_id,
                name,
                status,
                outcome,
                body: Vec::new(),
                delivery,
                received_at,
                stored_at,
                is_alert,
                is_erased: false,
            };
            object.log.entries.insert(seq, entry);
        }
        for seq in stored_alerts {
            self.check_alert(shard, seq);
        }
    }
}
