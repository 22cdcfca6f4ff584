//! The opening of a socket: what its viewer is told first.

use vtryon_webhooks::Millis;
use worker::{Response, WebSocket, WebSocketPair};

use super::state::State;
use super::viewer::Viewer;
use super::{OVER, PAGE, Place, STUCK, end, log, message, tag};
use crate::clock;
use crate::faults;
use crate::live;
use crate::shard::TaskShard;
use crate::wire::live::{BEGINNING, Start, Subject, Watch};

/// How many pages may show one task at the same time, and all tasks of the shard.
const PAGES: usize = 100;
const PAGES_OF_SHARD: usize = 5000;

/// Where a stream begins.
struct Found {
    /// After which number.
    at: i64,
    /// Up to which number it knows what was pruned.
    floor: i64,
    /// The place of one that was told nothing yet.
    begins: live::Place,
    gap: Option<Gap>,
}

/// What is no longer kept: the first and the last number.
pub(super) struct Gap {
    pub(super) from: i64,
    pub(super) to: i64,
    /// The place of one that was told of the gap and has to be told how things stand: it is told of both again.
    pub(super) after: i64,
}

impl TaskShard {
    /// Opens a socket, and tells what there is to tell.
    pub(in crate::shard) fn watch(&self, watch: Watch, place: Place) -> worker::Result<Response> {
        let now = clock::now();
        let mut state = None;
        if let Subject::State { task_id, .. } = &watch.subject {
            let found = self.state_of(task_id)?;
            if let Start::After(seen) = watch.start {
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
        let is_page = matches!(watch.subject, Subject::State { .. });
        if is_page && self.memory.pages.get() >= faults::limited(PAGES_OF_SHARD) {
            return Ok(Response::ok("too many pages watch this shard: come again later")?.with_status(503));
        }
        self.make_room(&watch.subject);
        let pair = WebSocketPair::new()?;
        let socket = &pair.server;
        let mut tags = vec![tag(&watch.subject)];
        if is_page {
            tags.push(PAGE.to_owned());
        }
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        self.state.accept_websocket_with_tags(socket, &tags);
        self.memory.is_watched.set(true);
        let Found { at, floor, begins, gap } = self.found(watch.start, now)?;
        let start = watch.start;
        let mut viewer = Viewer::new(watch, at, floor, now);
        match state {
            Some(state) => self.begin_state(socket, &mut viewer, start, &state)?,
            None => self.begin_stream(socket, &mut viewer, start, place, gap)?,
        }
        viewer.save(socket)?;
        // Counted once its attachment is there, by which `on_close` recognises it.
        if is_page {
            self.memory.pages.update(|pages| pages + 1);
        }
        let mut response = Response::from_websocket(pair.client)?;
        response.headers_mut().set(BEGINNING, &begins.to_string())?;
        Ok(response)
    }

    /// Counts the pages that are open since before this instance, and whether anybody watches.
    pub(in crate::shard) fn find_sockets(&self) {
        self.memory.is_watched.set(!self.state.get_websockets().is_empty());
        if self.memory.is_watched.get() {
            self.memory.pages.set(self.state.get_websockets_with_tag(PAGE).len());
        }
    }

    /// Counts the closing of a socket.
    pub(in crate::shard) fn on_close(&self, socket: &WebSocket) {
        if Viewer::of(socket).is_ok_and(|viewer| matches!(viewer.subject, Subject::State { .. })) {
            self.memory.pages.update(|pages| pages.saturating_sub(1));
        }
    }

    /// Closes the first of many pages that show one task, so that no ticket fills the shard.
    fn make_room(&self, subject: &Subject) {
        if let Subject::State { .. } = subject {
            let pages = self.state.get_websockets_with_tag(&tag(subject));
            if let Some(first) = pages.first().filter(|_| pages.len() >= PAGES) {
                end(first, STUCK);
            }
        }
    }

    /// Tells how things stand, or what has happened since.
    fn begin_stream(
        &self,
        socket: &WebSocket,
        viewer: &mut Viewer,
        start: Start,
        place: Place,
        gap: Option<Gap>,
    ) -> worker::Result<()> {
        match gap {
            Some(gap) => self.tell_gap(socket, viewer, place, gap)?,
            None if matches!(start, Start::Now) => self.tell_snapshot(socket, viewer, place)?,
            None => {}
        }
        self.catch_up(socket, viewer, place)
    }

    /// Tells that something is no longer kept, and how things stand.
    pub(super) fn tell_gap(
        &self,
        socket: &WebSocket,
        viewer: &mut Viewer,
        place: Place,
        gap: Gap,
    ) -> worker::Result<()> {
        viewer.send(socket, &message::gap(place, gap))?;
        self.tell_snapshot(socket, viewer, place)
    }

    fn tell_snapshot(&self, socket: &WebSocket, viewer: &mut Viewer, place: Place) -> worker::Result<()> {
        let task_id = match &viewer.subject {
            Subject::Shard => None,
            Subject::Task { task_id } | Subject::State { task_id } => Some(task_id.as_str()),
        };
        let text = self.snapshot(place, task_id, viewer.at)?;
        viewer.send(socket, &text)
    }

    /// Finds where a stream begins, and what is no longer kept of what it is asked for.
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
            Start::Now => live::Place::Snapshot,
            Start::After(_) | Start::Since(_) => live::Place::After(gap.as_ref().map_or(at, |gap| gap.after)),
        };
        Ok(Found { at, floor, begins, gap })
    }

    /// Tells a page how its task stands, unless it has seen that.
    fn begin_state(
        &self,
        socket: &WebSocket,
        viewer: &mut Viewer,
        start: Start,
        state: &State,
    ) -> worker::Result<()> {
        let (Subject::State { task_id }, Some(until)) = (&viewer.subject, viewer.until) else {
            return Ok(());
        };
        let kind = match start {
            Start::After(seen) if state.seq <= seen => return Ok(()),
            Start::After(_) => "update",
            Start::Now | Start::Since(_) => "snapshot",
        };
        let text = state.message(kind, task_id, until, &*self.config()?);
        viewer.at = state.seq;
        viewer.send(socket, &text)?;
        if state.is_final() {
            end(socket, OVER);
        }
        Ok(())
    }
}
