//! Requests that another site may have made a browser send, with the credential that the browser adds by itself (CSRF).

use vtryon_webhooks::Code;
use worker::Request;

use super::origin;
use crate::http::response::ApiError;

/// Returns whether a request asks for a WebSocket (RFC 6455, 4.1).
pub(crate) fn is_socket(request: &Request) -> worker::Result<bool> {
    Ok(request.headers().get("upgrade")?.is_some_and(|name| name.eq_ignore_ascii_case("websocket")))
}

/// Refuses what another site may have made a browser send, which adds its credential by itself.
pub(super) fn check_browser(request: &Request) -> Result<(), ApiError> {
    check_change(request)?;
    if is_socket(request)? { origin::check_socket(request) } else { Ok(()) }
}

/// Refuses a change that a form on another site may have sent with the browser's credentials.
fn check_change(request: &Request) -> Result<(), ApiError> {
    let marker = request.headers().get("x-requested-with")?;
    if is_deliberate(&request.inner().method(), marker.as_deref()) {
        return Ok(());
    }
    let message = "a change needs the header x-requested-with, which no form can send";
    Err(ApiError::with_message(Code::Forbidden, message))
}

/// Returns whether a request only reads, or has a header that no form can send: a script of another site would
/// need permission first (CORS), and `/api` never gives it.
fn is_deliberate(method: &str, marker: Option<&str>) -> bool {
    ["GET", "HEAD"].contains(&method) || marker.is_some_and(|marker| !marker.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_change_something_needs_a_marker() {
        for method in ["GET", "HEAD"] {
            assert!(is_deliberate(method, None), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "PROPFIND", ""] {
            assert!(!is_deliberate(method, None), "{method}");
            assert!(!is_deliberate(method, Some("")), "{method}");
            assert!(is_deliberate(method, Some("fetch")), "{method}");
        }
    }
}
