//! The paths of the gateway and the methods that they have, read from a request.

use vtryon_webhooks::Code;

use crate::api::route::{Api, Entry, decoded, find, first};
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

/// The routes outside of the API proper.
const ROUTES: [Entry<Route>; 7] = [
    ("webhooks/vtryon", "POST", |_, _| Route::Webhook),
    ("healthz", "GET, HEAD", |_, _| Route::Health),
    ("api", "GET, HEAD", |_, _| Route::Api(Api::Version)),
    ("api/session", "POST, DELETE", |_, _| Route::Session),
    ("api/live", "GET, HEAD", |_, query| Route::Live(query.to_owned())),
    ("api/live/{}", "GET, HEAD", |ids, query| Route::LiveShard(first(ids).to_owned(), query.to_owned())),
    ("api/tasks/{}/live", "GET, HEAD, OPTIONS", |ids, query| {
        Route::LiveTask(decoded(first(ids)), query.to_owned())
    }),
];

impl Route {
    /// Reads a URL as the runtime writes it: absolute, and with a path (WHATWG URL). Returns its route, and the methods
    /// that it has; a path that is not found has none.
    pub(crate) fn of(url: &str) -> (Self, Option<&'static str>) {
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let (_, place) = url.split_once("://").unwrap_or_default();
        let (_, path) = place.split_once('/').unwrap_or_default();
        // One slash at the end is a common slip where a URL is registered.
        let path = if path == "webhooks/vtryon/" { "webhooks/vtryon" } else { path };
        if let Some((route, methods)) = find(&ROUTES, path, query) {
            return (route, Some(methods));
        }
        match path.split_once('/') {
            Some(("api", rest)) => {
                let (api, methods) = Api::of(rest, query);
                (Self::Api(api), Some(methods))
            }
            Some(("webhooks", _)) => (Self::NotFound(PathKind::Webhooks), None),
            None if path == "webhooks" => (Self::NotFound(PathKind::Webhooks), None),
            _ => (Self::NotFound(PathKind::Other), None),
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

/// Refuses a method that the path doesn't have; the answer names those that it has.
pub(super) fn check_method(methods: Option<&'static str>, method: &str) -> Result<(), ApiError> {
    match methods {
        Some(methods) if !methods.split(", ").any(|allowed| allowed == method) => {
            Err(ApiError::new(Code::MethodNotAllowed).with_header("allow", methods))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns all paths with their methods as JSON, for tests.
#[cfg(feature = "faults")]
pub(super) fn list() -> String {
    let outer = ROUTES.iter().map(|(path, methods, _)| format!("/{path}: {methods}"));
    let inner = crate::api::route::ROUTES.iter().map(|(path, methods, _)| format!("/api/{path}: {methods}"));
    let routes: Vec<String> = outer.chain(inner).collect();
    vtryon_gateway_engine::json::to_string(&routes)
}
