//! The keeping of an event: known + event → decision → rows, in one commit.

use vtryon_webhooks::lifecycle::{self, Outcome, Step};
use vtryon_webhooks::{Digest, Status};

use super::rows::{self, Change, Ending, Event, Task};
use super::{TaskShard, sql};
use crate::faults;
use crate::wire::{Arrival, Content};

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
    pub(super) fn keep(&self, arrival: &Arrival, body: &[u8]) -> worker::Result<Outcome> {
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
    ) -> worker::Result<Outcome> {
        let Some(known) = &step.next else {
            if let Some(task) = task {
                *self.memory.duplicates.borrow_mut().entry(task.no).or_default() += 1;
            }
            return Ok(step.outcome);
        };
        let storage = self.state.storage();
        let sql = storage.sql();
        let seq = self.memory.last_seq.get().unwrap_or(0) + 1;
        let change = Change {
            known,
            head: seq,
            at: arrival.received_at,
            key: &arrival.key,
            ending: step.finishes().then_some(told.ending),
        };
        let task_no = sql::transaction(&storage, || {
            let task_no = match task {
                None => rows::create(&sql, told.task_id, &change)?,
                Some(task) => {
                    rows::update(&sql, task.no, self.duplicates_of(task.no), &change)?;
                    task.no
                }
            };
            let event = Event {
                seq,
                task_no,
                previous: task.map(|task| task.head),
                received_at: arrival.received_at,
                name: told.name,
                status: told.status,
                outcome: step.outcome.as_str(),
                key: &arrival.key,
                digest: told.digest,
                body,
            };
            rows::append(&sql, &event)?;
            if let Some(owed) = step.owed {
                rows::owe(&sql, owed, seq, arrival.received_at)?;
            }
            faults::before_commit(told.task_id);
            Ok(task_no)
        })?;
        self.memory.last_seq.set(Some(seq));
        self.memory.duplicates.borrow_mut().remove(&task_no);
        if step.owed.is_some() {
            self.wake_by(arrival.received_at)?;
        }
        Ok(step.outcome)
    }

    /// Returns the repeats of a task that its row does not count yet.
    pub(super) fn duplicates_of(&self, task_no: i64) -> i64 {
        self.memory.duplicates.borrow().get(&task_no).copied().unwrap_or(0).into()
    }
}
