//! The names that no header of an endpoint may have.

use crate::Refusal;
use crate::directory::input::refuse;

/// Why a name is reserved.
const CONNECTION: &str = "belongs to one connection";
const FRAMING: &str = "describes the request, which the gateway makes";
const GATEWAY: &str = "is the gateway's own";
const CLOUDFLARE: &str = "is set by Cloudflare";

/// Reserved names, in lower case.
const NAMES: &[(&str, &str)] = &[
    // RFC 9110, 7.6.1 and 6.6.2; RFC 9112, C.2.2; RFC 7540, 3.2.1.
    ("connection", CONNECTION),
    ("http2-settings", CONNECTION),
    ("keep-alive", CONNECTION),
    ("te", CONNECTION),
    ("trailer", CONNECTION),
    ("transfer-encoding", CONNECTION),
    ("upgrade", CONNECTION),
    // RFC 9110, 7.2, 8.3, 8.4, 8.6, 10.1.1 and 14.4. The signatures cover the bytes as they are sent.
    ("host", FRAMING),
    ("content-encoding", FRAMING),
    ("content-length", FRAMING),
    ("content-range", FRAMING),
    ("content-type", FRAMING),
    ("expect", FRAMING),
    // It tells receivers who calls.
    ("user-agent", GATEWAY),
    // RFC 8586, and https://developers.cloudflare.com/fundamentals/reference/http-headers/.
    ("cdn-loop", CLOUDFLARE),
    ("true-client-ip", CLOUDFLARE),
    ("x-real-ip", CLOUDFLARE),
];

/// Beginnings of reserved names, in lower case.
const PREFIXES: &[(&str, &str)] = &[
    // RFC 9110, 11.7, and the browsers' `proxy-connection`.
    ("proxy-", CONNECTION),
    ("webhook-", GATEWAY),
    ("x-vtryon-", GATEWAY),
    // The page of Cloudflare's above.
    ("cf-", CLOUDFLARE),
    ("x-forwarded-", CLOUDFLARE),
];

/// What is allowed all the same: with a service token, a request passes Cloudflare Access. See
/// https://developers.cloudflare.com/cloudflare-one/access-controls/service-credentials/service-tokens/.
const ALLOWED: &[&str] = &["cf-access-client-id", "cf-access-client-secret"];

/// Checks whether a name may be that of an endpoint's header.
pub(super) fn check(name: &str, longest: usize) -> Result<(), Refusal> {
    if !(1..=longest).contains(&name.len()) || !name.bytes().all(is_token) {
        let message = format!(
            "`headers` has a name that is not 1 to {longest} letters, digits and characters of !#$%&'*+-.^_`|~"
        );
        return Err(refuse(message));
    }
    let lower = name.to_ascii_lowercase();
    if ALLOWED.contains(&&*lower) {
        return Ok(());
    }
    let as_name = NAMES.iter().find(|(reserved, _)| lower == *reserved);
    match as_name.or_else(|| PREFIXES.iter().find(|(prefix, _)| lower.starts_with(prefix))) {
        Some((_, why)) => Err(refuse(format!("`headers` has {name}, which {why}"))),
        None => Ok(()),
    }
}

/// Returns whether a byte may be part of a header's name (RFC 9110, 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
