//! Broadcasts: what was just stored, for those who watch it.

use vtryon_webhooks::Digest;

use super::backlog::Backlog;
use super::subscriber::{Outgoing, Subscriber};
use super::{state_tag, subject_tag, task_tag};
use crate::protocol::live::{MAX_QUEUED, Subject, close};
use crate::shard::sequence::{SequenceEntry, floors};
use crate::{Context, Result};

/// How many of the last entries a new instance sends to those who subscribed before it. They may not have been sent: what
/// was queued, and what one decision has added to it.
pub(super) const MAX_MISSED: i64 = 2 * MAX_QUEUED as i64;

/// Something that has to be sent to subscribers.
pub struct Broadcast {
    payload: Payload,
    task_id: Option<String>,
    /// The message without the body and with it, made for the first subscriber that wants it.
    texts: [Option<String>; 2],
}

pub(crate) enum Payload {
    Entry(SequenceEntry),
    /// A delivery was attempted. Holds the message.
    Attempt(String),
    /// Entries up to this number may not have been broadcast: to subscribers of the task, or of the shard where there
    /// is no task.
    Missed(i64),
    /// The task whose id has this digest was erased: its streams end. Of one whose erasure was imported, nothing else is
    /// known.
    Erased(Digest),
}

impl Broadcast {
    pub(crate) fn new(payload: Payload, task_id: Option<&str>) -> Self {
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

    /// Returns the task that was erased with its rows: what is queued about it is not to be sent any more.
    pub fn erased_task(&self) -> Option<&str> {
        self.task_id().filter(|_| matches!(self.payload, Payload::Erased(_)))
    }

    /// Returns the tags of the sockets that it is sent to.
    pub fn tags(&self) -> Vec<String> {
        let of_task = self.task_id().map(|task_id| task_tag(&Digest::of_task(task_id)));
        match (&self.payload, of_task) {
            (Payload::Missed(_), Some(of_task)) => vec![of_task],
            (Payload::Erased(digest), _) => vec![task_tag(digest), state_tag(digest)],
            (_, of_task) => std::iter::once(subject_tag(&Subject::Shard)).chain(of_task).collect(),
        }
    }

    /// Returns the tag of the ticket holders who watch the state of its task, where it may have changed.
    pub fn ticket_tag(&self) -> Option<String> {
        match self.payload {
            Payload::Entry(_) | Payload::Missed(_) => {
                self.task_id().map(|task_id| state_tag(&Digest::of_task(task_id)))
            }
            Payload::Attempt(_) | Payload::Erased(_) => None,
        }
    }

    /// Sends it to one subscriber; `None` where that has nothing to receive.
    pub(crate) fn send(
        &mut self,
        backlog: &Backlog<'_>,
        subscriber: &mut Subscriber,
    ) -> Result<Option<Outgoing>> {
        match &self.payload {
            Payload::Entry(entry) => send_entry(backlog, subscriber, entry, &mut self.texts),
            Payload::Attempt(text) => Ok(send_attempt(backlog.context, subscriber, text)),
            Payload::Missed(seq) => send_missed(backlog, subscriber, *seq),
            Payload::Erased(_) => Ok(Some(Outgoing::close(close::TASK_ERASED))),
        }
    }
}

/// Sends an entry to one subscriber, or marks the subscriber as behind.
fn send_entry(
    backlog: &Backlog<'_>,
    subscriber: &mut Subscriber,
    entry: &SequenceEntry,
    texts: &mut [Option<String>; 2],
) -> Result<Option<Outgoing>> {
    if subscriber.is_expired(backlog.context.now) {
        return Ok(Some(Outgoing::close(close::EXPIRED)));
    }
    // It has subscribed or caught up since.
    if subscriber.at >= entry.seq {
        return Ok(None);
    }
    let [plain, full] = texts;
    let text = if subscriber.bodies { full } else { plain };
    if text.is_none() {
        *text = backlog.message(entry, subscriber.bodies)?;
    }
    let Some(text) = text else {
        // An alert; or an entry that was pruned before its turn, as one is that was too old when it was imported. The
        // backlog begins with the gap.
        let is_pruned = entry.event_seq() <= floors::pruned(backlog.context.db)?;
        return if is_pruned { send_missed(backlog, subscriber, entry.seq) } else { Ok(None) };
    };
    let mut outgoing = Outgoing::default();
    if subscriber.caught_up && !subscriber.is_window_full() {
        subscriber.at = entry.seq;
        subscriber.send(&mut outgoing, text.clone());
    } else {
        subscriber.mark_behind(entry.seq, text, backlog.context.now);
        outgoing.close = subscriber.is_over_limit(backlog.context.now).then_some(close::BEHIND);
    }
    Ok(Some(outgoing))
}

/// Sends the backlog to a subscriber that should have everything up to a number.
fn send_missed(backlog: &Backlog<'_>, subscriber: &mut Subscriber, seq: i64) -> Result<Option<Outgoing>> {
    if !subscriber.caught_up || subscriber.at >= seq || subscriber.is_expired(backlog.context.now) {
        return Ok(None);
    }
    let mut outgoing = Outgoing::default();
    subscriber.mark_behind(subscriber.at + 1, "", backlog.context.now);
    backlog.catch_up(subscriber, &mut outgoing)?;
    Ok(Some(outgoing))
}

/// Sends an attempt to one subscriber that has caught up. It has no id: were the send window full of attempts, no
/// acknowledgement would ever free it.
fn send_attempt(context: &Context<'_>, subscriber: &mut Subscriber, text: &str) -> Option<Outgoing> {
    if !subscriber.caught_up || !subscriber.has_room_for_hint() || subscriber.is_expired(context.now) {
        return None;
    }
    let mut outgoing = Outgoing::default();
    subscriber.send(&mut outgoing, text.to_owned());
    Some(outgoing)
}
