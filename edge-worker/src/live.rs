//! Live streams: events as they are stored, over WebSockets and as server-sent events.
//!
//! Every client's socket ends at the Worker, which feeds it from sockets to shards, as it does event streams.
//! Shards hibernate. Of what a client sends only acknowledgements reach a shard, within a budget.

mod acknowledgements;
mod bucket;
mod client_socket;
mod event_stream;
mod fan_in;
mod frame;
mod lingering;
mod openings;
mod query;
mod relay;
mod tickets;

use futures_util::future::try_join_all;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::protocol::live::cursor::{StreamCursor, StreamPosition};
use vtryon_gateway_engine::protocol::live::{
    LIVE_CURSOR, MIN_SEND_WINDOW, NotOpened, SEND_WINDOW, Start, Subject, Subscription,
};
use vtryon_gateway_engine::text::number;
use vtryon_webhooks::{Code, Shards};
use worker::{Env, Request, Response, WebSocket};

pub(crate) use self::tickets::preflight;

use self::client_socket::Client;
use self::event_stream::Acknowledge;
use self::frame::Ids;
use self::query::StreamQuery;
use crate::auth::{Permit, is_socket};
use crate::clients::ShardClient;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::http::task_id::task_id;
use crate::platform::clock;

/// The WebSocket protocol of every stream; a page offers its ticket beside it.
const PROTOCOL: &str = "vtryon-live";

/// How a stream is requested.
#[derive(Clone, Copy)]
enum Form {
    /// Over a WebSocket (RFC 6455), for which the client has offered our protocol, or none.
    Socket { protocol: Option<&'static str> },
    /// As server-sent events (WHATWG HTML, 9.2).
    Events,
}

impl Form {
    /// Returns the form that a request asks for; `None` where it asks for no stream.
    fn of(request: &Request) -> worker::Result<Option<Self>> {
        let header = |name| request.headers().get(name).map(Option::unwrap_or_default);
        if request.inner().method() != "GET" {
            return Ok(None);
        }
        if is_socket(request)? {
            let is_offered = offered(request)?.iter().any(|name| name == PROTOCOL);
            return Ok(Some(Self::Socket { protocol: is_offered.then_some(PROTOCOL) }));
        }
        let takes_events = header("accept")?.to_ascii_lowercase().contains("text/event-stream");
        Ok(takes_events.then_some(Self::Events))
    }
}

/// Which stream a request asks for; the number of a shard and the id of a task are as in the path.
pub(crate) enum Stream {
    /// All shards.
    All,
    Shard(String),
    /// One task; to the holder of a ticket, its state only.
    Task(Option<String>),
}

/// What the streams of all kinds need of their request.
pub(crate) struct LiveContext<'a> {
    pub(crate) request: &'a Request,
    pub(crate) query: &'a str,
    /// The scope of whoever comes without a ticket.
    pub(crate) needed: Scope,
    pub(crate) env: &'a Env,
    pub(crate) config: &'a Config,
}

impl LiveContext<'_> {
    async fn admit(&self) -> Result<Permit, ApiError> {
        let Self { request, needed, env, config, .. } = self;
        Ok(config.admin.admit(request, &config.directory_client(env), *needed, clock::now()).await?.permit)
    }

    fn shards(&self) -> Shards {
        self.config.deployment.shards
    }

    fn shard_client(&self) -> ShardClient {
        self.config.shard_client(self.env)
    }
}

/// Opens a stream.
pub(crate) async fn open(stream: Stream, live: &LiveContext<'_>) -> Result<Response, ApiError> {
    match stream {
        Stream::All => all(live).await,
        Stream::Shard(number) => shard(&number, live).await,
        Stream::Task(id) => task(id, live).await,
    }
}

