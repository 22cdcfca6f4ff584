//! Stores an event: what is known of its task and the event are decided on, and the rows are written in one
//! commit.

use vtryon_webhooks::event::{Identity, STATUS_CHANGED};
use vtryon_webhooks::lifecycle::{self, Outcome, Step};
use vtryon_webhooks::{Digest, Status};

use super::enqueue::{Enqueued, NewEvent};
use super::live::LogEntry;
use super::rows::{self, Change, Ending, Event, Task};
use super::{TaskShard, leases, outbox};
use crate::platform::sql;
use crate::protocol::{Content, IncomingEvent, StoreResult};
use crate::testing::faults;

/// Of how many tasks duplicates are counted at the same time: beyond it the counts begin anew.
const MAX_COUNTED: usize = 10_000;

/// The fields of an incoming event of a task.
struct EventFields<'a> {
    task_id: &'a str,
    name: Option<&'a str>,
    status: Option<&'a str>,
    digest: Option<&'a str>,
    ending: Ending<'a>,
}

impl TaskShard {
    /// Decides on an event and stores what follows from it. When this returns, all of it is part of one commit,
    /// which the platform completes before the answer leaves the object.
    pub(super) fn store_event(&self, incoming: &IncomingEvent, body: &[u8]) -> worker::Result<StoreResult> {
        let sql = self.state.storage().sql();
        match &incoming.content {
            Content::Status { task_id, status, result_url, failure } => {
                let task = rows::find(&sql, task_id)?;
                let known = task.as_ref().map(|task| &task.known);
                let step = lifecycle::step(known, &Status::from_name(&**status));
                let ending = Ending { result_url: result_url.as_deref(), failure: failure.as_deref() };
                let fields = EventFields { task_id, name: None, status: Some(status), digest: None, ending };
                self.apply_step(task.as_ref(), &step, &fields, incoming, body)
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
                let fields =
                    EventFields { task_id, name: Some(name), status: None, digest: Some(&digest), ending };
                self.apply_step(task.as_ref(), &step, &fields, incoming, body)
            }
            Content::Unreadable { code, message } => self.quarantine(code, message, incoming, body),
        }
    }

    /// Writes the rows of a decision. A duplicate writes none and is counted in memory.
    fn apply_step(
        &self,
        task: Option<&Task>,
        step: &Step,
        fields: &EventFields<'_>,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> worker::Result<StoreResult> {
        let Some(known) = &step.next else {
            if let Some(task) = task {
                let mut duplicates = self.memory.duplicates.borrow_mut();
                if duplicates.len() >= MAX_COUNTED {
                    duplicates.clear();
                }
                *duplicates.entry(task.no).or_default() += 1;
            }
            return Ok(StoreResult::default());
        };
        let storage = self.state.storage();
        let sql = storage.sql();
        let seq = self.next_seq();
        let keys = task.map_or_else(|| incoming.key.clone(), |task| task.keys_with(&incoming.key));
        let change = Change {
            known,
            last_seq: seq,
            at: incoming.received_at,
            key: &keys,
            ending: step.finishes().then_some(fields.ending),
        };
        let previous = task.and_then(|task| task.last_seq);
        let publish_at = step.side_effect.map(|_| outbox::batch_deadline(incoming.received_at));
        let (task_no, mut enqueued) = sql::transaction(&storage, || {
            let task_no = match task {
                None => rows::create(&sql, fields.task_id, &change)?,
                Some(task) => {
                    rows::revive(&sql, task, fields.task_id)?;
                    rows::update(&sql, task.no, self.duplicates_of(task.no), &change)?;
                    task.no
                }
            };
            let event = Event {
                seq,
                task_no,
                previous,
                received_at: incoming.received_at,
                name: fields.name,
                status: fields.status,
                outcome: step.outcome.as_str(),
                key: &incoming.key,
                digest: fields.digest,
                body,
            };
            rows::append(&sql, &event)?;
            if let (Some(effect), Some(due_at)) = (step.side_effect, publish_at) {
                rows::enqueue_side_effect(&sql, effect, seq, due_at)?;
            }
            let enqueued =
                self.enqueue_deliveries(&sql, &new_event(seq, step.outcome, fields, previous, incoming))?;
            faults::before_commit(fields.task_id);
            Ok((task_no, enqueued))
        })?;
        self.memory.duplicates.borrow_mut().remove(&task_no);
        enqueued.publish_at = publish_at;
        self.answer_stored(seq, enqueued, incoming)
    }

    /// Broadcasts a stored event, leases its first attempts and sets the alarm for the rest; returns the
    /// answer.
    pub(super) fn answer_stored(
        &self,
        seq: i64,
        enqueued: Enqueued,
        incoming: &IncomingEvent,
    ) -> worker::Result<StoreResult> {
        self.memory.last_seq.set(Some(seq));
        self.broadcast(LogEntry::event(seq), incoming.task_id());
        for dispatch in &enqueued.dispatch_now {
            self.lease_first_attempt(dispatch.delivery, incoming.received_at);
        }
        // The earliest time first: to set the alarm is a row each time, and for a later time it is not set again.
        if enqueued.deferred {
            self.wake_for_next()?;
        }
        let leases_end = (!enqueued.dispatch_now.is_empty()).then(|| leases::over_at(incoming.received_at));
        if let Some(due_at) = enqueued.publish_at.into_iter().chain(leases_end).min() {
            self.wake_by(due_at)?;
        }
        Ok(StoreResult { dispatches: enqueued.dispatch_now })
    }

    /// Returns the sequence number of the next stored event.
    pub(super) fn next_seq(&self) -> i64 {
        self.last_seq() + 1
    }

    /// Returns the sequence number of the event stored last.
    pub(super) fn last_seq(&self) -> i64 {
        self.memory.last_seq.get().unwrap_or(0)
    }

    /// Returns the duplicates of a task that its row does not count yet.
    pub(super) fn duplicates_of(&self, task_no: i64) -> i64 {
        self.memory.duplicates.borrow().get(&task_no).copied().unwrap_or(0).into()
    }
}

/// Describes an event of a task as endpoints match and receive it.
fn new_event<'a>(
    seq: i64,
    outcome: Outcome,
    fields: &EventFields<'a>,
    previous: Option<i64>,
    incoming: &IncomingEvent,
) -> NewEvent<'a> {
    let task_id = fields.task_id;
    let identity = match (fields.name, fields.status) {
        (Some(name), _) => Identity::Other { task_id, name, digest: fields.digest.unwrap_or_default() },
        (None, status) => Identity::Status { task_id, status: status.unwrap_or_default() },
    };
    NewEvent {
        seq,
        received_at: incoming.received_at,
        outcome,
        name: fields.name.unwrap_or(STATUS_CHANGED),
        status: fields.status,
        webhook_id: identity.webhook_id(),
        previous,
        target_endpoint: incoming.target_endpoint,
    }
}
