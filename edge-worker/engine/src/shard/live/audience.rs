//! Who watches a shard, and what has to be sent to them. Without an audience nothing is looked up or made.

use std::collections::BTreeMap;

use vtryon_webhooks::Digest;

use super::broadcast::{Broadcast, MAX_MISSED, Payload};
use super::message;
use super::subscriber::Subscriber;
use crate::Result;
use crate::protocol::delivery::seq_of;
use crate::shard::retention::erasure;
use crate::shard::sequence::{self, SequenceEntry};
use crate::shard::{deliveries, events};
use crate::storage::database::Database;

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

    /// Ends the streams of a task that was erased, which has its id where its rows are deleted.
    pub(crate) fn broadcast_erasure(&mut self, digest: Digest, task_id: Option<&str>) {
        if self.has_subscribers {
            self.broadcasts.push(Broadcast::new(Payload::Erased(digest), task_id));
        }
    }

    /// Reads the task of a delivery, where somebody watches.
    pub(crate) fn watched_task(&self, db: &dyn Database, delivery: i64) -> Result<Option<String>> {
        if self.has_subscribers { task_of(db, delivery) } else { Ok(None) }
    }

    /// Broadcasts the replay of a delivery, which has a number of its own.
    pub(crate) fn broadcast_replay(&mut self, seq: i64, delivery: i64, task_id: Option<&str>) {
        self.broadcast(SequenceEntry::replay(seq, delivery), task_id);
    }

    /// Broadcasts that a delivery was attempted, unless that can't be read. Subscribers that are behind do not receive it.
    pub(crate) fn broadcast_attempt(&mut self, db: &dyn Database, shard: u32, delivery: i64) {
        if !self.has_subscribers {
            return;
        }
        let Ok(Some(attempted)) = deliveries::rows::find(db, delivery) else { return };
        let Ok(task_id) = task_of(db, delivery) else { return };
        let text = message::attempt(shard, delivery, task_id.as_deref(), attempted.state.as_str());
        self.broadcasts.push(Broadcast::new(Payload::Attempt(text), task_id.as_deref()));
    }

    /// Sends the last entries to those who subscribed before this instance has started, for they may have missed them,
    /// and ends the streams of tasks that were erased. Each subscriber is looked at once, however much was stored: one of
    /// the shard by the last number, one of a task by the task's.
    pub(crate) fn catch_up_missed(&mut self, db: &dyn Database, last_seq: i64) -> Result<()> {
        let mut latest = BTreeMap::new();
        for entry in sequence::after(db, last_seq - MAX_MISSED, MAX_MISSED)? {
            latest.insert(None, entry.seq);
            if entry.is_erasure {
                let erased = erasure::find(db, entry.seq)?;
                if let Some(digest) = erased.and_then(|(digest, _)| Digest::from_hex(&digest)) {
                    self.broadcast_erasure(digest, None);
                }
            } else if let Some(task_id) =
                events::find(db, entry.event_seq())?.and_then(|stored| stored.task_id)
            {
                latest.insert(Some(task_id), entry.seq);
            }
        }
        for (task_id, seq) in &latest {
            self.broadcasts.push(Broadcast::new(Payload::Missed(*seq), task_id.as_deref()));
        }
        Ok(())
    }
}

/// Returns the task of a delivery; none of an alert.
fn task_of(db: &dyn Database, delivery: i64) -> Result<Option<String>> {
    Ok(events::find_deliverable(db, seq_of(delivery))?.and_then(|stored| stored.task_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::live::{Start, Subject, Subscription};
    use vtryon_webhooks::Millis;

    fn subscriber(subject: Subject) -> Subscriber {
        let subscription =
            Subscription { subject, start: Start::Now, bodies: false, until: None, send_window: 1 };
        Subscriber::new(subscription, 0, 0, Millis(0))
    }

    #[test]
    fn nothing_is_broadcast_before_somebody_subscribes() {
        let tasks = |audience: &mut Audience| -> Vec<Option<String>> {
            let broadcasts = audience.take_broadcasts();
            broadcasts.iter().map(|broadcast| broadcast.task_id().map(ToOwned::to_owned)).collect()
        };
        let erase = |audience: &mut Audience, task_id| {
            audience.broadcast_erasure(Digest::of_task(task_id), Some(task_id));
        };
        let mut audience = Audience::new(0, 0);
        audience.broadcast(SequenceEntry::event(1), None);
        erase(&mut audience, "t1");
        assert!(tasks(&mut audience).is_empty());
        audience.subscribed();
        audience.broadcast(SequenceEntry::event(2), None);
        erase(&mut audience, "t2");
        assert_eq!(tasks(&mut audience), [None, Some("t2".to_owned())]);
        assert!(tasks(&mut audience).is_empty(), "they are taken once");
        let mut restored = Audience::new(1, 0);
        erase(&mut restored, "t3");
        assert_eq!(
            tasks(&mut restored).len(),
            1,
            "those whose sockets have outlived an instance still watch"
        );
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn nothing_is_broadcast_of_a_delivery_whose_task_can_not_be_read() -> Result<()> {
        const DELIVERY: &str =
            "INSERT INTO deliveries (no, endpoint, state, created_at, scheduled_at, failed_attempts,
            replay_count, attempts) VALUES (65537, 1, 'pending', 0, 0, 0, 0, '[]')";
        let db: &dyn Database = &crate::shard::testing::database()?;
        db.run(DELIVERY, &[])?;
        let mut audience = Audience::new(1, 0);
        audience.broadcast_attempt(db, 0, 65_537);
        assert_eq!(audience.take_broadcasts().len(), 1);
        db.run("DROP TABLE events", &[])?;
        audience.broadcast_attempt(db, 0, 65_537);
        assert!(audience.take_broadcasts().is_empty());
        assert!(audience.watched_task(db, 65_537).is_err(), "its replay is not stored either");
        Ok(())
    }

    #[test]
    fn ticket_holders_alone_are_counted() {
        let holder = subscriber(Subject::State { task_id: "t1".to_owned() });
        let mut audience = Audience::new(9, 1);
        assert!(audience.is_full(1) && !audience.is_full(2));
        audience.opened(&subscriber(Subject::Shard));
        assert!(!audience.is_full(2));
        audience.opened(&holder);
        assert!(audience.is_full(2));
        audience.closed(&subscriber(Subject::Task { task_id: "t1".to_owned() }));
        assert!(audience.is_full(2));
        (0..3).for_each(|_| audience.closed(&holder));
        assert!(!audience.is_full(1), "a socket that closes twice counts for none");
        audience.opened(&holder);
        assert!(audience.is_full(1));
    }
}