/// Streams all shards; without a stream, answers with the number of shards.
async fn all(live: &LiveContext<'_>) -> Result<Response, ApiError> {
    let permit = live.admit().await?;
    let form = Form::of(live.request)?;
    let wanted = &StreamQuery::read(live, permit)?;
    let count = live.shards().count();
    let starts = (0..count).map(|shard| wanted.start(shard)).collect::<Result<Vec<Start>, ApiError>>()?;
    let Some(form) = form else {
        return response::json_text(200, &format!(r#"{{"shards":{count}}}"#));
    };
    // The Worker buffers what the shards send ahead, so they share one window.
    let share = (SEND_WINDOW / count as usize).max(MIN_SEND_WINDOW);
    let shards = &live.shard_client();
    let opened = (0..).zip(starts).map(|(shard, start)| {
        let subscription = subscription(Subject::Shard, start, wanted, share);
        socket(shards, shard, subscription)
    });
    let mut cursor = StreamCursor::new(count);
    let mut sockets = Vec::new();
    for (shard, (socket, position)) in (0..).zip(try_join_all(opened).await?) {
        cursor.merge(&StreamCursor::at(count, shard, position));
        sockets.push(socket);
    }
    let ids = Ids::Merged { shards: live.shards(), cursor };
    match form {
        Form::Socket { protocol } => {
            fan_in::open(sockets, ids, live.shards(), wanted.permit.clone(), protocol)
        }
        Form::Events => event_stream::open(sockets, ids, wanted.permit.clone(), Acknowledge::Yes),
    }
}

/// Streams one shard.
async fn shard(name: &str, live: &LiveContext<'_>) -> Result<Response, ApiError> {
    let permit = live.admit().await?;
    let shard = number(name).filter(|shard| *shard < live.shards().count());
    let shard =
        shard.ok_or_else(|| ApiError::with_message(Code::NotFound, "there is no shard of this number"))?;
    one(shard, Subject::Shard, permit, live).await
}

/// Streams one task.
async fn task(id: Option<String>, live: &LiveContext<'_>) -> Result<Response, ApiError> {
    if let Some(answer) = tickets::answer(&id, live).await? {
        return Ok(answer);
    }
    let permit = live.admit().await?;
    let id = task_id(id)?;
    let shard = live.shards().shard_of_task(id.as_str());
    one(shard, Subject::Task { task_id: id.as_str().to_owned() }, permit, live).await
}

/// Streams a subject of one shard.
async fn one(
    shard: u32,
    subject: Subject,
    permit: Permit,
    live: &LiveContext<'_>,
) -> Result<Response, ApiError> {
    let wanted = &StreamQuery::read(live, permit)?;
    let subscription = subscription(subject, wanted.start(shard)?, wanted, SEND_WINDOW);
    let shards = &live.shard_client();
    match Form::of(live.request)?.ok_or_else(no_stream_asked)? {
        Form::Socket { protocol } => {
            let (socket, _) = socket(shards, shard, subscription).await?;
            relay::open(socket, Client::Administrator, wanted.permit.clone(), protocol)
        }
        Form::Events => {
            let (socket, _) = socket(shards, shard, subscription).await?;
            event_stream::open(vec![socket], Ids::OfShard, wanted.permit.clone(), Acknowledge::Yes)
        }
    }
}

/// Makes the subscription of a stream, with its send window in bytes.
fn subscription(subject: Subject, start: Start, wanted: &StreamQuery, send_window: usize) -> Subscription {
    let (bodies, until) = (wanted.bodies, wanted.permit.end());
    Subscription { subject, start, bodies, until, send_window }
}

/// Opens a socket to a shard; returns it with the position where its stream begins.
async fn socket(
    shards: &ShardClient,
    shard: u32,
    subscription: Subscription,
) -> Result<(WebSocket, StreamPosition), ApiError> {
    let response = shards.subscribe(shard, subscription).await?.map_err(unavailable)?;
    let position = response.headers().get(LIVE_CURSOR)?.and_then(|position| StreamPosition::parse(&position));
    response.websocket().zip(position).ok_or_else(|| ApiError::new(Code::Unavailable))
}

/// Refuses a stream that a shard does not open. Its other reasons than that it can't are for pages alone.
fn unavailable(reason: NotOpened) -> ApiError {
    match reason {
        NotOpened::Unavailable(message) => ApiError::with_message(Code::Unavailable, message),
        NotOpened::Over | NotOpened::Erased | NotOpened::Refused => ApiError::new(Code::Unavailable),
    }
}

fn no_stream_asked() -> ApiError {
    let message = "this is a stream: open a WebSocket, or send GET with the header accept: text/event-stream";
    ApiError::invalid_request(message)
}

/// Returns the WebSocket protocols that a client offers (RFC 6455, 4.1).
fn offered(request: &Request) -> worker::Result<Vec<String>> {
    let header = request.headers().get("sec-websocket-protocol")?.unwrap_or_default();
    Ok(header.split(',').map(|name| name.trim_ascii().to_owned()).filter(|name| !name.is_empty()).collect())
}
