//! Finds what a request asks for by its method and its path.

use percent_encoding::percent_decode_str;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_webhooks::Code;

use crate::http::response::ApiError;

/// A path with one of its methods. Whatever has GET has HEAD.
pub(crate) struct Route<T> {
    pub(crate) method: &'static str,
    /// Its segments; one in braces is a parameter.
    pub(crate) path: &'static str,
    /// The scope that it needs; `None` where it is admitted in a way of its own.
    pub(crate) scope: Option<Scope>,
    /// Makes what is asked for of the parameters.
    request: fn(&Parameters<'_>) -> T,
}

/// The parameters of a request.
pub(crate) struct Parameters<'a> {
    segment: &'a str,
    query: &'a str,
}

/// What a request has found: what it asks for, the path with the name of its parameter, and the scope that it needs.
pub(crate) struct RouteMatch<T> {
    pub(crate) request: T,
    pub(crate) path: &'static str,
    pub(crate) scope: Option<Scope>,
}

impl<T> Route<T> {
    pub(crate) const fn new(
        method: &'static str,
        path: &'static str,
        scope: Option<Scope>,
        request: fn(&Parameters<'_>) -> T,
    ) -> Self {
        Self { method, path, scope, request }
    }
}

impl Parameters<'_> {
    /// Returns the parameter in the path, as it stands there; empty where the path has none.
    pub(crate) fn id(&self) -> String {
        self.segment.to_owned()
    }

    /// Returns the parameter in the path, percent-decoded; none where it is not UTF-8, since that names nothing.
    pub(crate) fn decoded_id(&self) -> Option<String> {
        percent_decode_str(self.segment).decode_utf8().ok().map(|name| name.into_owned())
    }

    pub(crate) fn query(&self) -> String {
        self.query.to_owned()
    }
}

/// Finds the route of a request; `None` where there is no such path.
///
/// # Errors
/// `method_not_allowed`, with the methods that the path has.
pub(crate) fn find<T>(
    routes: &[Route<T>],
    method: &str,
    path: &str,
    query: &str,
) -> Option<Result<RouteMatch<T>, ApiError>> {
    let method = if method == "HEAD" { "GET" } else { method };
    let of_path = || routes.iter().filter_map(|route| Some((route, parameter(route.path, path)?)));
    if let Some((route, segment)) = of_path().find(|(route, _)| route.method == method) {
        let request = (route.request)(&Parameters { segment, query });
        return Some(Ok(RouteMatch { request, path: route.path, scope: route.scope }));
    }
    let with_head = |method| if method == "GET" { "GET, HEAD" } else { method };
    let methods: Vec<&str> = of_path().map(|(route, _)| with_head(route.method)).collect();
    if methods.is_empty() {
        return None;
    }
    Some(Err(ApiError::new(Code::MethodNotAllowed).with_header("allow", methods.join(", "))))
}

/// Returns the parameter of a path where it has the form of a pattern; empty where the pattern has none.
fn parameter<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let mut parameter = "";
    let (mut expected, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), segments.next()) {
            (None, None) => return Some(parameter),
            (Some(name), Some(segment)) if name.starts_with('{') => parameter = segment,
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &[Route<String>] = &[
        Route::new("GET", "tasks", Some(Scope::Read), |given| format!("list {}", given.query())),
        Route::new("GET", "tasks/{id}", Some(Scope::Read), |given| format!("show {}", given.id())),
        Route::new("DELETE", "tasks/{id}", Some(Scope::Admin), |given| {
            format!("erase {:?}", given.decoded_id())
        }),
        Route::new("POST", "session", None, |_| "sign in".to_owned()),
    ];

    #[test]
    fn a_route_is_found_by_its_method_and_its_path() {
        for (method, path, expected) in [
            ("GET", "tasks", Some(Ok("list a=b"))),
            ("HEAD", "tasks", Some(Ok("list a=b"))),
            ("GET", "tasks/%41", Some(Ok("show %41"))),
            ("DELETE", "tasks/%41", Some(Ok("erase Some(\"A\")"))),
            ("DELETE", "tasks/%ff", Some(Ok("erase None"))),
            ("POST", "session", Some(Ok("sign in"))),
            ("PUT", "tasks/1", Some(Err("GET, HEAD, DELETE"))),
            ("GET", "session", Some(Err("POST"))),
            ("HEAD", "session", Some(Err("POST"))),
            ("get", "tasks", Some(Err("GET, HEAD"))),
            ("GET", "tasks/1/2", None),
            ("GET", "task", None),
            ("GET", "", None),
        ] {
            let found = find(ROUTES, method, path, "a=b");
            let found = found.map(|found| match found {
                Ok(found) => Ok(found.request),
                Err(refusal) => Err(refusal.header("allow").unwrap_or_default().to_owned()),
            });
            let expected = expected.map(|found| found.map(str::to_owned).map_err(str::to_owned));
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
