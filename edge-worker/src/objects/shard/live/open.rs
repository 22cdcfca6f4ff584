//! Opens a socket, and sends its first messages.

use vtryon_webhooks::Millis;
use worker::{Response, WebSocket, WebSocketPair};

use super::state::PageState;
use super::subscriber::Subscriber;
use super::{OVER, PAGE, STUCK, ShardPosition, end, log, message, tag};
use crate::objects::shard::TaskShard;
use crate::platform::clock;
use crate::protocol::cursor::StreamPosition;
use crate::protocol::live::{LIVE_CURSOR, Start, Subject, Subscription};
use crate::testing::faults;

/// How many pages may show one task at the same time, and all tasks of the shard.
const PAGES: usize = 100;
const PAGES_OF_SHARD: usize = 5000;

/// Where a stream begins.
struct Found {
    /// After which number.
    at: i64,
    /// Up to which number it knows what was pruned.
    floor: i64,
    /// The position before the first message.
    begins: StreamPosition,
    gap: Option<Gap>,
}

/// Entries that were pruned: the first and the last number.
pub(super) struct Gap {
    pub(super) from: i64,
    pub(super) to: i64,
    /// The position of a client that received the gap but not the snapshot: it receives both again.
    pub(super) after: i64,
}

impl TaskShard {
    /// Opens a socket, and sends the first messages.
    pub(in crate::objects::shard) fn subscribe(
        &self,
        subscription: Subscription,
        position: ShardPosition,
    ) -> worker::Result<Response> {
        let now = clock::now();
        let mut state = None;
        if let Subject::State { task_id, .. } = &subscription.subject {
            let found = self.state_of(task_id)?;
            if let Start::After(seen) = subscription.start {
                // What a token may be resumed by goes with its task; a ticket is new.
                if found.is_past(now) {
                    return Ok(Response::empty()?.with_status(401));
                }
                if found.is_final() && found.seq <= seen {
                    return Ok(Response::empty()?.with_status(204));
                }
            }
            state = Some(found);
        }
        let is_page = matches!(subscription.subject, Subject::State { .. });
        if is_page && self.memory.pages.get() >= faults::limited(PAGES_OF_SHARD) {
            return Ok(Response::ok("too many pages watch this shard: come again later")?.with_status(503));
        }
        self.make_room(&subscription.subject);
        let pair = WebSocketPair::new()?;
        let socket = &pair.server;
        let mut tags = vec![tag(&subscription.subject)];
        if is_page {
            tags.push(PAGE.to_owned());
        }
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        self.state.accept_websocket_with_tags(socket, &tags);
        self.memory.has_subscribers.set(true);
        let Found { at, floor, begins, gap } = self.found(subscription.start, now)?;
        let start = subscription.start;
        let mut subscriber = Subscriber::new(subscription, at, floor, now);
        match state {
            Some(state) => self.begin_state(socket, &mut subscriber, start, &state)?,
            None => self.begin_stream(socket, &mut subscriber, start, position, gap)?,
        }
        subscriber.save(socket)?;
        // Counted once its attachment is there, by which `on_close` recognises it.
        if is_page {
            self.memory.pages.update(|pages| pages + 1);
        }
        let mut response = Response::from_websocket(pair.client)?;
        response.headers_mut().set(LIVE_CURSOR, &begins.to_string())?;
        Ok(response)
    }

    /// Counts the pages that are open since before this instance, and whether anybody watches.
    pub(in crate::objects::shard) fn find_sockets(&self) {
        self.memory.has_subscribers.set(!self.state.get_websockets().is_empty());
        if self.memory.has_subscribers.get() {
            self.memory.pages.set(self.state.get_websockets_with_tag(PAGE).len());
        }
    }

    /// Counts the closing of a socket.
    pub(in crate::objects::shard) fn on_close(&self, socket: &WebSocket) {
        if Subscriber::of(socket).is_ok_and(|subscriber| matches!(subscriber.subject, Subject::State { .. }))
        {
            self.memory.pages.update(|pages| pages.saturating_sub(1));
        }
    }

