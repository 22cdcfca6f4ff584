//! The opening of a socket: what its viewer is told first.

use vtryon_webhooks::Millis;
use worker::{Response, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

use super::state::State;
use super::viewer::Viewer;
use super::{OVER, Place, end, log, message, tag};
use crate::clock;
use crate::reply::switched;
use crate::shard::TaskShard;
use crate::wire::live::{BEGINNING, Start, Subject, Watch};

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
        let (begins_at, gap) = self.found(watch.start, now)?;
        viewer.at = begins_at;
        match state {
            Some(state) => self.begin_state(socket, &mut viewer, watch.start, &state)?,
            None => self.begin_stream(socket, &mut viewer, watch.start, place, gap)?,
        }
        viewer.save(socket)?;
        let response = switched(pair.client, watch.protocol.as_deref());
        let mut response = response.map_err(|_| worker::Error::from("a socket could not be switched to"))?;
        response.headers_mut().set(BEGINNING, &begins_at.to_string())?;
        Ok(response)
    }

    /// Tells how things stand, or what has happened since.
    fn begin_stream(
        &self,
        socket: &WebSocket,
        viewer: &mut Viewer,
        start: Start,
        place: Place,
        gap: Option<(i64, i64)>,
    ) -> worker::Result<()> {
        let at = viewer.at;
        if let Some(gap) = gap {
            viewer.send(socket, &message::gap(place, at, gap)?)?;
        }
        if gap.is_some() || matches!(start, Start::Now) {
            let task_id = match &viewer.subject {
                Subject::Shard => None,
                Subject::Task { task_id } | Subject::State { task_id } => Some(task_id.as_str()),
            };
            let text = self.snapshot(place, task_id, at)?;
            viewer.send(socket, &text)?;
        }
        self.catch_up(socket, viewer, place)
    }

    /// Finds where a stream begins: after which number, and what of that is no longer kept.
    fn found(&self, start: Start, now: Millis) -> worker::Result<(i64, Option<(i64, i64)>)> {
        let sql = self.state.storage().sql();
        let last = self.last_seq();
        let floor = log::floor(&sql)?;
        Ok(match start {
            Start::Now => (last, None),
            // The storage was set back to an earlier point: what this one has seen is no more.
            Start::After(seq) if seq > last => (last, Some((last + 1, seq))),
            Start::After(seq) if seq < floor => (seq, Some((seq + 1, floor))),
            Start::After(seq) => (seq, None),
            Start::Since(at) => {
                let hours = self.config()?.retention_hours;
                let is_kept = at >= now.plus_seconds(-3600 * i64::from(hours)) || floor == 0;
                (log::before_time(&sql, at, last)?, (!is_kept).then_some((1, floor)))
            }
        })
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
