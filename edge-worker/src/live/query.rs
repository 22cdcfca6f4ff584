//! The query of a live stream: where it begins, and what it carries.

use vtryon_gateway_engine::protocol::live::Start;
use vtryon_gateway_engine::protocol::live::cursor::{StreamCursor, StreamPosition};
use vtryon_gateway_engine::text::time;
use vtryon_webhooks::{Code, Millis};

use super::LiveContext;
use crate::auth::Permit;
use crate::http::query::{Query, time_ago};
use crate::http::response::ApiError;
use crate::platform::clock;

/// Where the stream of each shard begins.
pub(super) enum RequestedStart {
    Now,
    After(StreamCursor),
    Since(Millis),
}

/// The query of an administrator's stream.
pub(super) struct StreamQuery {
    pub(super) requested_start: RequestedStart,
    /// Whether events carry their bodies.
    pub(super) bodies: bool,
    /// How long its sender may be answered.
    pub(super) permit: Permit,
}

impl StreamQuery {
    /// Reads the query, and the header by which a browser resumes an event stream.
    pub(super) fn read(live: &LiveContext<'_>, permit: Permit) -> Result<Self, ApiError> {
        let query = Query::parse(live.query, &["cursor", "since", "bodies"])?;
        let bodies = match query.get("bodies") {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return Err(ApiError::invalid_request("`bodies` is neither 0 nor 1")),
        };
        let resumed = live.request.headers().get("last-event-id")?.filter(|id| !id.is_empty());
        // A cursor goes before `since`: a client that resumes keeps the query that it began with.
        let requested_start = match (resumed.as_deref().or(query.get("cursor")), query.get("since")) {
            (Some(cursor), _) => RequestedStart::After(StreamCursor::parse(cursor, live.shards())?),
            (None, Some(since)) => RequestedStart::Since(moment(since)?),
            (None, None) => RequestedStart::Now,
        };
        Ok(Self { requested_start, bodies, permit })
    }

    /// Returns where one shard's stream begins. A cursor without this shard is of another stream: to begin
    /// anywhere else would be a gap that nobody is told of.
    pub(super) fn start(&self, shard: u32) -> Result<Start, ApiError> {
        let message = "`cursor` is of another stream";
        match &self.requested_start {
            RequestedStart::Now => Ok(Start::Now),
            RequestedStart::Since(at) => Ok(Start::Since(*at)),
            RequestedStart::After(cursor) => match cursor.position(shard) {
                Some(StreamPosition::Snapshot) => Ok(Start::Now),
                Some(StreamPosition::After(seq)) => Ok(Start::After(seq)),
                None => Err(ApiError::with_message(Code::Conflict, message)),
            },
        }
    }
}

/// Reads a moment: an age such as `30m`, or a date of RFC 3339.
fn moment(text: &str) -> Result<Millis, ApiError> {
    let at = time_ago(text, clock::now()).or_else(|| time::parse_rfc3339(text));
    at.ok_or_else(|| {
        ApiError::invalid_request("`since` is neither an age such as 30m nor a time of RFC 3339")
    })
}
