//! Stores an event: decides on it by what is known of its task, and writes what follows in one commit.

use vtryon_webhooks::event::{Identity, STATUS_CHANGED};
use vtryon_webhooks::lifecycle::{self, Outcome, Step};
use vtryon_webhooks::{Digest, Status};

use super::rows::{self, Change, Ending, Event, Task};
use crate::log::{Decision, Level};
use crate::protocol::{Content, IncomingEvent, StoreResult};
use crate::shard::Shard;
use crate::shard::deliveries::enqueue::{Enqueued, NewEvent, Recipients};
use crate::shard::sequence::SequenceEntry;
use crate::{Context, Result};

/// The fields of an incoming event of a task.
struct EventFields<'a> {
    task_id: &'a str,
    name: Option<&'a str>,
    status: Option<&'a str>,
    digest: Option<&'a str>,
    ending: Ending<'a>,
}

impl Shard {
    /// Decides on an event and stores what follows from it. When this returns, all of it is part of one commit,
    /// which is complete before the answer leaves the shard.
    pub(crate) fn store_event(
        &mut self,
        context: &Context<'_>,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> Result<StoreResult> {
        Ok(self.decide(context, incoming, body)?.1)
    }

    /// Does so; returns what the event is to its task, too.
    pub(crate) fn decide(
        &mut self,
        context: &Context<'_>,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> Result<(Outcome, StoreResult)> {
        let db = context.db;
        match &incoming.content {
            Content::Status { task_id, status, result_url, failure } => {
                let task = rows::find(db, task_id)?;
                let known = task.as_ref().map(|task| &task.known);
                let step = lifecycle::step(known, &Status::from_name(&**status));
                let ending = Ending { result_url: result_url.as_deref(), failure: failure.as_deref() };
                let fields = EventFields { task_id, name: None, status: Some(status), digest: None, ending };
                self.apply_step(context, task.as_ref(), &step, &fields, incoming, body)
            }
            Content::Other { task_id, name } => {
                let task = rows::find(db, task_id)?;
                let digest = Digest::of(body).to_hex();
                let kept = match &task {
                    Some(task) => rows::has_other(db, task.no, name, &digest)?,
                    None => false,
                };
                let step = lifecycle::other(task.as_ref().map(|task| &task.known), kept);
                let ending = Ending { result_url: None, failure: None };
                let fields =
                    EventFields { task_id, name: Some(name), status: None, digest: Some(&digest), ending };
                self.apply_step(context, task.as_ref(), &step, &fields, incoming, body)
            }
            Content::Unreadable { code, message } => self.quarantine(context, code, message, incoming, body),
        }
    }

    /// Writes the rows of a decision. A duplicate writes none and is counted in memory; one that is imported is no
    /// repeat of Vtryon's. Of an erased task nothing is stored again, whatever comes.
    fn apply_step(
        &mut self,
        context: &Context<'_>,
        task: Option<&Task>,
        step: &Step,
        fields: &EventFields<'_>,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> Result<(Outcome, StoreResult)> {
        let db = context.db;
        if let Some(erased) = task.filter(|task| task.erased_at.is_some()) {
            rows::add_key(db, erased, &incoming.key)?;
            return Ok((Outcome::Duplicate, StoreResult::default()));
        }
        let Some(known) = &step.next else {
            match (task, incoming.imported_at) {
                (Some(task), None) => self.duplicates.count(task.no),
                (Some(task), Some(_)) => rows::add_key(db, task, &incoming.key)?,
                (None, _) => {}
            }
            self.log_event(context, || Decision::EventDropped { outcome: step.outcome.as_str() });
            return Ok((step.outcome, StoreResult::default()));
        };
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
        let (task_no, enqueued) = db.transaction(|| {
            let task_no = match task {
                None => rows::create(db, fields.task_id, &change)?,
                Some(task) => {
                    rows::revive(db, task, fields.task_id)?;
                    rows::update(db, task.no, self.duplicates.of(task.no), &change)?;
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
                imported_at: incoming.imported_at,
            };
            rows::append(db, &event)?;
            let event = new_event(seq, step.outcome, fields, previous, incoming);
            Ok((task_no, self.enqueue_deliveries(context, &event)?))
        })?;
        self.duplicates.forget(task_no);
        self.log_event(context, || Decision::EventStored { seq, outcome: step.outcome.as_str() });
        Ok((step.outcome, self.answer_stored(context, seq, enqueued, Some(fields.task_id))))
    }

    /// Notes a decision on an event, where such are logged: they are as many as events.
    pub(crate) fn log_event(&self, context: &Context<'_>, decision: impl FnOnce() -> Decision) {
        if context.deployment.log_level == Level::Debug {
            self.log.note(decision());
        }
    }

    /// Broadcasts a stored event of a task or of none, leases its first attempts and sets the alarm for the rest; returns
    /// the answer.
    pub(crate) fn answer_stored(
        &mut self,
        context: &Context<'_>,
        seq: i64,
        enqueued: Enqueued,
        task_id: Option<&str>,
    ) -> StoreResult {
        self.last_seq = seq;
        self.broadcast(SequenceEntry::event(seq), task_id);
        for dispatch in &enqueued.dispatch_now {
            self.leases.grant(dispatch.delivery, dispatch.leased_until);
            self.note_attempt(context, dispatch);
        }
        // The earliest time first: to set the alarm is a row each time, and for a later time it is not set again.
        if enqueued.deferred {
            self.wake_for_next(context);
        }
        let leases_end = enqueued.dispatch_now.iter().map(|dispatch| dispatch.leased_until);
        if let Some(due_at) = leases_end.min() {
            self.alarm.set(due_at);
        }
        StoreResult { dispatches: enqueued.dispatch_now }
    }
}

/// Describes an event of a task as endpoints match and receive it.
fn new_event<'a>(
    seq: i64,
    outcome: Outcome,
    fields: &EventFields<'a>,
    previous: Option<i64>,
    incoming: &'a IncomingEvent,
) -> NewEvent<'a> {
    let task_id = fields.task_id;
    let identity = match (fields.name, fields.status) {
        (Some(name), _) => Identity::Other { task_id, name, digest: fields.digest.unwrap_or_default() },
        (None, status) => Identity::Status { task_id, status: status.unwrap_or_default() },
    };
    NewEvent {
        seq,
        received_at: incoming.received_at,
        outcome: Some(outcome),
        name: fields.name.unwrap_or(STATUS_CHANGED),
        status: fields.status,
        webhook_id: identity.webhook_id(),
        previous,
        recipients: Recipients::of(incoming),
    }
}
