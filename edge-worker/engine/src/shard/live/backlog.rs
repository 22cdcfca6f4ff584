//! The backlog: what is stored, as the messages of a stream, from where its subscriber has come to.

use vtryon_webhooks::Shards;

use super::message::{self, Gap};
use super::subscriber::{Outgoing, Subscriber};
use crate::protocol::live::cursor::{StreamCursor, StreamPosition};
use crate::protocol::live::{Subject, close};
use crate::shard::config::topology::ShardIndex;
use crate::shard::events::duplicates::Duplicates;
use crate::shard::sequence::{self, SequenceEntry, floors};
use crate::{Context, Result};

/// How many entries one statement reads.
const ENTRIES: i64 = 50;

/// What is stored in a shard, up to its last number.
pub(crate) struct Backlog<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) index: ShardIndex,
    pub(crate) duplicates: &'a Duplicates,
    pub(crate) last_seq: i64,
}

impl Backlog<'_> {
    /// Handles the acknowledgement of a message, and sends what could not be sent before it.
    pub(crate) fn acknowledge(&self, subscriber: &mut Subscriber, id: &str) -> Result<Outgoing> {
        let mut outgoing = Outgoing::default();
        let Some(shards) = Shards::new(self.index.shards) else { return Ok(outgoing) };
        let cursor = StreamCursor::parse(id, shards).ok();
        let acknowledged = cursor.and_then(|cursor| cursor.position(self.index.shard));
        let Some(StreamPosition::After(seq)) = acknowledged else {
            return Ok(Outgoing::close(close::NOT_TAKEN));
        };
        subscriber.acknowledge(seq, self.context.now);
        if !subscriber.caught_up {
            self.catch_up(subscriber, &mut outgoing)?;
        }
        Ok(outgoing)
    }

    /// Sends the backlog, as far ahead of the acknowledgements as the send window allows.
    pub(crate) fn catch_up(&self, subscriber: &mut Subscriber, outgoing: &mut Outgoing) -> Result<()> {
        let Context { db, deployment, .. } = *self.context;
        let (floor, rows) = (floors::pruned(db)?, deployment.page(ENTRIES));
        if subscriber.at.max(subscriber.floor) < floor {
            // Entries were pruned before this subscriber has received them.
            let gap = Gap { from: subscriber.at.max(subscriber.floor) + 1, to: floor, after: subscriber.at };
            subscriber.floor = floor;
            self.send_gap(subscriber, gap, outgoing)?;
        }
        loop {
            let page = match &subscriber.subject {
                Subject::Shard => sequence::after(db, subscriber.at, rows)?,
                Subject::Task { task_id } | Subject::State { task_id } => {
                    sequence::of_task_after(db, task_id, subscriber.at, rows)?
                }
            };
            for entry in &page {
                if subscriber.is_window_full() {
                    return Ok(());
                }
                let text = self.message(entry, subscriber.bodies)?;
                subscriber.at = entry.seq;
                if let Some(text) = text {
                    subscriber.send(outgoing, text);
                }
            }
            if (page.len() as i64) < rows {
                break;
            }
        }
        subscriber.at = subscriber.at.max(self.last_seq);
        subscriber.caught_up = true;
        if !subscriber.ready_sent {
            subscriber.ready_sent = true;
            subscriber.send(outgoing, message::ready(self.index, subscriber.at));
        }
        Ok(())
    }

    /// Sends the gap, and a snapshot.
    pub(crate) fn send_gap(
        &self,
        subscriber: &mut Subscriber,
        gap: Gap,
        outgoing: &mut Outgoing,
    ) -> Result<()> {
        subscriber.send(outgoing, message::gap(self.index, gap));
        self.send_snapshot(subscriber, outgoing)
    }

    /// Sends the latest tasks, or the one task that the stream is about.
    pub(crate) fn send_snapshot(&self, subscriber: &mut Subscriber, outgoing: &mut Outgoing) -> Result<()> {
        let task_id = match &subscriber.subject {
            Subject::Shard => None,
            Subject::Task { task_id } | Subject::State { task_id } => Some(task_id.as_str()),
        };
        let (db, at) = (self.context.db, subscriber.at);
        let text = message::snapshot(db, self.duplicates, self.index, task_id, at)?;
        subscriber.send(outgoing, text);
        Ok(())
    }

    /// Makes the message of an entry, where it has one.
    pub(crate) fn message(&self, entry: &SequenceEntry, bodies: bool) -> Result<Option<String>> {
        message::entry(self.context, self.duplicates, self.index, entry, bodies)
    }
}
