//! The paths of the API below `/api`, and their methods.

use percent_encoding::percent_decode_str;

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
    Version,
    NotFound,
}

/// A route: its path with `{}` for each parameter, its methods as the header `allow` lists them, and what makes the
/// request of the parameters and the query.
pub(crate) type Entry<T> = (&'static str, &'static str, fn(&[&str], &str) -> T);

/// The routes below `/api/`.
pub(crate) const ROUTES: [Entry<Api>; 21] = [
    ("tasks", "GET, HEAD", |_, query| Api::Tasks(query.to_owned())),
    ("tasks/{}", "GET, HEAD", |ids, _| Api::Task(decoded(first(ids)))),
    ("tasks/{}/result", "GET, HEAD", |ids, _| Api::Result(decoded(first(ids)))),
    ("quarantine", "GET, HEAD", |_, query| Api::Quarantine(query.to_owned())),
    ("endpoints", "GET, HEAD, POST", |_, _| Api::Endpoints),
    ("endpoints/{}", "GET, HEAD, PATCH, DELETE", |ids, _| Api::Endpoint(first(ids).to_owned())),
    ("endpoints/{}/rotate", "POST", |ids, _| Api::Rotate(first(ids).to_owned())),
    ("endpoints/{}/retire", "POST", |ids, _| Api::Retire(first(ids).to_owned())),
    ("endpoints/{}/test", "POST", |ids, _| Api::Test(first(ids).to_owned())),
    ("deliveries", "GET, HEAD", |_, query| Api::Deliveries(query.to_owned())),
    ("deliveries/{}", "GET, HEAD", |ids, _| Api::Delivery(first(ids).to_owned())),
    ("deliveries/{}/replay", "POST", |ids, _| Api::ReplayDelivery(first(ids).to_owned())),
    ("replay", "POST", |_, _| Api::Replays),
    ("replays/{}", "GET, HEAD", |ids, _| Api::Replay(first(ids).to_owned())),
    ("rejections", "GET, HEAD", |_, _| Api::Rejections),
    ("secrets", "GET, HEAD", |_, _| Api::Secrets),
    ("secrets/{}", "DELETE", |ids, _| Api::Secret(first(ids).to_owned())),
    ("tickets", "POST", |_, _| Api::Tickets),
    ("metrics", "GET, HEAD", |_, _| Api::Metrics),
    ("stats", "GET, HEAD", |_, query| Api::Stats(query.to_owned())),
    ("openapi.json", "GET, HEAD", |_, _| Api::Document),
];

impl Api {
    /// Returns the request of a path below `/api/`, and the methods of the path.
    pub(crate) fn of(path: &str, query: &str) -> (Self, &'static str) {
        find(&ROUTES, path, query).unwrap_or((Self::NotFound, "GET, HEAD"))
    }
}

/// Finds the route of a path. Returns the request that it makes, and its methods.
pub(crate) fn find<T>(routes: &[Entry<T>], path: &str, query: &str) -> Option<(T, &'static str)> {
    routes.iter().find_map(|(pattern, methods, request)| {
        let parameters = parameters(pattern, path)?;
        Some((request(&parameters, query), *methods))
    })
}

/// Returns the parameters of a path where it has the form of a pattern.
fn parameters<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut parameters = Vec::new();
    let (mut expected, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), segments.next()) {
            (None, None) => return Some(parameters),
            (Some("{}"), Some(segment)) => parameters.push(segment),
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
