//! What the Worker tells tests about itself, in their build alone.

use std::collections::BTreeMap;

use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::text::json;
use worker::{Env, web_sys};

use super::route;
use crate::api;
use crate::config::Config;
use crate::http::body;
use crate::http::response::ApiError;
use crate::testing::{faults, metering};

/// Returns what a request asks for by its header `x-fault`; none where it asks for nothing of this, and is answered as ever.
pub(super) fn inspect(request: &web_sys::Request, env: &Env) -> Result<Option<String>, ApiError> {
    let answer = match faults::asked(request).as_deref() {
        Some("metering") => metering::counts(),
        Some("held-bytes") => body::held_bytes().to_string(),
        Some("routes") => routes(),
        Some("variables") => {
            Config::current(env)?;
            faults::variables()
        }
        Some(_) | None => return Ok(None),
    };
    Ok(Some(answer))
}

/// Returns all paths with their methods, each with its scope.
fn routes() -> String {
    let outer = route::ROUTES.iter().map(|route| (format!("/{}", route.path), route.method, route.scope));
    let inner = api::route::ROUTES.iter();
    let inner = inner.map(|route| (format!("/api/{}", route.path), route.method, route.scope));
    let mut routes: BTreeMap<String, BTreeMap<&str, Option<Scope>>> = BTreeMap::new();
    for (path, method, scope) in outer.chain(inner) {
        routes.entry(path).or_default().insert(method, scope);
    }
    json::to_string(&routes)
}
