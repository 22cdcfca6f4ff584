//! The paths of the gateway and the methods that they have, read from a request.

use percent_encoding::percent_decode_str;
use vtryon_webhooks::Code;

use crate::protocol::rejection::PathKind;
use crate::reply::ApiError;

/// Where a request goes, with its query where it has one. A task's id is as in the path, decoded but not yet checked.
pub(crate) enum Route {
    Webhook,
    Health,
    Session,
    Live(String),
    LiveShard(String, String),
    LiveTask(Option<String>, String),
    Api(Api),
    NotFound(PathKind),
}

/// What an administrator asks for.
pub(crate) enum Api {
    Task(Option<String>),
    Result(Option<String>),
    Tasks(String),
    Quarantine(String),
    Endpoints,
    Endpoint(String),
    Rotate(String),
    Retire(String),
    Test(String),
    Deliveries(String),
    Delivery(String),
    ReplayDelivery(String),
    Replays,
    Replay(String),
    Tickets,
    Rejections,
    Secrets,
    Secret(String),
    Metrics,
    Stats(String),
    Document,
    NotFound,
}

impl Route {
    /// Reads a URL as the runtime writes it: absolute, and with a path (WHATWG URL).
    pub(crate) fn of(url: &str) -> Self {
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let (_, place) = url.split_once("://").unwrap_or_default();
        let (_, path) = place.split_once('/').unwrap_or_default();
        let segments: Vec<&str> = path.split('/').collect();
        match *segments.as_slice() {
            ["webhooks", "vtryon"] => Self::Webhook,
            ["webhooks", ref rest @ ..] => Self::below_webhooks(rest),
            ["healthz"] => Self::Health,
            ["api", "session"] => Self::Session,
            ["api", "live"] => Self::Live(query.to_owned()),
            ["api", "live", shard] => Self::LiveShard(shard.to_owned(), query.to_owned()),
            ["api", "tasks", id, "live"] => Self::LiveTask(decoded(id), query.to_owned()),
            ["api", ref rest @ ..] => Self::Api(Api::of(rest, query)),
            _ => Self::NotFound(PathKind::Other),
        }
    }

    /// One slash at the end is a common slip where a URL is registered.
    fn below_webhooks(segments: &[&str]) -> Self {
        if segments == ["vtryon", ""] { Self::Webhook } else { Self::NotFound(PathKind::Webhooks) }
    }

    /// Returns which kind of path this is.
    pub(crate) const fn kind(&self) -> PathKind {
        match self {
            Self::Webhook => PathKind::Webhook,
            Self::Session | Self::Live(_) | Self::LiveShard(..) | Self::LiveTask(..) | Self::Api(_) => {
                PathKind::Api
            }
            Self::Health => PathKind::Other,
            Self::NotFound(kind) => *kind,
        }
    }

    /// Refuses a method that the path doesn't have; the answer names those that it has.
    pub(crate) fn check_method(&self, method: &str) -> Result<(), ApiError> {
        let allowed = match self {
            Self::Webhook => "POST",
            Self::Health => "GET, HEAD",
            Self::Session => "POST, DELETE",
            Self::Live(_) | Self::LiveShard(..) => "GET, HEAD",
            Self::LiveTask(..) => "GET, HEAD, OPTIONS",
            Self::Api(api) => api.methods(),
            Self::NotFound(_) => return Ok(()),
        };
        if allowed.split(", ").any(|allowed| allowed == method) {
            return Ok(());
        }
        Err(ApiError::new(Code::MethodNotAllowed).with_header("allow", allowed))
    }
}

impl Api {
    fn of(segments: &[&str], query: &str) -> Self {
        match *segments {
            ["tasks"] => Self::Tasks(query.to_owned()),
            ["tasks", id] => Self::Task(decoded(id)),
            ["tasks", id, "result"] => Self::Result(decoded(id)),
            ["quarantine"] => Self::Quarantine(query.to_owned()),
            ["endpoints"] => Self::Endpoints,
            ["endpoints", id] => Self::Endpoint(id.to_owned()),
            ["endpoints", id, "rotate"] => Self::Rotate(id.to_owned()),
            ["endpoints", id, "retire"] => Self::Retire(id.to_owned()),
            ["endpoints", id, "test"] => Self::Test(id.to_owned()),
            ["deliveries"] => Self::Deliveries(query.to_owned()),
            ["deliveries", id] => Self::Delivery(id.to_owned()),
            ["deliveries", id, "replay"] => Self::ReplayDelivery(id.to_owned()),
            ["replay"] => Self::Replays,
            ["replays", id] => Self::Replay(id.to_owned()),
            ["rejections"] => Self::Rejections,
            ["secrets"] => Self::Secrets,
            ["secrets", fingerprint] => Self::Secret(fingerprint.to_owned()),
            ["tickets"] => Self::Tickets,
            ["metrics"] => Self::Metrics,
            ["stats"] => Self::Stats(query.to_owned()),
            ["openapi.json"] => Self::Document,
            _ => Self::NotFound,
        }
    }

    /// Returns the methods of a path, as the header `allow` lists them.
    const fn methods(&self) -> &'static str {
        match self {
            Self::Task(_)
            | Self::Result(_)
            | Self::Tasks(_)
            | Self::Quarantine(_)
            | Self::Deliveries(_)
            | Self::Delivery(_)
            | Self::Replay(_)
            | Self::Rejections
            | Self::Secrets
            | Self::Metrics
            | Self::Stats(_)
            | Self::Document
            | Self::NotFound => "GET, HEAD",
            Self::Endpoints => "GET, HEAD, POST",
            Self::Endpoint(_) => "GET, HEAD, PATCH, DELETE",
            Self::Secret(_) => "DELETE",
            Self::Rotate(_)
            | Self::Retire(_)
            | Self::Test(_)
            | Self::ReplayDelivery(_)
            | Self::Replays
            | Self::Tickets => "POST",
        }
    }
}

/// Decodes a segment of the path; one that is not UTF-8 names nothing.
fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(|name| name.into_owned())
}
