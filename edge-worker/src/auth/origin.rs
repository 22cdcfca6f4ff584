//! From which pages a browser may come: the gateway's own, and for tickets those that are listed.

use vtryon_gateway_engine::text::number;
use vtryon_webhooks::Code;
use worker::Request;

use crate::http::response::ApiError;

/// Checks the page of a request that comes with a ticket, and returns its origin where it is another site's that
/// is allowed. A program has none.
///
/// # Errors
/// `forbidden`.
pub(crate) fn allowed(request: &Request, listed: &[String]) -> Result<Option<String>, ApiError> {
    let Some(origin) = request.headers().get("origin")? else { return Ok(None) };
    if listed.contains(&origin) {
        return Ok(Some(origin));
    }
    if is_own(request, &origin) {
        return Ok(None);
    }
    Err(ApiError::with_message(Code::Forbidden, "this origin is not listed in TICKET_ORIGINS"))
}

/// Refuses a socket that a browser opens with the credentials it adds by itself, unless a page of the gateway's
/// own asks for it: sockets are not held to CORS.
///
/// # Errors
/// `forbidden`.
pub(super) fn check_socket(request: &Request) -> Result<(), ApiError> {
    let origin = request.headers().get("origin")?.unwrap_or_default();
    if is_own(request, &origin) {
        return Ok(());
    }
    Err(ApiError::with_message(
        Code::Forbidden,
        "a socket by cookie or Access needs the gateway's own origin",
    ))
}

fn is_own(request: &Request, origin: &str) -> bool {
    // The runtime writes URLs as browsers do (WHATWG URL), so the origin is what stands before the path.
    let url = request.inner().url();
    url.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/')) && is_origin(origin)
}

/// Returns whether a text is an origin as browsers write it (RFC 6454, 6.2): a scheme, a host in lower case and in
/// ASCII, and a port where it is not the scheme's own.
pub(crate) fn is_origin(text: &str) -> bool {
    let (rest, own_port) = match text.split_once("://") {
        Some(("https", rest)) => (rest, "443"),
        Some(("http", rest)) => (rest, "80"),
        Some(_) | None => return false,
    };
    // An IPv6 address has colons too, and stands in brackets.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (rest, None),
    };
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
    let is_host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
        Some(address) => {
            address.is_some_and(|address| !address.is_empty() && address.bytes().all(is_address))
        }
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    let is_port = |port: &str| port != own_port && number::<u16>(port).is_some();
    is_host && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_write_them() {
        for text in [
            "https://shop.example",
            "http://localhost:3000",
            "https://[::1]:8443",
            "https://xn--bcher-kva.example",
        ] {
            assert!(is_origin(text), "{text}");
        }
        for text in [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example:443",
            "https://Shop.example",
            "HTTPS://shop.example",
            "https://*.example",
            "https://a@shop.example",
            "https://shop.example/a",
            "ftp://shop.example",
            "https://shop.example ",
            "https://b\u{fc}cher.example",
        ] {
            assert!(!is_origin(text), "{text:?}");
        }
    }
}
