//! What a shard has to know of its tasks, by the rules of Vtryon's guide: decided without the engine's code, but by what it
//! has read of the bodies (see `checks::of_content`).

use std::collections::{BTreeMap, BTreeSet};

use vtryon_gateway_engine::protocol::Content;
use vtryon_webhooks::Millis;

/// How many unknown statuses of a task are stored.
const MAX_UNKNOWN: usize = 16;

/// A task, by the events that were stored.
#[derive(Default, Clone)]
pub struct KnownTask {
    /// The status that counts.
    pub status: Option<String>,
    pub statuses: BTreeSet<String>,
    pub unknown: BTreeSet<String>,
    /// How it ended, by its first final status, until it is pruned.
    pub ending: Option<Ending>,
    /// Whether its row is a tombstone: nothing but its statuses is stored.
    pub is_pruned: bool,
    /// Other events: their names and bodies.
    pub others: BTreeSet<(String, Vec<u8>)>,
    /// The numbers of its events that are stored, in order.
    pub seqs: Vec<i64>,
    /// Which of Vtryon's secrets signed its events.
    pub keys: BTreeSet<String>,
    /// Whether it was erased: whatever comes of it is a duplicate.
    pub is_erased: bool,
    /// Whether its erasure was imported, and its rows are not deleted yet.
    pub is_left: bool,
}

/// How a task ended, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub result_url: Option<String>,
    pub failure: Option<String>,
    pub at: Millis,
}

impl KnownTask {
    /// Returns the status that is shown: none of a task that was pruned.
    pub fn shown_status(&self) -> Option<&str> {
        self.status.as_deref().filter(|_| !self.is_pruned)
    }
}

/// All that a shard has been sent and has stored.
#[derive(Default)]
pub struct Oracle {
    pub tasks: BTreeMap<String, KnownTask>,
    /// Bodies that can't be read, with the secrets that signed them.
    pub unreadable: BTreeMap<Vec<u8>, String>,
}

/// Returns how far a status is; none where it is not documented.
pub fn rank(status: &str) -> Option<u8> {
    match status {
        "queued" => Some(0),
        "processing" => Some(1),
        "completed" | "failed" => Some(2),
        _ => None,
    }
}

impl Oracle {
    /// Returns the outcome that an event has to have now.
    pub fn outcome(&self, content: &Content, body: &[u8]) -> &'static str {
        let none = KnownTask::default();
        if self.is_erased(content) {
            return "duplicate";
        }
        match content {
            Content::Status { task_id, status, .. } => {
                let task = self.tasks.get(task_id).unwrap_or(&none);
                let current = task.status.as_deref().and_then(rank);
                match rank(status) {
                    _ if task.statuses.contains(status) || task.unknown.contains(status) => "duplicate",
                    None if task.unknown.len() >= MAX_UNKNOWN => "capped",
                    None => "unknown",
                    Some(2) if current == Some(2) => "conflict",
                    Some(rank) if current.is_none_or(|current| rank > current) => "applied",
                    Some(_) => "late",
                }
            }
            Content::Other { task_id, name } => {
                let task = self.tasks.get(task_id).unwrap_or(&none);
                let is_known = task.others.contains(&(name.clone(), body.to_vec()));
                if is_known { "duplicate" } else { "unknown" }
            }
            Content::Unreadable { .. } if self.unreadable.contains_key(body) => "duplicate",
            Content::Unreadable { .. } => "quarantined",
        }
    }

    /// Returns whether an event is of a task that was erased.
    pub fn is_erased(&self, content: &Content) -> bool {
        match content {
            Content::Status { task_id, .. } | Content::Other { task_id, .. } => self.has_erased(task_id),
            Content::Unreadable { .. } => false,
        }
    }

    /// Returns whether a task was erased.
    pub fn has_erased(&self, task_id: &str) -> bool {
        self.tasks.get(task_id).is_some_and(|task| task.is_erased)
    }

    /// Returns whether nothing of a task may be left.
    pub fn has_deleted(&self, task_id: &str) -> bool {
        self.tasks.get(task_id).is_some_and(|task| task.is_erased && !task.is_left)
    }

    /// Returns whether rows of an erased task are left.
    pub fn has_left(&self) -> bool {
        self.tasks.values().any(|task| task.is_left)
    }

    /// Notes that the secrets that are configured may have signed what comes of a task whose erasure was imported.
    pub fn add_keys(&mut self, task_id: &str, keys: Vec<String>) {
        self.tasks.entry(task_id.to_owned()).or_default().keys.extend(keys);
    }

    /// Notes an event of an erased task; returns whether its secret has signed none of the task's events before.
    pub fn refuse(&mut self, content: &Content, key: &str) -> bool {
        let (Content::Status { task_id, .. } | Content::Other { task_id, .. }) = content else {
            return false;
        };
        self.tasks.get_mut(task_id).is_some_and(|task| task.keys.insert(key.to_owned()))
    }

    /// Notes that an event was known already, and that a secret signs it too.
    pub fn add_key(&mut self, content: &Content, key: &str) {
        if let Content::Status { task_id, .. } | Content::Other { task_id, .. } = content
            && let Some(task) = self.tasks.get_mut(task_id)
        {
            task.keys.insert(key.to_owned());
        }
    }

    /// Notes an event that was stored, under a number and as received at a time.
    pub fn store(&mut self, content: &Content, body: &[u8], key: &str, (seq, at): (i64, Millis)) {
        let outcome = self.outcome(content, body);
        let (task_id, status) = match content {
            Content::Status { task_id, status, .. } => (task_id, Some(status)),
            Content::Other { task_id, .. } => (task_id, None),
            Content::Unreadable { .. } => {
                self.unreadable.insert(body.to_vec(), key.to_owned());
                return;
            }
        };
        let task = self.tasks.entry(task_id.clone()).or_default();
        task.seqs.push(seq);
        task.is_pruned = false;
        task.keys.insert(key.to_owned());
        match (content, status) {
            (Content::Other { name, .. }, _) => {
                task.others.insert((name.clone(), body.to_vec()));
            }
            (_, Some(status)) if rank(status).is_none() => {
                task.unknown.insert(status.clone());
            }
            (_, Some(status)) => {
                task.statuses.insert(status.clone());
                if outcome == "applied" {
                    task.status = Some(status.clone());
                    task.ending = ending(content, at).filter(|_| rank(status) == Some(2));
                }
            }
            (_, None) => {}
        }
    }
}

fn ending(content: &Content, at: Millis) -> Option<Ending> {
    match content {
        Content::Status { result_url, failure, .. } => {
            Some(Ending { result_url: result_url.clone(), failure: failure.clone(), at })
        }
        Content::Other { .. } | Content::Unreadable { .. } => None,
    }
}
