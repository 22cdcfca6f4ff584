//! Live streams of a shard: subscribers receive what is stored, in the order of sequence numbers. The whole state of a
//! subscriber is a text that its socket carries, so that the shard may hibernate.
//!
//! A subscriber has caught up, or is behind. One that has caught up receives broadcasts at once. One that is behind,
//! because it resumes or reads more slowly than events arrive, is sent the backlog from the database, as far ahead of
//! its acknowledgements as its send window allows.

pub(crate) mod broadcast;
mod message;
pub(crate) mod state;
pub(crate) mod subscribe;
pub(crate) mod subscriber;

use vtryon_webhooks::{Digest, Shards};

use self::subscriber::{Outgoing, Subscriber};
use super::topology::ShardIndex;
use super::{Shard, sequence};
use crate::protocol::close;
use crate::protocol::cursor::{StreamCursor, StreamPosition};
use crate::protocol::live::{MAX_ACK_BYTES, Subject, acknowledged};
use crate::{Context, Result};

/// How many entries one statement reads.
const ENTRIES: i64 = 50;

/// How many ticket holders may watch one task at the same time: the shell closes the oldest one for another.
pub const MAX_TICKET_SOCKETS_OF_TASK: usize = 100;

/// The tag of all sockets that a ticket opened.
pub const TICKET_TAG: &str = "page";

/// Returns the tag of the sockets with a subject.
fn subject_tag(subject: &Subject) -> String {
    let of_task = |kind, task_id: &str| format!("{kind}:{}", Digest::of_task(task_id).to_hex());
    match subject {
        Subject::Shard => "shard".to_owned(),
        Subject::Task { task_id } => of_task("task", task_id),
        Subject::State { task_id } => of_task("state", task_id),
    }
}

impl ShardIndex {
    /// Returns the id of the message with a sequence number: a cursor.
    fn cursor(self, seq: i64) -> String {
        StreamCursor::at(self.shards, self.shard, StreamPosition::After(seq)).to_string()
    }
}

/// Entries that were pruned: the first and the last number.
pub(crate) struct Gap {
    from: i64,
    to: i64,
    /// The position of a client that received the gap but not the snapshot: it receives both again.
    after: i64,
}

/// Who watches.
#[derive(Default)]
pub(crate) struct Audience {
    /// Whether anybody watches, or did so since this instance has started.
    has_subscribers: bool,
    /// How many watch with a ticket.
    ticket_holders: usize,
}

impl Audience {
    pub(crate) const fn new(subscribers: usize, ticket_holders: usize) -> Self {
        Self { has_subscribers: subscribers > 0, ticket_holders }
    }

    pub(crate) const fn has_subscribers(&self) -> bool {
        self.has_subscribers
    }
}

impl Shard {
    /// Counts a socket that was opened. Until it is closed, [`Shard::closed`] has to be called once.
    pub const fn opened(&mut self, subscriber: &Subscriber) {
        if subscriber.is_ticket_holder() {
            self.live.ticket_holders += 1;
        }
    }

    /// Counts a socket that was closed.
    pub const fn closed(&mut self, subscriber: &Subscriber) {
        if subscriber.is_ticket_holder() {
            self.live.ticket_holders = self.live.ticket_holders.saturating_sub(1);
        }
    }

    /// Handles a message of a client; `None` is one that is no text. It may acknowledge messages, and nothing else. The
    /// cheapest checks come first.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn on_message(
        &self,
        context: &Context<'_>,
        subscriber: &mut Subscriber,
        text: Option<&str>,
    ) -> Result<Outgoing> {
        if subscriber.is_expired(context.now) {
            return Ok(Outgoing::close(close::EXPIRED));
        }
        if subscriber.is_ticket_holder() {
            // The Worker forwards nothing that a ticket holder sends.
            return Ok(Outgoing::close(close::TAKES_NOTHING));
        }
        let id = text.and_then(|text| acknowledged(text, MAX_ACK_BYTES));
        let Some(id) = id else { return Ok(Outgoing::close(close::NOT_TAKEN)) };
        let mut outgoing = Outgoing::default();
        // A shard that has stored nothing yet has nothing to catch up with.
        let Ok(index) = self.topology.index() else { return Ok(outgoing) };
        let Some(shards) = Shards::new(index.shards) else { return Ok(outgoing) };
        let cursor = StreamCursor::parse(&id, shards).ok();
        let acknowledged = cursor.and_then(|cursor| cursor.position(index.shard));
        let Some(StreamPosition::After(seq)) = acknowledged else {
            return Ok(Outgoing::close(close::NOT_TAKEN));
        };
        subscriber.acknowledge(seq, context.now);
        if !subscriber.caught_up {
            self.catch_up(context, subscriber, index, &mut outgoing)?;
        }
        Ok(outgoing)
    }

    /// Sends the backlog, as far ahead of the acknowledgements as the send window allows.
    fn catch_up(
        &self,
        context: &Context<'_>,
        subscriber: &mut Subscriber,
        index: ShardIndex,
        outgoing: &mut Outgoing,
    ) -> Result<()> {
        let db = context.db;
        let floor = sequence::floor(db)?;
        if subscriber.at.max(subscriber.floor) < floor {
            // Entries were pruned before this subscriber has received them.
            let gap = Gap { from: subscriber.at.max(subscriber.floor) + 1, to: floor, after: subscriber.at };
            subscriber.floor = floor;
            self.send_gap(context, subscriber, index, gap, outgoing)?;
        }
        loop {
            let page = match &subscriber.subject {
                Subject::Shard => sequence::after(db, subscriber.at, ENTRIES)?,
                Subject::Task { task_id } | Subject::State { task_id } => {
                    sequence::of_task_after(db, task_id, subscriber.at, ENTRIES)?
                }
            };
            for entry in &page {
                if subscriber.is_window_full() {
                    return Ok(());
                }
                let text = self.entry_message(context, entry, subscriber.bodies)?;
                subscriber.at = entry.seq;
                if let Some(text) = text {
                    subscriber.send(outgoing, text);
                }
            }
            if (page.len() as i64) < ENTRIES {
                break;
            }
        }
        subscriber.at = subscriber.at.max(self.last_seq);
        subscriber.caught_up = true;
        if !subscriber.ready_sent {
            subscriber.ready_sent = true;
            subscriber.send(outgoing, message::ready(index, subscriber.at));
        }
        Ok(())
    }
}
