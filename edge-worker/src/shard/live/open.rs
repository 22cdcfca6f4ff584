//! The opening of a socket: what its viewer is told first.

use vtryon_webhooks::Millis;
use worker::{Response, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

use super::state::State;
use super::viewer::Viewer;
use super::{OVER, Place, end, log, message, tag};
use crate::clock;
use crate::live;
use crate::reply::switched;
use crate::shard::TaskShard;
use crate::wire::live::{BEGINNING, Start, Subject, Watch};

/// Where a stream begins.
struct Found {
    /// After which number.
    at: i64,
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
        let pair = WebSocketPair::new()?;
        let socket = &pair.server;
        self.state.accept_websocket_with_tags(socket, &[&tag(&watch.subject)]);
        self.state.set_websocket_auto_response(&WebSocketRequestResponsePair::new("ping", "pong")?);
        let mut viewer = Viewer::new(watch.subject, watch.bodies, watch.until, self.last_seq(), now);
        let Found { at, begins, gap } = self.found(watch.start, now)?;
        viewer.at = at;
        match state {
            Some(state) => self.begin_state(socket, &mut viewer, watch.start, &state)?,
            None => self.begin_stream(socket, &mut viewer, watch.start, place, gap)?,
        }
        viewer.save(socket)?;
        let response = switched(pair.client, watch.protocol.as_deref());
        let mut response = response.map_err(|_| worker::Error::from("a socket could not be switched to"))?;
        response.headers_mut().set(BEGINNING, &begins.to_string())?;
        Ok(response)
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
        let at = viewer.at;
        let has_gap = gap.is_some();
        if let Some(gap) = gap {
            viewer.send(socket, &message::gap(place, gap)?)?;
        }
        if has_gap || matches!(start, Start::Now) {
            let task_id = match &viewer.subject {
                Subject::Shard => None,
                Subject::Task { task_id } | Subject::State { task_id } => Some(task_id.as_str()),
            };
            let text = self.snapshot(place, task_id, at)?;
            viewer.send(socket, &text)?;
        }
        self.catch_up(socket, viewer, place)
    }

    /// Finds where a stream begins, and what is no longer kept of what it is asked for.
    fn found(&self, start: Start, now: Millis) -> worker::Result<Found> {
        let sql = self.state.storage().sql();
        let last = self.last_seq();
        let floor = log::floor(&sql)?;
        let (at, gap) = match start {
            Start::Now => return Ok(Found { at: last, begins: live::Place::Snapshot, gap: None }),
            // The storage was set back to an earlier point: what this one has seen is no more.
            Start::After(seq) if seq > last => (last, Some(Gap { from: last + 1, to: seq, after: seq })),
            Start::After(seq) if seq < floor => (seq, Some(Gap { from: seq + 1, to: floor, after: seq })),
            Start::After(seq) => (seq, None),
            Start::Since(time) => {
                let hours = self.config()?.retention_hours;
                let is_kept = time >= now.plus_seconds(-3600 * i64::from(hours)) || floor == 0;
                let gap = (!is_kept).then_some(Gap { from: 1, to: floor, after: 0 });
                (log::before_time(&sql, time, last)?, gap)
            }
        };
        let begins = live::Place::After(gap.as_ref().map_or(at, |gap| gap.after));
        Ok(Found { at, begins, gap })
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
        let text = state.message(kind, task_id, until, &*self.config()?)?;
        viewer.at = state.seq;
        viewer.send(socket, &text)?;
        if state.is_final() {
            end(socket, OVER);
        }
        Ok(())
    }
}
