//! The queue of broadcasts: entries are sent after the answer to the sender, in the order of their numbers, to
//! a limited number of sockets at a time, so that the shard answers other requests in between.
//!
//! The queue is in memory only. An object does not hibernate while the queue is not empty. Where an instance
//! has ended all the same and its sockets have not, the next instance sends them what they have missed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use worker::Delay;

use super::broadcast::{Broadcast, Payload};
use super::log::{self, LogEntry};
use crate::objects::shard::{TaskShard, events};
use crate::testing::faults;

/// How many broadcasts are queued at most. Where there are more, a request that stores an event first sends the
/// oldest: so a shard that receives more than it can broadcast does not fall behind without a bound.
const MOST: i64 = 50;

/// How many sockets are sent to before other requests have their turn: some milliseconds of work.
const TURN: usize = 100;

/// The broadcasts that are not sent yet, the oldest first.
#[derive(Default)]
pub(in crate::objects::shard) struct BroadcastQueue {
    queue: RefCell<VecDeque<Broadcast>>,
    /// Whether the queue is being drained.
    is_draining: Cell<bool>,
}

impl TaskShard {
    /// Queues an entry that was just stored.
    pub(in crate::objects::shard) fn broadcast(&self, entry: LogEntry, task_id: Option<&str>) {
        if self.memory.has_subscribers.get() && !faults::skips_broadcast(task_id) {
            self.queue_broadcast(Broadcast::new(Payload::Entry(entry), task_id));
        }
    }

    /// Sends the last entries to those that subscribed before this instance, for they may have missed them.
    /// Each subscriber is looked at once, however much was stored: one of the shard by the last number, one of
    /// a task by the task's.
    pub(in crate::objects::shard) fn catch_up_missed(&self) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let mut latest = BTreeMap::new();
        for entry in log::after(&sql, self.last_seq() - MOST, MOST)? {
            latest.insert(None, entry.seq);
            if let Some(task_id) = events::find(&sql, entry.of())?.and_then(|stored| stored.task_id) {
                latest.insert(Some(task_id), entry.seq);
            }
        }
        for (task_id, seq) in &latest {
            self.queue_broadcast(Broadcast::new(Payload::Missed(*seq), task_id.as_deref()));
        }
        Ok(())
    }

    /// Appends to the queue.
    pub(super) fn queue_broadcast(&self, broadcast: Broadcast) {
        let BroadcastQueue { queue, is_draining } = &self.memory.broadcast_queue;
        while queue.borrow().len() >= MOST as usize {
            let mut all = usize::MAX;
            self.send_first(&mut all);
        }
        queue.borrow_mut().push_back(broadcast);
        if !is_draining.replace(true) {
            let shard = self.clone();
            self.state.wait_until(async move { shard.drain_broadcasts().await });
        }
    }

    /// Drains the queue, and lets other requests have their turn: first of all the answer to the sender.
    async fn drain_broadcasts(&self) {
        let BroadcastQueue { queue, is_draining } = &self.memory.broadcast_queue;
        while !queue.borrow().is_empty() {
            Delay::from(Duration::ZERO).await;
            faults::before_broadcast().await;
            let mut left = TURN;
            while left > 0 && !queue.borrow().is_empty() {
                self.send_first(&mut left);
            }
        }
        is_draining.set(false);
    }

    /// Sends the first broadcast of the queue to at most `left` sockets. A failure of a subscriber does not
    /// fail the event.
    fn send_first(&self, left: &mut usize) {
        let queue = &self.memory.broadcast_queue.queue;
        let Some(mut broadcast) = queue.borrow_mut().pop_front() else { return };
        match catch_unwind(AssertUnwindSafe(|| self.send_broadcast(&mut broadcast, left))) {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => queue.borrow_mut().push_front(broadcast),
            Ok(Err(_)) | Err(_) => self.close_for_resume(&broadcast),
        }
    }
}
