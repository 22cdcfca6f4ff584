//! The routes of the gateway.

use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::protocol::directory::rejection::PathKind;

use crate::api::route::Api;
use crate::http::head::Head;
use crate::http::response::ApiError;
use crate::http::router::{self, Route, RouteMatch};
use crate::live::Stream;

/// What a request asks for. A task's id is as in the path, decoded but not yet checked.
pub(crate) enum Target {
    Webhook,
    Health,
    SignIn,
    SignOut,
    Live { stream: Stream, query: String },
    LiveTaskPreflight { id: Option<String> },
    Api(Api),
    NotFound,
}

const READ: Option<Scope> = Some(Scope::Read);
const LISTEN: Option<Scope> = Some(Scope::Listen);

/// The routes outside of the API proper. A webhook has a signature, a session is opened by a token, and a task's stream
/// by a ticket too, before the scope is asked for.
pub(super) const ROUTES: &[Route<Target>] = &[
    Route::new("POST", "webhooks/vtryon", None, |_| Target::Webhook),
    Route::new("GET", "healthz", None, |_| Target::Health),
    Route::new("GET", "api", READ, |_| Target::Api(Api::ShowVersion)),
    Route::new("POST", "api/session", None, |_| Target::SignIn),
    Route::new("DELETE", "api/session", None, |_| Target::SignOut),
    Route::new("GET", "api/live", LISTEN, |given| Target::Live { stream: Stream::All, query: given.query() }),
    Route::new("GET", "api/live/{shard}", LISTEN, |given| Target::Live {
        stream: Stream::Shard(given.id()),
        query: given.query(),
    }),
    Route::new("GET", "api/tasks/{task_id}/live", LISTEN, |given| Target::Live {
        stream: Stream::Task(given.decoded_id()),
        query: given.query(),
    }),
    Route::new("OPTIONS", "api/tasks/{task_id}/live", None, |given| Target::LiveTaskPreflight {
        id: given.decoded_id(),
    }),
];

/// What a request has found by its method and its URL.
pub(super) struct PathMatch {
    pub(super) kind: PathKind,
    /// An error where the path does not have the method.
    pub(super) target: Result<RouteMatch<Target>, ApiError>,
}

/// Finds what a request asks for. Its URL is as the runtime writes it: absolute, and with a path (WHATWG URL).
pub(super) fn find(head: &Head) -> PathMatch {
    let (url, query) = head.url.split_once('?').unwrap_or((&head.url, ""));
    let (_, address) = url.split_once("://").unwrap_or_default();
    let (_, path) = address.split_once('/').unwrap_or_default();
    // One slash at the end is a common slip where a URL is registered.
    let path = if path == "webhooks/vtryon/" { "webhooks/vtryon" } else { path };
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let kind = match (first, rest) {
        ("webhooks", Some("vtryon")) => PathKind::Webhook,
        ("webhooks", _) => PathKind::Webhooks,
        ("api", _) => PathKind::Api,
        _ => PathKind::Other,
    };
    let target = match (router::find(ROUTES, &head.method, path, query), first, rest) {
        (Some(found), ..) => found,
        (None, "api", Some(rest)) => {
            Api::find(&head.method, rest, query).map(|RouteMatch { request, path, scope }| RouteMatch {
                request: Target::Api(request),
                path,
                scope,
            })
        }
        (None, ..) => Ok(RouteMatch { request: Target::NotFound, path: "", scope: None }),
    };
    PathMatch { kind, target }
}
