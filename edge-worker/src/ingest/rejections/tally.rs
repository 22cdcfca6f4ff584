//! What an isolate has counted, and when it reports it.

use std::rc::Rc;
use std::time::Duration;

use vtryon_gateway_engine::protocol::directory::rejection::{PathKind, Rejection, Sample};
use vtryon_webhooks::{Code, Millis};

use crate::platform::clock;

/// How long the first rejection waits for others, and how long after a report the next one is made, in seconds.
const GATHER: i64 = 1;
const PAUSE: i64 = 10;

/// How many seconds late a report may be before another request makes it: the platform ends what a request has
/// left to do after 30.
const GIVEN_UP: i64 = 20;

/// What was counted since the last report.
pub(super) struct Tally {
    /// At most one for each code that a request is refused by, and each kind of path.
    causes: Vec<RejectionCause>,
    /// When the last report was made; while a request waits to make the next one, when that is due.
    reported_at: Option<Millis>,
    /// Whether a request waits to make it.
    is_awaited: bool,
}

/// The webhooks refused for one cause.
pub(super) struct RejectionCause {
    pub(super) code: Code,
    pub(super) path: PathKind,
    pub(super) count: i64,
    /// How many of them the log has.
    logged: i64,
    pub(super) first_at: Millis,
    pub(super) last_at: Millis,
    /// The sample that others can't overwrite: the first whose body names a task, as Vtryon's do, else the first.
    first: Rc<RejectedRequest>,
    last: Rc<RejectedRequest>,
}

/// What is kept of a request: raw, for in a flood most are overwritten before they are reported.
pub(super) struct RejectedRequest {
    pub(super) received_at: Millis,
    pub(super) header: String,
    pub(super) header_bytes: usize,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) body_bytes: Option<usize>,
}

impl Tally {
    pub(super) const EMPTY: Self = Self { causes: Vec::new(), reported_at: None, is_awaited: false };

    /// Adds what was counted, and tells whether it is the first of its cause, which is logged at once.
    pub(super) fn add(&mut self, more: RejectionCause) -> bool {
        let is_same = |cause: &&mut RejectionCause| (cause.code, cause.path) == (more.code, more.path);
        let Some(cause) = self.causes.iter_mut().find(is_same) else {
            self.causes.push(RejectionCause { logged: more.logged.max(1), ..more });
            return true;
        };
        cause.count += more.count;
        cause.logged += more.logged;
        cause.first_at = cause.first_at.min(more.first_at);
        cause.last_at = cause.last_at.max(more.last_at);
        for request in [more.first, more.last] {
            cause.keep_sample(request);
        }
        false
    }

    /// Returns how long to wait before the next report; `None` where another request makes it.
    pub(super) fn wait(&mut self, now: Millis) -> Option<Duration> {
        let after = |seconds| move |at: Millis| at.plus_millis(clock::machine_seconds(seconds));
        let is_given_up = self.reported_at.map(after(GIVEN_UP)).is_some_and(|end| end < now);
        // A report is due a pause from now at the latest. If it seems later, the clock went back: it is scheduled anew.
        let is_out_of_reach = self.reported_at.is_some_and(|due| after(PAUSE)(now) < due);
        if self.is_awaited && !is_given_up && !is_out_of_reach {
            return None;
        }
        let rested_at = self.reported_at.map_or(now, |at| after(PAUSE)(at.min(now)));
        let at = rested_at.max(after(GATHER)(now));
        self.reported_at = Some(at);
        self.is_awaited = true;
        // The platform waits in this machine's time.
        let millis = (at.0 - now.0) * 1000 / clock::machine_seconds(1);
        Some(Duration::from_millis(millis.unsigned_abs()))
    }

    /// Takes what there is to report.
    pub(super) fn take(&mut self, now: Millis) -> Vec<RejectionCause> {
        self.reported_at = Some(now);
        self.is_awaited = false;
        std::mem::take(&mut self.causes)
    }
}

impl RejectionCause {
    /// Makes one of a single request.
    pub(super) fn of(code: Code, path: PathKind, request: RejectedRequest) -> Self {
        let request = Rc::new(request);
        let (first_at, last_at) = (request.received_at, request.received_at);
        Self { code, path, count: 1, logged: 0, first_at, last_at, first: Rc::clone(&request), last: request }
    }

    /// Returns how many of them the log does not have yet, for the caller to log: it has them from here on, also where the
    /// report fails and they are counted again.
    pub(super) const fn take_unlogged(&mut self) -> i64 {
        let unlogged = self.count - self.logged;
        self.logged = self.count;
        unlogged
    }

    fn keep_sample(&mut self, request: Rc<RejectedRequest>) {
        let rank = |request: &RejectedRequest| (!request.names_task(), request.received_at);
        if rank(&request) < rank(&self.first) {
            self.first = Rc::clone(&request);
        }
        // The clock stands still within a request: of two at the same time, the later call is the later one.
        if self.last.received_at <= request.received_at {
            self.last = request;
        }
    }

    pub(super) fn report(&self) -> Rejection {
        Rejection {
            code: self.code.as_str().to_owned(),
            path: self.path.as_str().to_owned(),
            count: self.count,
            first_at: self.first_at,
            last_at: self.last_at,
            first: self.first.sample(),
            last: (!Rc::ptr_eq(&self.first, &self.last)).then(|| self.last.sample()),
        }
    }
}

impl RejectedRequest {
    /// Returns whether the body looks like an event. It is not parsed: anybody can send it.
    fn names_task(&self) -> bool {
        const NAME: &[u8] = b"\"task_id\"";
        self.body.windows(NAME.len()).any(|window| window == NAME)
    }

    fn sample(&self) -> Sample {
        Sample {
            received_at: self.received_at,
            header: self.header.clone(),
            header_bytes: self.header_bytes,
            content_type: self.content_type.clone(),
            body: hex::encode(&self.body),
            body_bytes: self.body_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
