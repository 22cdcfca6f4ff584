//! Streams by ticket: the state of one task, for a page of the shop.

use vtryon_gateway_engine::credentials::tickets::Pass;
use vtryon_gateway_engine::protocol::live::{NotOpened, SEND_WINDOW, Start, Subject, Subscription, close};
use vtryon_webhooks::Code;
use worker::{Request, Response};

use super::client_socket::{self, Client};
use super::event_stream::{self, Acknowledge};
use super::frame::Ids;
use super::{Form, LiveContext, PROTOCOL, lingering, no_stream_asked, offered, openings, relay, unavailable};
use crate::auth::{Permit, origin, unauthorized};
use crate::config::Config;
use crate::http::query::Query;
use crate::http::response::ApiError;
use crate::http::task_id::task_id;
use crate::platform::clock;

/// What resume tokens begin with: an administrator's stream has cursors in the same place.
const RESUME: &str = "r1.";

/// Answers a request with a ticket or a resume token; returns `None` for any other, which is an
/// administrator's.
pub(super) async fn answer(
    id: &Option<String>,
    live: &LiveContext<'_>,
) -> Result<Option<Response>, ApiError> {
    let Some(ticket) = ticket(live.query, live.request)? else { return Ok(None) };
    let origin = origin::allowed(live.request, &live.config.ticket_origins)?;
    let pass = live.config.deployment.tickets.check(&ticket, clock::now());
    let pass = pass.filter(|pass| id.as_ref() == Some(&pass.task_id));
    let answer = match (check_query(live.query), pass) {
        (Err(refusal), _) => Err(refusal),
        (Ok(()), Some(pass)) => stream(pass, live).await,
        (Ok(()), None) => Err(unauthorized()),
    };
    let mut response = answer.or_else(|refusal| refusal.into_response().map(Response::from))?;
    if response.status_code() == 101 {
        // A socket is not held to CORS, and the headers of what a shard has answered can't be changed.
        return Ok(Some(response));
    }
    let headers = response.headers_mut();
    headers.set("vary", "origin")?;
    if let Some(origin) = origin {
        headers.set("access-control-allow-origin", &origin)?;
    }
    Ok(Some(response))
}

async fn stream(pass: Pass, live: &LiveContext<'_>) -> Result<Response, ApiError> {
    let form = Form::of(live.request)?.ok_or_else(no_stream_asked)?;
    let Pass { task_id, until, seen } = pass;
    let permit = Permit::of_ticket(until);
    let shard = live.shards().shard_of_task(&task_id);
    lingering::admit(&task_id)?;
    openings::admit(&task_id, shard, clock::now())?;
    let subscription = Subscription {
        subject: Subject::State { task_id: task_id.clone() },
        until: permit.end(),
        start: seen.map_or(Start::Now, Start::After),
        bodies: false,
        send_window: SEND_WINDOW,
    };
    match (live.shard_client().subscribe(shard, subscription).await?, form) {
        (Err(reason @ NotOpened::Unavailable(_)), _) => Err(unavailable(reason)),
        (Err(NotOpened::Refused), _) => Err(unauthorized()),
        (Err(NotOpened::Over), Form::Socket { protocol }) => {
            // One who has seen all there is to see.
            client_socket::refuse(close::TASK_ENDED, task_id, protocol)
        }
        (Err(NotOpened::Erased), Form::Socket { protocol }) => {
            client_socket::refuse(close::TASK_ERASED, task_id, protocol)
        }
        // This ends an EventSource.
        (Err(NotOpened::Over | NotOpened::Erased), _) => Ok(Response::empty()?.with_status(204)),
        (Ok(response), Form::Events) => {
            let socket = response.websocket().ok_or_else(|| ApiError::new(Code::Unavailable))?;
            event_stream::open(vec![socket], Ids::OfShard, permit, Acknowledge::No)
        }
        (Ok(response), Form::Socket { protocol }) => {
            let socket = response.websocket().ok_or_else(|| ApiError::new(Code::Unavailable))?;
            relay::open(socket, Client::Page { task_id }, permit, protocol)
        }
    }
}

/// Finds the credential of a page: the token of its last event, what it offers as a protocol, or a ticket in
/// the query.
fn ticket(query: &str, request: &Request) -> Result<Option<String>, ApiError> {
    if let Some(token) = request.headers().get("last-event-id")?.filter(|id| id.starts_with(RESUME)) {
        return Ok(Some(token));
    }
    if let Some(ticket) = offered(request)?.into_iter().find(|name| name != PROTOCOL) {
        return Ok(Some(ticket));
    }
    Ok(in_query(query).next())
}

fn in_query(query: &str) -> impl Iterator<Item = String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(name, _)| name == "ticket").map(|(_, ticket)| ticket.into_owned())
}

/// Refuses a query with anything but a ticket. A resume token is good for a day, and logs, proxies and histories keep
/// URLs.
fn check_query(query: &str) -> Result<(), ApiError> {
    if in_query(query).any(|ticket| ticket.starts_with(RESUME)) {
        let message = "a resume token is taken in the header last-event-id or beside the WebSocket protocol";
        return Err(ApiError::invalid_request(message));
    }
    Query::parse(query, &["ticket"]).map(drop)
}

/// Lets a page of a listed origin send the header by which a stream is resumed (Fetch, 3.2.2).
pub(crate) fn preflight(
    id: Option<String>,
    request: &Request,
    config: &Config,
) -> Result<Response, ApiError> {
    task_id(id)?;
    let origin = origin::allowed(request, &config.ticket_origins)?;
    let mut response = Response::empty()?.with_status(204);
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        for (name, value) in [
            ("access-control-allow-origin", origin.as_str()),
            ("access-control-allow-methods", "GET"),
            ("access-control-allow-headers", "last-event-id, cache-control"),
            ("access-control-max-age", "600"),
            ("vary", "origin"),
        ] {
            headers.set(name, value)?;
        }
    }
    Ok(response)
}
