//! Live streams of a shard: sockets that receive what is stored, in the order of sequence numbers. They
//! hibernate: the whole state of a subscriber is in its socket's attachment.
//!
//! A subscriber has caught up, or is behind. One that has caught up receives broadcasts at once. One that is
//! behind, because it resumes or reads more slowly than events arrive, is sent the backlog from the storage, as
//! far ahead of its acknowledgements as its send window allows.

mod broadcast;
mod broadcast_queue;
mod log;
mod message;
mod open;
mod state;
mod subscriber;

use std::rc::Rc;

use vtryon_webhooks::{Digest, Shards};
use worker::{WebSocket, WebSocketIncomingMessage};

pub(super) use self::broadcast_queue::BroadcastQueue;
pub(super) use self::log::{LogEntry, before_time};
use self::open::Gap;
use self::subscriber::Subscriber;
use super::TaskShard;
use crate::config::Config;
use crate::platform::clock;
use crate::protocol::cursor::StreamCursor;
use crate::protocol::cursor::StreamPosition;
use crate::protocol::live::{FINAL, Subject, acknowledged};

/// How long an acknowledgement may be, in bytes.
const LONGEST: usize = 1024;

/// How many entries one statement reads.
const ENTRIES: i64 = 50;

/// Why a socket is closed: the code (RFC 6455, 7.4) and the reason.
type End = (u16, &'static str);
pub(super) const CLOSED: End = (1000, "closed");
const OVER: End = (1000, FINAL);
const NOT_ANY_MORE: End = (1008, "the session or the ticket has ended");
const JUNK: End = (1008, "only acknowledgements are taken here");
pub(super) const FAULT: End = (1011, "a fault of the gateway: resume");
const STUCK: End = (1013, "too much is not acknowledged: resume");

/// The number of a shard, and the number of all shards.
#[derive(Clone, Copy)]
pub(super) struct ShardPosition {
    pub(super) shard: u32,
    pub(super) shards: u32,
}

impl ShardPosition {
    /// Returns the id of the message with a sequence number: a cursor.
    fn id(self, seq: i64) -> String {
        StreamCursor::at(self.shards, self.shard, StreamPosition::After(seq)).to_string()
    }
}

/// The tag of all sockets that a ticket opened.
const PAGE: &str = "page";

/// Returns the tag of the sockets with a subject.
fn tag(subject: &Subject) -> String {
    let of_task = |kind, task_id: &str| format!("{kind}:{}", Digest::of(task_id.as_bytes()).to_hex());
    match subject {
        Subject::Shard => "shard".to_owned(),
        Subject::Task { task_id } => of_task("task", task_id),
        Subject::State { task_id } => of_task("state", task_id),
    }
}

/// Closes a socket; does nothing where it is closed already.
pub(super) fn end(socket: &WebSocket, (code, reason): End) {
    let _ = socket.close(Some(code), Some(reason));
}

impl TaskShard {
    /// Handles a message of a client. It may acknowledge messages, and nothing else.
    pub(super) fn on_message(
        &self,
        socket: &WebSocket,
        message: &WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        let mut subscriber = Subscriber::of(socket)?;
        if let Some(reason) = self.take(socket, message, &mut subscriber)? {
            end(socket, reason);
            return Ok(());
        }
        subscriber.save(socket)
    }

    /// Handles an acknowledgement, or returns why the socket is closed. The cheapest checks come first.
    fn take(
        &self,
        socket: &WebSocket,
        message: &WebSocketIncomingMessage,
        subscriber: &mut Subscriber,
    ) -> worker::Result<Option<End>> {
        let now = clock::now();
        if subscriber.is_over(now) {
            return Ok(Some(NOT_ANY_MORE));
        }
        if let Subject::State { .. } = subscriber.subject {
            // The Worker forwards nothing that a page sends.
            return Ok(Some(JUNK));
        }
        let id = match message {
            WebSocketIncomingMessage::String(text) => acknowledged(text, LONGEST),
            WebSocketIncomingMessage::Binary(_) => None,
        };
        let Some(id) = id else { return Ok(Some(JUNK)) };
        // A shard that has stored nothing yet has nothing to catch up with.
        let Ok(position) = self.position() else { return Ok(None) };
        let Some(shards) = Shards::new(position.shards) else { return Ok(None) };
        let acknowledged =
            StreamCursor::parse(&id, shards).ok().and_then(|cursor| cursor.position(position.shard));
        let Some(StreamPosition::After(seq)) = acknowledged else { return Ok(Some(JUNK)) };
        subscriber.acknowledge(seq, now);
        if !subscriber.caught_up {
            self.catch_up(socket, subscriber, position)?;
        }
        Ok(None)
    }

    /// Sends the backlog, as far ahead of the acknowledgements as the send window allows.
    fn catch_up(
        &self,
        socket: &WebSocket,
        subscriber: &mut Subscriber,
        position: ShardPosition,
    ) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let floor = log::floor(&sql)?;
        if subscriber.at.max(subscriber.floor) < floor {
            // Entries were pruned before this subscriber has received them.
            let gap = Gap { from: subscriber.at.max(subscriber.floor) + 1, to: floor, after: subscriber.at };
            subscriber.floor = floor;
            self.send_gap(socket, subscriber, position, gap)?;
        }
        loop {
            let page = match &subscriber.subject {
                Subject::Shard => log::after(&sql, subscriber.at, ENTRIES)?,
                Subject::Task { task_id } | Subject::State { task_id } => {
                    log::of_task_after(&sql, task_id, subscriber.at, ENTRIES)?
                }
            };
            for entry in &page {
                if subscriber.is_window_full() {
                    return Ok(());
                }
                let text = self.entry_message(entry, subscriber.bodies)?;
                subscriber.at = entry.seq;
                if let Some(text) = text {
                    subscriber.send(socket, &text)?;
                }
            }
            if (page.len() as i64) < ENTRIES {
                break;
            }
        }
        subscriber.at = subscriber.at.max(self.last_seq());
        subscriber.caught_up = true;
        if !subscriber.ready_sent {
            subscriber.ready_sent = true;
            subscriber.send(socket, &message::ready(position, subscriber.at))?;
        }
        Ok(())
    }

    fn position(&self) -> worker::Result<ShardPosition> {
        let shards = u32::try_from(self.count()?).map_err(|_| worker::Error::from("no shards"))?;
        Ok(ShardPosition { shard: self.shard()?, shards })
    }

    fn config(&self) -> worker::Result<Rc<Config>> {
        Config::current(&self.env).map_err(|_| worker::Error::from("not configured"))
    }
}
