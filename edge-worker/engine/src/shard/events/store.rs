//! Stores an event: decides on it by what is known of its task, and writes what follows in one commit.

use vtryon_webhooks::lifecycle::{self, Outcome, TaskState};
use vtryon_webhooks::{Digest, Status};

use super::alerts::{self, StoredAlert};
use super::quarantine::{self, UnreadableBody};
use super::rows::{self, Ending, EventRow, StoredTask, TaskUpdate};
use crate::log::{Decision, Level};
use crate::protocol::{Content, IncomingAlert, IncomingEvent, StoreResult};
use crate::shard::Shard;
use crate::shard::deliveries::enqueue::{Enqueued, NewEvent, enqueue};
use crate::shard::sequence::SequenceEntry;
use crate::{Context, Result};

/// What an event is to its task, and the answer to whoever has sent it.
pub(crate) struct Stored {
    pub(crate) outcome: Outcome,
    pub(crate) result: StoreResult,
}

impl Stored {
    /// An event of which nothing is stored.
    pub(crate) fn nothing(outcome: Outcome) -> Self {
        Self { outcome, result: StoreResult::default() }
    }
}

/// An event of a task.
#[derive(Clone, Copy)]
struct TaskEvent<'a> {
    incoming: &'a IncomingEvent,
    task_id: &'a str,
    /// The task as it is stored; none before its first event.
    task: Option<&'a StoredTask>,
    /// The digest of the body where the event is stored once by its content.
    digest: Option<&'a str>,
    body: &'a [u8],
}

impl Shard {
    /// Decides on an event and stores what follows from it. When this returns, all of it is part of one commit,
    /// which is complete before the answer leaves the shard. Of an erased task nothing is stored again, whatever comes.
    pub(crate) fn store_event(
        &mut self,
        context: &Context<'_>,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> Result<Stored> {
        let db = context.db;
        let (task_id, task, digest, step) = match &incoming.content {
            Content::Status { task_id, status, .. } => {
                let task = rows::find(db, task_id)?;
                let state = task.as_ref().map(|task| &task.state);
                let step = lifecycle::step(state, &Status::from_name(&**status));
                (task_id, task, None, step)
            }
            Content::Other { task_id, name } => {
                let task = rows::find(db, task_id)?;
                let digest = Digest::of(body).to_hex();
                let is_stored = match &task {
                    Some(task) => rows::has_other_event(db, task.no, name, &digest)?,
                    None => false,
                };
                let step = lifecycle::step_unknown_event(task.as_ref().map(|task| &task.state), is_stored);
                (task_id, task, Some(digest), step)
            }
            Content::Unreadable { code, message } => {
                return self.quarantine(context, &UnreadableBody { code, message, incoming, body });
            }
        };
        let (task, digest) = (task.as_ref(), digest.as_deref());
        if let Some(erased) = task.filter(|task| task.erased_at.is_some()) {
            rows::add_key(db, erased, &incoming.key)?;
            return Ok(self.drop_event(context, Outcome::Duplicate));
        }
        let event = TaskEvent { incoming, task_id, task, digest, body };
        match &step.next {
            Some(state) => {
                let ending = step.finishes().then(|| Ending::of(&incoming.content));
                self.insert_event(context, &event, step.outcome, state, ending)
            }
            None => self.ignore_event(context, &event, step.outcome),
        }
    }

    /// Writes no row for an event. A duplicate is counted in memory; one that is imported is no repeat of Vtryon's.
    fn ignore_event(
        &mut self,
        context: &Context<'_>,
        event: &TaskEvent<'_>,
        outcome: Outcome,
    ) -> Result<Stored> {
        match (event.task, event.incoming.imported_at) {
            (Some(task), None) => self.duplicates.count(task.no),
            (Some(task), Some(_)) => rows::add_key(context.db, task, &event.incoming.key)?,
            (None, _) => {}
        }
        Ok(self.drop_event(context, outcome))
    }

    /// Answers an event of which nothing is stored.
    fn drop_event(&mut self, context: &Context<'_>, outcome: Outcome) -> Stored {
        self.log_event(context, || Decision::EventDropped { outcome: outcome.as_str() });
        Stored::nothing(outcome)
    }

