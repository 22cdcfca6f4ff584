//! Broadcasts: what was just stored, for those who watch it.

use std::collections::BTreeMap;

use super::state::{self, TicketState};
use super::subject_tag;
use super::subscriber::{Outgoing, Subscriber};
use crate::protocol::close;
use crate::protocol::delivery::seq_of;
use crate::protocol::live::Subject;
use crate::shard::sequence::{self, SequenceEntry};
use crate::shard::{Shard, deliveries, events};
use crate::{Context, Result};

/// How many of the last entries a new instance sends to those who subscribed before it: as many as the shell queues at
/// most, and so may not have been sent.
pub const MAX_QUEUED: usize = 50;

/// Something that has to be sent to subscribers.
pub struct Broadcast {
    payload: Payload,
    task_id: Option<String>,
    /// The message without the body and with it, made for the first subscriber that wants it.
    texts: [Option<String>; 2],
}

enum Payload {
    Entry(SequenceEntry),
    /// A delivery was attempted. Holds the message.
    Attempt(String),
    /// Entries up to this number may not have been broadcast: to subscribers of the task, or of the shard where there
    /// is no task.
    Missed(i64),
    /// The task was erased: its streams end.
    Erased,
}

impl Broadcast {
    fn new(payload: Payload, task_id: Option<&str>) -> Self {
        Self { payload, task_id: task_id.map(ToOwned::to_owned), texts: [None, None] }
    }

    /// Returns the task that it is about.
    pub fn task_id(&self) -> Option<&str> {
        self.task_id.as_deref()
    }

    /// Returns whether it is an entry that was just stored.
    pub const fn is_new_entry(&self) -> bool {
        matches!(self.payload, Payload::Entry(_))
    }

    /// Returns whether its task was erased: what is queued about the task is not to be sent any more.
    pub const fn is_erasure(&self) -> bool {
        matches!(self.payload, Payload::Erased)
    }

    /// Returns the tags of the sockets that it is sent to.
    pub fn tags(&self) -> Vec<String> {
        let of_task =
            self.task_id().map(|task_id| subject_tag(&Subject::Task { task_id: task_id.to_owned() }));
        match (&self.payload, of_task) {
            (Payload::Missed(_), Some(of_task)) => vec![of_task],
            (Payload::Erased, of_task) => of_task.into_iter().chain(self.state_tag()).collect(),
            (_, of_task) => std::iter::once(subject_tag(&Subject::Shard)).chain(of_task).collect(),
        }
    }

    /// Returns the tag of the ticket holders who watch the state of its task, where it may have changed.
    pub fn ticket_tag(&self) -> Option<String> {
        match self.payload {
            Payload::Entry(_) | Payload::Missed(_) => self.state_tag(),
            Payload::Attempt(_) | Payload::Erased => None,
        }
    }

    fn state_tag(&self) -> Option<String> {
        self.task_id().map(|task_id| subject_tag(&Subject::State { task_id: task_id.to_owned() }))
    }
}

