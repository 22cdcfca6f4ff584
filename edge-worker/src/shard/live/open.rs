//! The opening of a socket: what its viewer is told first.

use vtryon_webhooks::Millis;
use worker::{Response, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

use super::state::State;
use super::viewer::Viewer;
use super::{OVER, Place, STUCK, end, log, message, tag};
use crate::clock;
use crate::live;
use crate::reply::switched;
use crate::shard::TaskShard;
use crate::wire::live::{BEGINNING, Start, Subject, Watch};

/// How many pages may show one task at the same time.
const PAGES: usize = 100;

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
        self.make_room(&watch.subject);
        let pair = WebSocketPair::new()?;
        let socket = &pair.server;
        self.state.accept_websocket_with_tags(socket, &[&tag(&watch.subject)]);
        self.memory.is_watched.set(true);
        self.state.set_websocket_auto_response(&WebSocketRequestResponsePair::new("ping", "pong")?);
        let Found { at, floor, begins, gap } = self.found(watch.start, now)?;
        let (start, is_fed, protocol) = (watch.start, watch.is_fed, watch.protocol.clone());
        let mut viewer = Viewer::new(watch, at, floor, now);
        match state {
            Some(state) => self.begin_state(socket, &mut viewer, start, &state)?,
            None => self.begin_stream(socket, &mut viewer, start, place, gap)?,
        }
        viewer.save(socket)?;
        let response = switched(pair.client, protocol.as_deref());
        let mut response = response.map_err(|_| worker::Error::from("a socket could not be switched to"))?;
        if is_fed {
            response.headers_mut().set(BEGINNING, &begins.to_string())?;
        }
        Ok(response)
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