    /// Writes the rows of an event and its deliveries, and the state that it leaves its task in.
    fn insert_event(
        &mut self,
        context: &Context<'_>,
        event: &TaskEvent<'_>,
        outcome: Outcome,
        state: &TaskState,
        ending: Option<Ending<'_>>,
    ) -> Result<Stored> {
        let TaskEvent { incoming, task_id, task, digest, .. } = *event;
        let (db, seq, at) = (context.db, self.next_seq(), incoming.received_at);
        self.capacity.check(context, seq)?;
        let keys = task.map_or_else(|| incoming.key.clone(), |task| task.keys_with(&incoming.key));
        let update = TaskUpdate { state, last_seq: seq, at, key: &keys, ending };
        let previous = task.and_then(|task| task.last_seq);
        let new = NewEvent::of(incoming, seq, outcome, digest.unwrap_or_default(), previous);
        let (task_no, enqueued) = db.transaction(|| {
            let task_no = match task {
                None => rows::create(db, task_id, &update)?,
                Some(task) => {
                    rows::revive(db, task, task_id)?;
                    rows::update(db, task.no, self.duplicates.count_of(task.no), &update)?;
                    task.no
                }
            };
            rows::append(db, &event.row(&new, task_no))?;
            Ok((task_no, enqueue(context, &self.config, &self.attempts, &new)?))
        })?;
        self.duplicates.forget(task_no);
        self.log_event(context, || Decision::EventStored { seq, outcome: outcome.as_str() });
        Ok(Stored { outcome, result: self.answer_stored(context, seq, enqueued, Some(task_id)) })
    }

    /// Stores a body that cannot be parsed, once.
    fn quarantine(&mut self, context: &Context<'_>, unreadable: &UnreadableBody<'_>) -> Result<Stored> {
        let seq = self.next_seq();
        let (config, attempts, capacity) = (&self.config, &self.attempts, &mut self.capacity);
        let stored = quarantine::store(context, config, attempts, capacity, seq, unreadable)?;
        let Some(enqueued) = stored else {
            return Ok(self.drop_event(context, Outcome::Duplicate));
        };
        self.log.note(Decision::EventQuarantined { seq, code: unreadable.code.to_owned() });
        if unreadable.incoming.imported_at.is_none() {
            self.alarm.set(self.reports.schedule(context));
        }
        let result = self.answer_stored(context, seq, enqueued, None);
        Ok(Stored { outcome: Outcome::Quarantined, result })
    }

    /// Stores an alert once; `None` where it is refused.
    pub(crate) fn store_alert(
        &mut self,
        context: &Context<'_>,
        alert: &IncomingAlert,
        body: &[u8],
    ) -> Result<Option<StoreResult>> {
        let seq = self.next_seq();
        Ok(match alerts::store(context, &self.config, &self.attempts, seq, alert, body)? {
            StoredAlert::New(enqueued) => Some(self.answer_stored(context, seq, enqueued, None)),
            StoredAlert::Known => Some(StoreResult::default()),
            StoredAlert::Refused => None,
        })
    }

    /// Notes a decision on an event, where such are logged: they are as many as events.
    fn log_event(&self, context: &Context<'_>, decision: impl FnOnce() -> Decision) {
        if context.deployment.log_level == Level::Debug {
            self.log.note(decision());
        }
    }

    /// Broadcasts a stored event of a task or of none, leases its first attempts and sets the alarm for the rest; returns
    /// the answer.
    fn answer_stored(
        &mut self,
        context: &Context<'_>,
        seq: i64,
        enqueued: Enqueued,
        task_id: Option<&str>,
    ) -> StoreResult {
        self.last_seq = seq;
        self.audience.broadcast(SequenceEntry::event(seq), task_id);
        for dispatch in &enqueued.dispatch_now {
            self.attempts.leases.grant(dispatch.delivery, dispatch.leased_until);
            self.attempts.begin(context, &self.config, dispatch);
        }
        // The earliest time first: to set the alarm is a row each time, and for a later time it is not set again.
        if enqueued.deferred {
            self.schedule_alarm(context, 0);
        }
        let leases_end = enqueued.dispatch_now.iter().map(|dispatch| dispatch.leased_until);
        if let Some(due_at) = leases_end.min() {
            self.alarm.set(due_at);
        }
        StoreResult { dispatches: enqueued.dispatch_now }
    }
}

impl TaskEvent<'_> {
    /// Returns the row of the event.
    fn row<'a>(&'a self, new: &'a NewEvent<'_>, task_no: i64) -> EventRow<'a> {
        EventRow {
            seq: new.seq,
            task_no,
            previous: new.previous,
            received_at: new.received_at,
            name: new.status.is_none().then_some(new.name),
            status: new.status,
            outcome: new.outcome_name(),
            key: &self.incoming.key,
            digest: self.digest,
            body: self.body,
            imported_at: self.incoming.imported_at,
        }
    }
}
