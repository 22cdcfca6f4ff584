//! Live updates: sockets that show what is stored, in the order of its numbers. They hibernate: all that is
//! remembered of a viewer lies in its socket.
//!
//! A viewer is current, or behind. A current one is told at once; one that is behind, because it resumes or because
//! it takes less than there is, reads what is stored, as far ahead of its acknowledgements as it may be.

mod log;
mod message;
mod open;
mod queue;
mod show;
mod state;
mod viewer;

use std::rc::Rc;

use vtryon_webhooks::{Digest, Shards};
use worker::{WebSocket, WebSocketIncomingMessage};

pub(super) use self::log::{Entry, before_time};
use self::open::Gap;
pub(super) use self::queue::Unshown;
use self::viewer::Viewer;
use super::TaskShard;
use crate::clock;
use crate::config::Config;
use crate::live::{self, Cursor};
use crate::wire::live::{FINAL, Subject, acknowledged};

/// How long an acknowledgement may be, in bytes.
const LONGEST: usize = 1024;

/// How many entries are read at a time.
const ENTRIES: i64 = 50;

/// Why a socket is closed: the code (RFC 6455, 7.4) and the reason.
type End = (u16, &'static str);
pub(super) const CLOSED: End = (1000, "closed");
const OVER: End = (1000, FINAL);
const NOT_ANY_MORE: End = (1008, "the session or the ticket has ended");
const JUNK: End = (1008, "only acknowledgements are taken here");
pub(super) const FAULT: End = (1011, "a fault of the gateway: resume");
const STUCK: End = (1013, "too much is not acknowledged: resume");

/// Which shard this is, of how many.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) shard: u32,
    pub(super) shards: u32,
}

impl Place {
    /// Makes the id of what has a number.
    fn id(self, seq: i64) -> String {
        Cursor::at(self.shards, self.shard, live::Place::After(seq)).to_string()
    }
}

/// By what the pages of a shard are found, whatever their task.
const PAGE: &str = "page";

/// By what the sockets of a subject are found.
fn tag(subject: &Subject) -> String {
    let of_task = |kind, task_id: &str| format!("{kind}:{}", Digest::of(task_id.as_bytes()).to_hex());
    match subject {
        Subject::Shard => "shard".to_owned(),
        Subject::Task { task_id } => of_task("task", task_id),
        Subject::State { task_id } => of_task("state", task_id),
    }
}

/// Closes a socket. One that is closed already can't be closed.
pub(super) fn end(socket: &WebSocket, (code, reason): End) {
    let _ = socket.close(Some(code), Some(reason));
}

impl TaskShard {
    /// Handles a message of a client, which may acknowledge what it has taken, and nothing else.
    pub(super) fn on_message(
        &self,
        socket: &WebSocket,
        message: &WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        let mut viewer = Viewer::of(socket)?;
        if let Some(reason) = self.take(socket, message, &mut viewer)? {
            end(socket, reason);
            return Ok(());
        }
        viewer.save(socket)
    }

    /// Takes an acknowledgement, or returns why the socket is to be closed. What costs least is checked first.
    fn take(
        &self,
        socket: &WebSocket,
        message: &WebSocketIncomingMessage,
        viewer: &mut Viewer,
    ) -> worker::Result<Option<End>> {
        let now = clock::now();
        if viewer.is_over(now) {
            return Ok(Some(NOT_ANY_MORE));
        }
        if let Subject::State { .. } = viewer.subject {
            // The Worker passes on nothing that a page sends.
            return Ok(Some(JUNK));
        }
        let id = match message {
            WebSocketIncomingMessage::String(text) => acknowledged(text, LONGEST),
            WebSocketIncomingMessage::Binary(_) => None,
        };
        let Some(id) = id else { return Ok(Some(JUNK)) };
        // A shard that has stored nothing yet has nothing to catch up with.
        let Ok(place) = self.place() else { return Ok(None) };
        let Some(shards) = Shards::new(place.shards) else { return Ok(None) };
        let acknowledged = Cursor::parse(&id, shards).ok().and_then(|cursor| cursor.place(place.shard));
        let Some(live::Place::After(seq)) = acknowledged else { return Ok(Some(JUNK)) };
        viewer.acknowledge(seq, now);
        if !viewer.is_current {
            self.catch_up(socket, viewer, place)?;
        }
        Ok(None)
    }

    /// Sends what is stored and was not sent yet, as far ahead as may be.
    fn catch_up(&self, socket: &WebSocket, viewer: &mut Viewer, place: Place) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let floor = log::floor(&sql)?;
        if viewer.at.max(viewer.floor) < floor {
            // Pruning was faster than this one.
            let gap = Gap { from: viewer.at.max(viewer.floor) + 1, to: floor, after: viewer.at };
            viewer.floor = floor;
            self.tell_gap(socket, viewer, place, gap)?;
        }
        loop {
            let page = match &viewer.subject {
                Subject::Shard => log::after(&sql, viewer.at, ENTRIES)?,
                Subject::Task { task_id } | Subject::State { task_id } => {
                    log::of_task_after(&sql, task_id, viewer.at, ENTRIES)?
                }
            };
            for entry in &page {
                if viewer.is_ahead() {
                    return Ok(());
                }
                let text = self.told(entry, viewer.bodies)?;
                viewer.at = entry.seq;
                if let Some(text) = text {
                    viewer.send(socket, &text)?;
                }
            }
            if (page.len() as i64) < ENTRIES {
                break;
            }
        }
        viewer.at = viewer.at.max(self.last_seq());
        viewer.is_current = true;
        if !viewer.is_greeted {
            viewer.is_greeted = true;
            viewer.send(socket, &message::ready(place, viewer.at))?;
        }
        Ok(())
    }

    fn place(&self) -> worker::Result<Place> {
        let shards = u32::try_from(self.count()?).map_err(|_| worker::Error::from("no shards"))?;
        Ok(Place { shard: self.shard()?, shards })
    }

    fn config(&self) -> worker::Result<Rc<Config>> {
        Config::current(&self.env).map_err(|_| worker::Error::from("not configured"))
    }
}
