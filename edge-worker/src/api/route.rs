//! The paths of the API below `/api`, their methods, and the scope that each needs.

use percent_encoding::percent_decode_str;
use vtryon_gateway_engine::access::scope::Scope;

use vtryon_gateway_engine::protocol::settings::EndpointKind::{self, Alerts, Tasks};

/// What an administrator asks for.
pub(crate) enum Api {
    Task(Option<String>, String),
    Result(Option<String>),
    Tasks(String),
    Quarantine(String),
    Endpoints(EndpointKind),
    Endpoint(EndpointKind, String),
    Rotate(EndpointKind, String),
    Retire(EndpointKind, String),
    Test(EndpointKind, String),
    Deliveries(String),
    Delivery(String),
    DeliveryBody(String),
    ReplayDelivery(String),
    Replays,
    Replay(String),
    Import(String),
    Tickets,
    Tokens,
    Token(String),
    Audit(String),
    Rejections,
    Secrets,
    Secret(String),
    Metrics,
    Stats(String),
    Document,
    Version,
    NotFound,
}

/// The methods of a path, each with the scope that it needs; `None` where it asks for no scope. Whatever has GET has HEAD.
pub(crate) type Methods = &'static [(&'static str, Option<Scope>)];

/// A route: its path, its methods, and what makes the request of the parameters and the query.
pub(crate) type Entry<T> = (&'static str, Methods, fn(&[&str], &str) -> T);

/// What a request has found by its path: what it asks for, the path with the names of its parameters, and its methods.
pub(crate) struct Found<T> {
    pub(crate) request: T,
    pub(crate) path: &'static str,
    pub(crate) methods: Methods,
}

pub(crate) const READ: Option<Scope> = Some(Scope::Read);
pub(crate) const LISTEN: Option<Scope> = Some(Scope::Listen);
const REPLAY: Option<Scope> = Some(Scope::Replay);
const TICKETS: Option<Scope> = Some(Scope::Tickets);
const ADMIN: Option<Scope> = Some(Scope::Admin);

/// The routes below `/api/`. Reading tokens and the audit trail needs more than other reading: they name people, and the
/// addresses that they use.
pub(crate) const ROUTES: [Entry<Api>; 31] = [
    ("tasks", &[("GET", READ)], |_, query| Api::Tasks(query.to_owned())),
    ("tasks/{task_id}", &[("GET", READ), ("DELETE", ADMIN)], |ids, query| {
        Api::Task(decoded(first(ids)), query.to_owned())
    }),
    ("tasks/{task_id}/result", &[("GET", READ)], |ids, _| Api::Result(decoded(first(ids)))),
    ("quarantine", &[("GET", READ)], |_, query| Api::Quarantine(query.to_owned())),
    ("endpoints", &[("GET", READ), ("POST", ADMIN)], |_, _| Api::Endpoints(Tasks)),
    ("endpoints/{endpoint_id}", &[("GET", READ), ("PATCH", ADMIN), ("DELETE", ADMIN)], |ids, _| {
        Api::Endpoint(Tasks, first(ids).to_owned())
    }),
    ("endpoints/{endpoint_id}/rotate", &[("POST", ADMIN)], |ids, _| {
        Api::Rotate(Tasks, first(ids).to_owned())
    }),
    ("endpoints/{endpoint_id}/retire", &[("POST", ADMIN)], |ids, _| {
        Api::Retire(Tasks, first(ids).to_owned())
    }),
    ("endpoints/{endpoint_id}/test", &[("POST", ADMIN)], |ids, _| Api::Test(Tasks, first(ids).to_owned())),
    ("alerts", &[("GET", READ), ("POST", ADMIN)], |_, _| Api::Endpoints(Alerts)),
    ("alerts/{destination_id}", &[("GET", READ), ("PATCH", ADMIN), ("DELETE", ADMIN)], |ids, _| {
        Api::Endpoint(Alerts, first(ids).to_owned())
    }),
    ("alerts/{destination_id}/rotate", &[("POST", ADMIN)], |ids, _| {
        Api::Rotate(Alerts, first(ids).to_owned())
    }),
    ("alerts/{destination_id}/retire", &[("POST", ADMIN)], |ids, _| {
        Api::Retire(Alerts, first(ids).to_owned())
    }),
    ("alerts/{destination_id}/test", &[("POST", ADMIN)], |ids, _| Api::Test(Alerts, first(ids).to_owned())),
    ("deliveries", &[("GET", READ)], |_, query| Api::Deliveries(query.to_owned())),
    ("deliveries/{delivery_id}", &[("GET", READ)], |ids, _| Api::Delivery(first(ids).to_owned())),
    ("deliveries/{delivery_id}/body", &[("GET", LISTEN)], |ids, _| Api::DeliveryBody(first(ids).to_owned())),
    ("deliveries/{delivery_id}/replay", &[("POST", REPLAY)], |ids, _| {
        Api::ReplayDelivery(first(ids).to_owned())
    }),
    ("replay", &[("POST", REPLAY)], |_, _| Api::Replays),
    ("replays/{replay_id}", &[("GET", READ), ("DELETE", REPLAY)], |ids, _| {
        Api::Replay(first(ids).to_owned())
    }),
    ("rejections", &[("GET", READ)], |_, _| Api::Rejections),
    ("secrets", &[("GET", READ)], |_, _| Api::Secrets),
    ("secrets/{fingerprint}", &[("DELETE", ADMIN)], |ids, _| Api::Secret(first(ids).to_owned())),
    ("import", &[("POST", ADMIN)], |_, query| Api::Import(query.to_owned())),
    ("tickets", &[("POST", TICKETS)], |_, _| Api::Tickets),
    ("tokens", &[("GET", ADMIN), ("POST", ADMIN)], |_, _| Api::Tokens),
    ("tokens/{token_id}", &[("DELETE", ADMIN)], |ids, _| Api::Token(first(ids).to_owned())),
    ("audit", &[("GET", ADMIN)], |_, query| Api::Audit(query.to_owned())),
    ("metrics", &[("GET", READ)], |_, _| Api::Metrics),
    ("stats", &[("GET", READ)], |_, query| Api::Stats(query.to_owned())),
    ("openapi.json", &[("GET", READ)], |_, _| Api::Document),
];

impl Api {
    /// Returns what a path below `/api/` asks for. That there is no such path is seen by whoever may read.
    pub(crate) fn of(path: &str, query: &str) -> Found<Self> {
        let nothing = Found { request: Self::NotFound, path: "", methods: &[("GET", READ)] };
        find(&ROUTES, path, query).unwrap_or(nothing)
    }
}

/// Finds the route of a path.
pub(crate) fn find<T>(routes: &[Entry<T>], path: &str, query: &str) -> Option<Found<T>> {
    routes.iter().find_map(|(pattern, methods, request)| {
        let parameters = parameters(pattern, path)?;
        Some(Found { request: request(&parameters, query), path: pattern, methods })
    })
}

/// Returns the parameters of a path where it has the form of a pattern.
fn parameters<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut parameters = Vec::new();
    let (mut expected, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), segments.next()) {
            (None, None) => return Some(parameters),
            (Some(name), Some(segment)) if name.starts_with('{') => parameters.push(segment),
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

/// Returns the first parameter of a path.
pub(crate) fn first<'a>(parameters: &[&'a str]) -> &'a str {
    parameters.first().copied().unwrap_or_default()
}

/// Decodes a segment of the path; one that is not UTF-8 names nothing.
pub(crate) fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(|name| name.into_owned())
}
