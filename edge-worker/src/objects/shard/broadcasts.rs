//! The queue of broadcasts: they are sent after the answer to the sender, in their order, to a limited number of sockets
//! at a time, so that the shard answers other requests in between. Where the queue is too long, the oldest are sent before
//! the next decision.
//!
//! The queue is in memory only. An object does not hibernate while the queue is not empty. Where an instance has ended
//! all the same and its sockets have not, the next instance sends them what they have missed.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use std::vec::IntoIter;

use vtryon_gateway_engine::Context;
use vtryon_gateway_engine::protocol::live::{MAX_QUEUED, close};
use vtryon_gateway_engine::shard::{Broadcast, Shard};
use worker::{Delay, WebSocket, console_error, web_sys};

use super::{TaskShard, attachment, fault, sockets};
use crate::testing::faults;

/// How many sockets are sent to before other requests have their turn: some milliseconds of work.
const TURN: usize = 100;

/// The broadcasts that are not sent yet, the oldest first.
#[derive(Default)]
pub(super) struct BroadcastQueue {
    queue: RefCell<VecDeque<Queued>>,
    /// Whether the queue is being drained.
    is_draining: Cell<bool>,
}

/// A broadcast, and the sockets that have not received it yet. They are looked up at its turn: later ones read it from
/// the storage.
struct Queued {
    broadcast: Broadcast,
    sockets: Option<IntoIter<WebSocket>>,
}

impl TaskShard {
    /// Queues broadcasts, to be sent when others have had their turn.
    pub(super) fn queue(&self, broadcasts: Vec<Broadcast>) {
        for broadcast in broadcasts {
            if broadcast.is_new_entry() && faults::skips_broadcast(broadcast.task_id()) {
                continue;
            }
            if let Some(erased) = broadcast.erased_task() {
                let is_other = |queued: &Queued| queued.broadcast.task_id() != Some(erased);
                self.broadcasts.queue.borrow_mut().retain(is_other);
            }
            self.broadcasts.queue.borrow_mut().push_back(Queued { broadcast, sockets: None });
        }
        if !self.broadcasts.queue.borrow().is_empty() && !self.broadcasts.is_draining.replace(true) {
            let shard = self.clone();
            self.state.wait_until(async move { shard.drain_broadcasts().await });
        }
    }

    /// Returns how many broadcasts are not sent yet.
    pub(super) fn queued_broadcasts(&self) -> usize {
        self.broadcasts.queue.borrow().len()
    }

    /// Sends the oldest broadcasts of a queue that is too long, before a decision: so a shard that receives more than it can
    /// broadcast does not fall behind without a bound. Nothing is awaited, or calls would overtake each other, and an attempt
    /// that was made would not be stored yet.
    pub(super) fn bound_broadcasts(&self) {
        let mut unlimited = usize::MAX;
        while self.queued_broadcasts() > MAX_QUEUED {
            self.send_first(&mut unlimited);
        }
    }

    /// Drains the queue, and lets other requests have their turn: first of all the answer to the sender.
    async fn drain_broadcasts(&self) {
        while self.queued_broadcasts() > 0 {
            Delay::from(Duration::ZERO).await;
            faults::before_broadcast().await;
            self.send_turn();
        }
        self.broadcasts.is_draining.set(false);
    }

    /// Sends to as many sockets as one turn has.
    fn send_turn(&self) {
        let mut left = faults::limited(TURN);
        while left > 0 && self.queued_broadcasts() > 0 {
            self.send_first(&mut left);
        }
    }

    /// Sends the first broadcast of the queue to at most `left` sockets. A failure of a subscriber does not
    /// fail the event.
    fn send_first(&self, left: &mut usize) {
        let Some(mut first) = self.broadcasts.queue.borrow_mut().pop_front() else { return };
        match catch_unwind(AssertUnwindSafe(|| self.send_broadcast(&mut first, left))) {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => self.broadcasts.queue.borrow_mut().push_front(first),
            Ok(Err(_)) | Err(_) => self.close_for_resume(&first.broadcast),
        }
    }

    /// Sends a broadcast to at most `left` subscribers; returns whether all have it.
    fn send_broadcast(&self, queued: &mut Queued, left: &mut usize) -> worker::Result<bool> {
        let Queued { broadcast, sockets } = queued;
        let sockets = sockets.get_or_insert_with(|| self.sockets(&broadcast.tags()).into_iter());
        *left = left.saturating_sub(1);
        let is_sent = self.with_engine(|engine, context| {
            for socket in sockets {
                if let Err(error) = send_to(&socket, engine, context, broadcast) {
                    // A client that has left is no error.
                    if socket.as_ref().ready_state() == web_sys::WebSocket::OPEN {
                        console_error!("live: {error}");
                    }
                    sockets::close(&socket, close::FAULT);
                }
                if *left == 0 {
                    return Ok(false);
                }
                *left -= 1;
            }
            Ok(true)
        })?;
        if is_sent {
            self.send_state(broadcast)?;
        }
        Ok(is_sent)
    }

    /// Sends the state of a broadcast's task to the ticket holders who watch it, where it has changed. They are few.
    fn send_state(&self, broadcast: &Broadcast) -> worker::Result<()> {
        let holders = self.sockets(broadcast.ticket_tag().as_slice());
        if holders.is_empty() {
            return Ok(());
        }
        let state = self.with_engine(|engine, context| engine.ticket_state(context, broadcast))?;
        let Some(state) = state else { return Ok(()) };
        for holder in holders {
            let sent = attachment::read(&holder).and_then(|mut subscriber| {
                let outgoing = self.with_engine(|_, context| Ok(state.send(context, &mut subscriber)))?;
                outgoing.map_or(Ok(()), |outgoing| sockets::send(&holder, &subscriber, &outgoing))
            });
            if sent.is_err() {
                sockets::close(&holder, close::FAULT);
            }
        }
        Ok(())
    }

    /// Closes the sockets that may not have received a broadcast, so that their clients resume.
    fn close_for_resume(&self, broadcast: &Broadcast) {
        console_error!("live: an entry was not sent to all: they have to resume");
        let mut tags = broadcast.tags();
        tags.extend(broadcast.ticket_tag());
        self.sockets(&tags).iter().for_each(|socket| sockets::close(socket, close::FAULT));
    }

    fn sockets(&self, tags: &[String]) -> Vec<WebSocket> {
        tags.iter().flat_map(|tag| self.state.get_websockets_with_tag(tag)).collect()
    }
}

/// Sends a broadcast to one subscriber.
fn send_to(
    socket: &WebSocket,
    engine: &Shard,
    context: &Context<'_>,
    broadcast: &mut Broadcast,
) -> worker::Result<()> {
    let mut subscriber = attachment::read(socket)?;
    let outgoing = engine.send_broadcast(context, broadcast, &mut subscriber).map_err(fault)?;
    outgoing.map_or(Ok(()), |outgoing| sockets::send(socket, &subscriber, &outgoing))
}