    /// Closes the oldest page of a task that has too many, so that no ticket fills the shard.
    fn make_room(&self, subject: &Subject) {
        if let Subject::State { .. } = subject {
            let pages = self.state.get_websockets_with_tag(&tag(subject));
            if let Some(first) = pages.first().filter(|_| pages.len() >= PAGES) {
                end(first, STUCK);
            }
        }
    }

    /// Sends a snapshot, or what was stored since the cursor.
    fn begin_stream(
        &self,
        socket: &WebSocket,
        subscriber: &mut Subscriber,
        start: Start,
        position: ShardPosition,
        gap: Option<Gap>,
    ) -> worker::Result<()> {
        match gap {
            Some(gap) => self.send_gap(socket, subscriber, position, gap)?,
            None if matches!(start, Start::Now) => self.send_snapshot(socket, subscriber, position)?,
            None => {}
        }
        self.catch_up(socket, subscriber, position)
    }

    /// Sends the gap, and a snapshot.
    pub(super) fn send_gap(
        &self,
        socket: &WebSocket,
        subscriber: &mut Subscriber,
        position: ShardPosition,
        gap: Gap,
    ) -> worker::Result<()> {
        subscriber.send(socket, &message::gap(position, gap))?;
        self.send_snapshot(socket, subscriber, position)
    }

    fn send_snapshot(
        &self,
        socket: &WebSocket,
        subscriber: &mut Subscriber,
        position: ShardPosition,
    ) -> worker::Result<()> {
        let task_id = match &subscriber.subject {
            Subject::Shard => None,
            Subject::Task { task_id } | Subject::State { task_id } => Some(task_id.as_str()),
        };
        let text = self.snapshot(position, task_id, subscriber.at)?;
        subscriber.send(socket, &text)
    }

    /// Finds where a stream begins, and what of it was pruned.
    fn found(&self, start: Start, now: Millis) -> worker::Result<Found> {
        let sql = self.state.storage().sql();
        let last = self.last_seq();
        let floor = log::floor(&sql)?;
        // What was pruned before is a gap for one that goes on below it, and is found as it catches up.
        let (at, floor, gap) = match start {
            Start::Now => (last, floor, None),
            // The storage was set back to an earlier point: what this one has seen is no more.
            Start::After(seq) if seq > last => {
                (last, floor, Some(Gap { from: last + 1, to: seq, after: seq }))
            }
            Start::After(seq) => (seq, seq, None),
            Start::Since(time) => {
                let hours = self.config()?.retention_hours;
                let is_kept = time >= now.plus_seconds(-3600 * i64::from(hours)) || floor == 0;
                let gap = (!is_kept).then_some(Gap { from: 1, to: floor, after: 0 });
                (log::before_time(&sql, time, last)?, floor, gap)
            }
        };
        let begins = match start {
            Start::Now => StreamPosition::Snapshot,
            Start::After(_) | Start::Since(_) => {
                StreamPosition::After(gap.as_ref().map_or(at, |gap| gap.after))
            }
        };
        Ok(Found { at, floor, begins, gap })
    }

    /// Sends the state of its task to a page that has not received it yet.
    fn begin_state(
        &self,
        socket: &WebSocket,
        subscriber: &mut Subscriber,
        start: Start,
        state: &PageState,
    ) -> worker::Result<()> {
        let (Subject::State { task_id }, Some(until)) = (&subscriber.subject, subscriber.until) else {
            return Ok(());
        };
        let kind = match start {
            Start::After(seen) if state.seq <= seen => return Ok(()),
            Start::After(_) => "update",
            Start::Now | Start::Since(_) => "snapshot",
        };
        let text = state.message(kind, task_id, until, &*self.config()?);
        subscriber.at = state.seq;
        subscriber.send(socket, &text)?;
        if state.is_final() {
            end(socket, OVER);
        }
        Ok(())
    }
}