impl Shard {
    /// Sends a broadcast to one subscriber; `None` where it has nothing to receive.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn send_broadcast(
        &self,
        context: &Context<'_>,
        broadcast: &mut Broadcast,
        subscriber: &mut Subscriber,
    ) -> Result<Option<Outgoing>> {
        let Broadcast { payload, texts, .. } = broadcast;
        match payload {
            Payload::Entry(entry) => self.send_entry(context, subscriber, entry, texts),
            Payload::Attempt(text) => Ok(send_attempt(context, subscriber, text)),
            Payload::Missed(seq) => self.send_missed(context, subscriber, *seq),
            Payload::Erased => Ok(Some(Outgoing::close(close::TASK_ERASED))),
        }
    }

    /// Returns the state of a broadcast's task, for the ticket holders who watch it: [`TicketState::send`].
    pub fn ticket_state(&self, context: &Context<'_>, broadcast: &Broadcast) -> Result<Option<TicketState>> {
        broadcast.task_id().map(|task_id| state::find(context.db, task_id)).transpose()
    }

    /// Broadcasts an entry that was just stored.
    pub(crate) fn broadcast(&mut self, entry: SequenceEntry, task_id: Option<&str>) {
        if self.live.has_subscribers() {
            self.broadcasts.push(Broadcast::new(Payload::Entry(entry), task_id));
        }
    }

    /// Ends the streams of a task that was erased.
    pub(crate) fn broadcast_erasure(&mut self, task_id: &str) {
        if self.live.has_subscribers() {
            self.broadcasts.push(Broadcast::new(Payload::Erased, Some(task_id)));
        }
    }

    /// Broadcasts that a delivery was attempted. Subscribers that are behind do not receive it.
    pub(crate) fn broadcast_attempt(&mut self, context: &Context<'_>, no: i64) {
        if !self.live.has_subscribers() {
            return;
        }
        let Ok(Some(delivery)) = deliveries::rows::find(context.db, no) else { return };
        let stored = events::find_deliverable(context.db, seq_of(no)).ok().flatten();
        let task_id = stored.and_then(|stored| stored.task_id);
        let Ok(text) = self.attempt_message(no, task_id.as_deref(), delivery.state.as_str()) else { return };
        self.broadcasts.push(Broadcast::new(Payload::Attempt(text), task_id.as_deref()));
    }

    /// Sends the last entries to those who subscribed before this instance has started, for they may have missed them.
    /// Each subscriber is looked at once, however much was stored: one of the shard by the last number, one of a task
    /// by the task's.
    pub(crate) fn catch_up_missed(&mut self, context: &Context<'_>) -> Result<()> {
        let mut latest = BTreeMap::new();
        for entry in sequence::after(context.db, self.last_seq - MAX_QUEUED as i64, MAX_QUEUED as i64)? {
            latest.insert(None, entry.seq);
            if let Some(task_id) =
                events::find(context.db, entry.event_seq())?.and_then(|stored| stored.task_id)
            {
                latest.insert(Some(task_id), entry.seq);
            }
        }
        for (task_id, seq) in &latest {
            self.broadcasts.push(Broadcast::new(Payload::Missed(*seq), task_id.as_deref()));
        }
        Ok(())
    }

    /// Sends an entry to one subscriber, or marks the subscriber as behind.
    fn send_entry(
        &self,
        context: &Context<'_>,
        subscriber: &mut Subscriber,
        entry: &SequenceEntry,
        texts: &mut [Option<String>; 2],
    ) -> Result<Option<Outgoing>> {
        if subscriber.is_expired(context.now) {
            return Ok(Some(Outgoing::close(close::EXPIRED)));
        }
        // It has subscribed or caught up since.
        if subscriber.at >= entry.seq {
            return Ok(None);
        }
        let [plain, full] = texts;
        let text = if subscriber.bodies { full } else { plain };
        if text.is_none() {
            *text = self.entry_message(context, entry, subscriber.bodies)?;
        }
        let Some(text) = text else {
            // An alert; or an entry that was pruned before its turn, as one is that was too old when it was imported. The
            // backlog begins with the gap.
            let is_pruned = entry.event_seq() <= sequence::floor(context.db)?;
            return if is_pruned { self.send_missed(context, subscriber, entry.seq) } else { Ok(None) };
        };
        let mut outgoing = Outgoing::default();
        if subscriber.caught_up && !subscriber.is_window_full() {
            subscriber.at = entry.seq;
            subscriber.send(&mut outgoing, text.clone());
        } else {
            subscriber.mark_behind(entry.seq, text, context.now);
            outgoing.close = subscriber.is_over_limit(context.now).then_some(close::BEHIND);
        }
        Ok(Some(outgoing))
    }

    /// Sends the backlog to a subscriber that should have everything up to a number.
    fn send_missed(
        &self,
        context: &Context<'_>,
        subscriber: &mut Subscriber,
        seq: i64,
    ) -> Result<Option<Outgoing>> {
        if !subscriber.caught_up || subscriber.at >= seq || subscriber.is_expired(context.now) {
            return Ok(None);
        }
        let mut outgoing = Outgoing::default();
        subscriber.mark_behind(subscriber.at + 1, "", context.now);
        self.catch_up(context, subscriber, self.topology.index()?, &mut outgoing)?;
        Ok(Some(outgoing))
    }
}

/// Sends an attempt to one subscriber that has caught up.
fn send_attempt(context: &Context<'_>, subscriber: &mut Subscriber, text: &str) -> Option<Outgoing> {
    if !subscriber.caught_up || subscriber.is_window_full() || subscriber.is_expired(context.now) {
        return None;
    }
    let mut outgoing = Outgoing::default();
    subscriber.send(&mut outgoing, text.to_owned());
    Some(outgoing)
}
