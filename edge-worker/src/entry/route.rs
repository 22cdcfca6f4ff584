//! The paths of the gateway, the methods that they have and the scopes that these need, read from a request.

use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::protocol::rejection::PathKind;
use vtryon_webhooks::Code;

use crate::api::route::{Api, Entry, Found, LISTEN, Methods, READ, decoded, find, first};
use crate::http::response::ApiError;

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

/// The routes outside of the API proper. A webhook has a signature, a session is opened by a token, and a task's stream
/// by a ticket too, before the scope is asked for.
const ROUTES: [Entry<Route>; 7] = [
    ("webhooks/vtryon", &[("POST", None)], |_, _| Route::Webhook),
    ("healthz", &[("GET", None)], |_, _| Route::Health),
    ("api", &[("GET", READ)], |_, _| Route::Api(Api::Version)),
    ("api/session", &[("POST", None), ("DELETE", None)], |_, _| Route::Session),
    ("api/live", &[("GET", LISTEN)], |_, query| Route::Live(query.to_owned())),
    ("api/live/{shard}", &[("GET", LISTEN)], |ids, query| {
        Route::LiveShard(first(ids).to_owned(), query.to_owned())
    }),
    ("api/tasks/{task_id}/live", &[("GET", LISTEN), ("OPTIONS", None)], |ids, query| {
        Route::LiveTask(decoded(first(ids)), query.to_owned())
    }),
];

impl Route {
    /// Reads a URL as the runtime writes it: absolute, and with a path (WHATWG URL). A path that is not found has no
    /// methods.
    pub(crate) fn of(url: &str) -> Found<Self> {
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let (_, place) = url.split_once("://").unwrap_or_default();
        let (_, path) = place.split_once('/').unwrap_or_default();
        // One slash at the end is a common slip where a URL is registered.
        let path = if path == "webhooks/vtryon/" { "webhooks/vtryon" } else { path };
        if let Some(found) = find(&ROUTES, path, query) {
            return found;
        }
        let nothing = |kind| Found { request: Self::NotFound(kind), path: "", methods: &[] };
        match path.split_once('/') {
            Some(("api", rest)) => {
                let Found { request, path, methods } = Api::of(rest, query);
                Found { request: Self::Api(request), path, methods }
            }
            Some(("webhooks", _)) => nothing(PathKind::Webhooks),
            None if path == "webhooks" => nothing(PathKind::Webhooks),
            _ => nothing(PathKind::Other),
        }
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
}

/// Returns the scope that a method of a path needs; one that needs none is admitted in a way of its own. Refuses a
/// method that the path doesn't have; the answer names those that it has.
pub(super) fn scope(methods: Methods, method: &str) -> Result<Option<Scope>, ApiError> {
    let name = if method == "HEAD" { "GET" } else { method };
    match methods.iter().find(|(known, _)| *known == name) {
        Some((_, scope)) => Ok(*scope),
        None if methods.is_empty() => Ok(None),
        None => Err(ApiError::new(Code::MethodNotAllowed).with_header("allow", names(methods))),
    }
}

/// Returns the names of methods as the header `allow` lists them.
fn names(methods: Methods) -> String {
    let with_head = |(name, _): &(&'static str, _)| if *name == "GET" { "GET, HEAD" } else { *name };
    methods.iter().map(with_head).collect::<Vec<_>>().join(", ")
}

/// Returns all paths with their methods, each with its scope, as JSON, for tests.
#[cfg(feature = "faults")]
pub(super) fn list() -> String {
    use std::collections::BTreeMap;
    let outer = ROUTES.iter().map(|(path, methods, _)| (format!("/{path}"), *methods));
    let inner = crate::api::route::ROUTES.iter().map(|(path, methods, _)| (format!("/api/{path}"), *methods));
    let scopes = |methods: Methods| methods.iter().copied().collect::<BTreeMap<_, _>>();
    let routes: BTreeMap<String, _> =
        outer.chain(inner).map(|(path, methods)| (path, scopes(methods))).collect();
    vtryon_gateway_engine::json::to_string(&routes)
}
