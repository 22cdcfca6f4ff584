//! The keeping of an event: known + event → decision → rows, in one commit.

use vtryon_webhooks::event::{Identity, STATUS_CHANGED};
use vtryon_webhooks::lifecycle::{self, Outcome, Step};
use vtryon_webhooks::{Digest, Status};

use super::live::Entry;
use super::owe::{Fresh, Owed};
use super::rows::{self, Change, Ending, Event, Task};
use super::{TaskShard, leases, outbox};
use crate::faults;
use crate::sql;
use crate::wire::{Arrival, Content, Kept};

/// Of how many tasks duplicates are counted at the same time: beyond it the counts begin anew.
const MAX_COUNTED: usize = 10_000;

/// What an arrival tells of its task.
struct Told<'a> {
    task_id: &'a str,
    name: Option<&'a str>,
    status: Option<&'a str>,
    digest: Option<&'a str>,
    ending: Ending<'a>,
}

impl TaskShard {
    /// Decides on an event and stores what the decision says. When this returns, all of it is part of
    /// one commit, which the platform completes before the answer leaves the object.
    pub(super) fn keep(&self, arrival: &Arrival, body: &[u8]) -> worker::Result<Kept> {
        let sql = self.state.storage().sql();
        match &arrival.content {
            Content::Status { task_id, status, result_url, failure } => {
                let task = rows::find(&sql, task_id)?;
                let known = task.as_ref().map(|task| &task.known);
                let step = lifecycle::step(known, &Status::from_name(&**status));
                let ending = Ending { result_url: result_url.as_deref(), failure: failure.as_deref() };
                let told = Told { task_id, name: None, status: Some(status), digest: None, ending };
                self.store(task.as_ref(), &step, &told, arrival, body)
            }
            Content::Other { task_id, name } => {
                let task = rows::find(&sql, task_id)?;
                let digest = Digest::of(body).to_hex();
                let kept = match &task {
                    Some(task) => rows::has_other(&sql, task.no, name, &digest)?,
                    None => false,
                };
                let step = lifecycle::other(task.as_ref().map(|task| &task.known), kept);
                let ending = Ending { result_url: None, failure: None };
                let told = Told { task_id, name: Some(name), status: None, digest: Some(&digest), ending };
                self.store(task.as_ref(), &step, &told, arrival, body)
            }
            Content::Unreadable { code, message } => self.quarantine(code, message, arrival, body),
        }
    }

    fn store(
        &self,
        task: Option<&Task>,
        step: &Step,
        told: &Told<'_>,
        arrival: &Arrival,
        body: &[u8],
    ) -> worker::Result<Kept> {
        let Some(known) = &step.next else {
            if let Some(task) = task {
                let mut duplicates = self.memory.duplicates.borrow_mut();
                if duplicates.len() >= MAX_COUNTED {
                    duplicates.clear();
                }
                duplicates.update(task.no, |count| *count += 1);
            }
            return Ok(Kept { outcome: step.outcome.as_str().to_owned(), owed: Vec::new() });
        };
        let storage = self.state.storage();
        let sql = storage.sql();
        let seq = self.next_seq();
        let keys = task.map_or_else(|| arrival.key.clone(), |task| task.keys_with(&arrival.key));
        let change = Change {
            known,
            head: seq,
            at: arrival.received_at,
            key: &keys,
            ending: step.finishes().then_some(told.ending),
        };
        let previous = task.and_then(|task| task.head);
        let publish_at = step.owed.map(|_| outbox::gathered_at(arrival.received_at));
        let (task_no, mut owed) = sql::transaction(&storage, || {
            let task_no = match task {
                None => rows::create(&sql, told.task_id, &change)?,
                Some(task) => {
                    rows::revive(&sql, task, told.task_id)?;
                    rows::update(&sql, task.no, self.duplicates_of(task.no), &change)?;
                    task.no
                }
            };
            let event = Event {
                seq,
                task_no,
                previous,
                received_at: arrival.received_at,
                name: told.name,
                status: told.status,
                outcome: step.outcome.as_str(),
                key: &arrival.key,
                digest: told.digest,
                body,
            };
            rows::append(&sql, &event)?;
            if let (Some(owed), Some(due_at)) = (step.owed, publish_at) {
                rows::owe(&sql, owed, seq, due_at)?;
            }
            let owed = self.owe(&sql, &fresh(seq, step.outcome, told, previous, arrival))?;
            faults::before_commit(told.task_id);
            Ok((task_no, owed))
        })?;
        self.memory.duplicates.borrow_mut().remove(&task_no);
        owed.publish_at = publish_at;
        self.kept(seq, step.outcome, owed, arrival)
    }

    /// Answers for an event that is kept: whatever else it owes is in the alarm's care from here on.
    pub(super) fn kept(
        &self,
        seq: i64,
        outcome: Outcome,
        owed: Owed,
        arrival: &Arrival,
    ) -> worker::Result<Kept> {
        self.memory.last_seq.set(Some(seq));
        self.show_live(Entry::event(seq), arrival.task_id());
        for dispatch in &owed.at_once {
            self.hand_out(dispatch.delivery, arrival.received_at);
        }
        // The earliest time first: to set the alarm is a row each time, and for a later time it is not set again.
        if owed.by_alarm {
            self.wake_for_next()?;
        }
        let leases_end = (!owed.at_once.is_empty()).then(|| leases::over_at(arrival.received_at));
        if let Some(due_at) = owed.publish_at.into_iter().chain(leases_end).min() {
            self.wake_by(due_at)?;
        }
        Ok(Kept { outcome: outcome.as_str().to_owned(), owed: owed.at_once })
    }

    /// Returns the number of the next thing that is kept.
    pub(super) fn next_seq(&self) -> i64 {
        self.last_seq() + 1
    }

    /// Returns the number of what was kept last.
    pub(super) fn last_seq(&self) -> i64 {
        self.memory.last_seq.get().unwrap_or(0)
    }

    /// Returns the repeats of a task that its row does not count yet.
    pub(super) fn duplicates_of(&self, task_no: i64) -> i64 {
        self.memory.duplicates.borrow().get(&task_no).copied().unwrap_or(0).into()
    }
}

/// Describes an event of a task as endpoints choose and receive it.
fn fresh<'a>(
    seq: i64,
    outcome: Outcome,
    told: &Told<'a>,
    previous: Option<i64>,
    arrival: &Arrival,
) -> Fresh<'a> {
    let task_id = told.task_id;
    let identity = match (told.name, told.status) {
        (Some(name), _) => Identity::Other { task_id, name, digest: told.digest.unwrap_or_default() },
        (None, status) => Identity::Status { task_id, status: status.unwrap_or_default() },
    };
    Fresh {
        seq,
        received_at: arrival.received_at,
        outcome,
        name: told.name.unwrap_or(STATUS_CHANGED),
        status: told.status,
        webhook_id: identity.webhook_id(),
        previous,
        only: arrival.only,
    }
}
