//! The paths of the gateway, read from the request's URL.

use percent_encoding::percent_decode_str;
use vtryon_webhooks::Code;
use worker::Request;

use crate::reply::Refusal;

/// Where a request goes.
pub(crate) enum Route {
    Webhook,
    Health,
    Api(Api),
    Nowhere,
}

/// What an administrator asks for. A task's id is as in the path, decoded but not yet checked.
pub(crate) enum Api {
    Task(Option<String>),
    Result(Option<String>),
    Tasks(String),
    Quarantine(String),
    Nowhere,
}

impl Route {
    pub(crate) fn of(request: &Request) -> Self {
        let url = request.inner().url();
        let (_, query) = url.split_once('?').unwrap_or((&url, ""));
        let path = request.path();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match *segments.as_slice() {
            ["webhooks", "vtryon"] => Self::Webhook,
            ["healthz"] => Self::Health,
            ["api", "tasks"] => Self::Api(Api::Tasks(query.to_owned())),
            ["api", "tasks", id] => Self::Api(Api::Task(decoded(id))),
            ["api", "tasks", id, "result"] => Self::Api(Api::Result(decoded(id))),
            ["api", "quarantine"] => Self::Api(Api::Quarantine(query.to_owned())),
            ["api", ..] => Self::Api(Api::Nowhere),
            _ => Self::Nowhere,
        }
    }

    /// Refuses a method that the path doesn't have; the answer names those that it has.
    pub(crate) fn check_method(&self, request: &Request) -> Result<(), Refusal> {
        // Not `Request::method`: it takes every method that it doesn't know for GET.
        let method = request.inner().method();
        let (allowed, names): (&[&str], _) = match self {
            Self::Webhook => (&["POST"], "POST"),
            Self::Health | Self::Api(_) => (&["GET", "HEAD"], "GET, HEAD"),
            Self::Nowhere => return Ok(()),
        };
        if allowed.contains(&&*method) {
            return Ok(());
        }
        Err(Refusal::new(Code::MethodNotAllowed).with_header("allow", names))
    }
}

/// Decodes a segment of the path; one that is not UTF-8 names nothing.
fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(|name| name.into_owned())
}
