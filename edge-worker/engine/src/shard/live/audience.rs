//! Who watches a shard, and what has to be sent to them. Without an audience nothing is looked up or made.

use std::collections::BTreeMap;

use super::broadcast::{Broadcast, MAX_QUEUED, Payload};
use super::message;
use super::subscriber::Subscriber;
use crate::Result;
use crate::database::Database;
use crate::protocol::delivery::seq_of;
use crate::shard::sequence::{self, SequenceEntry};
use crate::shard::{deliveries, events};

/// Who watches, as far as it is not in the attachments of sockets, and the broadcasts to send.
#[derive(Default)]
pub(crate) struct Audience {
    /// Whether anybody watches, or did so since this instance has started.
    has_subscribers: bool,
    /// How many watch with a ticket.
    ticket_holders: usize,
    /// What the shell has not taken yet.
    broadcasts: Vec<Broadcast>,
    /// How many broadcasts the shell has taken and not sent yet.
    pub(crate) queued: usize,
}

impl Audience {
    pub(crate) fn new(subscribers: usize, ticket_holders: usize) -> Self {
        Self { has_subscribers: subscribers > 0, ticket_holders, ..Self::default() }
    }

    /// Notes that somebody subscribes.
    pub(crate) const fn subscribed(&mut self) {
        self.has_subscribers = true;
    }

    /// Returns whether as many ticket holders watch as may.
    pub(crate) const fn is_full(&self, max_ticket_holders: usize) -> bool {
        self.ticket_holders >= max_ticket_holders
    }

    /// Counts a socket that was opened.
    pub(crate) const fn opened(&mut self, subscriber: &Subscriber) {
        if subscriber.is_ticket_holder() {
            self.ticket_holders += 1;
        }
    }

    /// Counts a socket that was closed.
    pub(crate) const fn closed(&mut self, subscriber: &Subscriber) {
        if subscriber.is_ticket_holder() {
            self.ticket_holders = self.ticket_holders.saturating_sub(1);
        }
    }

    /// Hands over what has to be sent.
    pub(crate) fn take_broadcasts(&mut self) -> Vec<Broadcast> {
        std::mem::take(&mut self.broadcasts)
    }

    /// Broadcasts an entry that was just stored.
    pub(crate) fn broadcast(&mut self, entry: SequenceEntry, task_id: Option<&str>) {
        if self.has_subscribers {
            self.broadcasts.push(Broadcast::new(Payload::Entry(entry), task_id));
        }
    }

    /// Ends the streams of a task that was erased.
    pub(crate) fn broadcast_erasure(&mut self, task_id: &str) {
        if self.has_subscribers {
            self.broadcasts.push(Broadcast::new(Payload::Erased, Some(task_id)));
        }
    }

    /// Broadcasts the replay of a delivery, which has a number of its own.
    pub(crate) fn broadcast_replay(&mut self, db: &dyn Database, seq: i64, delivery: i64) {
        if self.has_subscribers {
            let task_id = task_of(db, delivery);
            self.broadcast(SequenceEntry::replay(seq, delivery), task_id.as_deref());
        }
    }

    /// Broadcasts that a delivery was attempted. Subscribers that are behind do not receive it.
    pub(crate) fn broadcast_attempt(&mut self, db: &dyn Database, shard: u32, delivery: i64) {
        if !self.has_subscribers {
            return;
        }
        let Ok(Some(attempted)) = deliveries::rows::find(db, delivery) else { return };
        let task_id = task_of(db, delivery);
        let text = message::attempt(shard, delivery, task_id.as_deref(), attempted.state.as_str());
        self.broadcasts.push(Broadcast::new(Payload::Attempt(text), task_id.as_deref()));
    }

    /// Sends the last entries to those who subscribed before this instance has started, for they may have missed them.
    /// Each subscriber is looked at once, however much was stored: one of the shard by the last number, one of a task
    /// by the task's.
    pub(crate) fn catch_up_missed(&mut self, db: &dyn Database, last_seq: i64) -> Result<()> {
        let mut latest = BTreeMap::new();
        for entry in sequence::after(db, last_seq - MAX_QUEUED as i64, MAX_QUEUED as i64)? {
            latest.insert(None, entry.seq);
            if let Some(task_id) = events::find(db, entry.event_seq())?.and_then(|stored| stored.task_id) {
                latest.insert(Some(task_id), entry.seq);
            }
        }
        for (task_id, seq) in &latest {
            self.broadcasts.push(Broadcast::new(Payload::Missed(*seq), task_id.as_deref()));
        }
        Ok(())
    }
}

/// Returns the task of a delivery. A fault is none: nobody waits for the broadcast.
fn task_of(db: &dyn Database, delivery: i64) -> Option<String> {
    events::find_deliverable(db, seq_of(delivery)).ok().flatten().and_then(|stored| stored.task_id)
}
