//! The paths of the gateway and the methods that they have, read from a request.

use vtryon_webhooks::Code;

use crate::api::route::{Api, decoded};
use crate::http::response::ApiError;
use crate::protocol::rejection::PathKind;

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
