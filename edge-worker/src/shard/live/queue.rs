//! What was just stored waits here to be shown: after the answer to whoever sent it, in the order of the numbers, to
//! some of the sockets at a time, so that what else the shard is asked is answered in between.
//!
//! The queue is in memory alone. An object is not put to sleep before it is empty; where one has ended all the same
//! and its sockets have not, the next instance looks at what was stored last and shows what they have missed.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use worker::Delay;

use super::log::{self, Entry};
use super::show::{Showing, What};
use crate::faults;
use crate::shard::{TaskShard, events};
use crate::sorted::Sorted;

/// How much waits at most. Where there is more, whoever stores it waits until the first is shown: a shard that is
/// told more than it can show does not fall behind without an end.
const MOST: i64 = 50;

/// How many sockets are shown something before others have their turn: some milliseconds of work.
const TURN: usize = 100;

/// What is not shown yet, the oldest first.
#[derive(Default)]
pub(in crate::shard) struct Unshown {
    queue: RefCell<VecDeque<Showing>>,
    /// Whether it is being worked off.
    is_showing: Cell<bool>,
}

impl TaskShard {
    /// Has an entry that was just stored shown to whoever watches.
    pub(in crate::shard) fn show_live(&self, entry: Entry, task_id: Option<&str>) {
        if self.memory.is_watched.get() && !faults::is_unshown(task_id) {
            self.wait_to_show(Showing::new(What::Entry(entry), task_id));
        }
    }

    /// Has all that was stored last looked at by those who watch since before this instance: they may have missed it.
    /// Each viewer is looked at once, however much was stored: one of the shard by the last number, one of a task by
    /// the task's.
    pub(in crate::shard) fn show_missed(&self) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let mut latest = Sorted::default();
        for entry in log::after(&sql, self.last_seq() - MOST, MOST)? {
            latest.insert(None, entry.seq);
            if let Some(task_id) = events::find(&sql, entry.of())?.and_then(|kept| kept.task_id) {
                latest.insert(Some(task_id), entry.seq);
            }
        }
        for (task_id, seq) in latest.iter() {
            self.wait_to_show(Showing::new(What::Missed(*seq), task_id.as_deref()));
        }
        Ok(())
    }

    /// Puts something at the end of the queue.
    pub(super) fn wait_to_show(&self, showing: Showing) {
        let Unshown { queue, is_showing } = &self.memory.unshown;
        while queue.borrow().len() >= MOST as usize {
            let mut all = usize::MAX;
            self.show_first(&mut all);
        }
        queue.borrow_mut().push_back(showing);
        if !is_showing.replace(true) {
            let shard = self.clone();
            self.state.wait_until(async move { shard.show_all().await });
        }
    }

    /// Works the queue off, and lets others have their turn: first of all the answer to whoever sent this.
    async fn show_all(&self) {
        let Unshown { queue, is_showing } = &self.memory.unshown;
        while !queue.borrow().is_empty() {
            Delay::from(Duration::ZERO).await;
            faults::before_showing().await;
            let mut left = TURN;
            while left > 0 && !queue.borrow().is_empty() {
                self.show_first(&mut left);
            }
        }
        is_showing.set(false);
    }

    /// Shows what is first in the queue to so many sockets. No viewer's fault is the event's.
    fn show_first(&self, left: &mut usize) {
        let queue = &self.memory.unshown.queue;
        let Some(mut showing) = queue.borrow_mut().pop_front() else { return };
        match catch_unwind(AssertUnwindSafe(|| self.show_to(&mut showing, left))) {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => queue.borrow_mut().push_front(showing),
            Ok(Err(_)) | Err(_) => self.give_up(&showing),
        }
    }
}
