//! Checks the URLs of endpoints.

use alloc::string::String;
use alloc::vec::Vec;

use super::private_names::{is_below, is_private};
use crate::error::{Code, Error};

/// The longest URL of an endpoint, in bytes.
pub const MAX_URL: usize = 2048;

/// The longest name of a host and the longest label in it, in bytes (RFC 1035, 2.3.4).
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// The HTTPS ports that Cloudflare's network connects to.
const PORTS: [u16; 6] = [443, 2053, 2083, 2087, 2096, 8443];

/// The hosts of the local machine that `allow_insecure` permits.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which URLs an endpoint may have. The default accepts any public host, over HTTPS only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlRules {
    /// Whether to accept `http://`, any port, and the local machine. For development.
    pub allow_insecure: bool,
    /// The allowed hosts, the local machine included. Each entry is a name, or `*.example.com` for its subdomains.
    /// Empty means any.
    pub hosts: Vec<String>,
}

impl UrlRules {
    /// Checks a URL against the rules.
    ///
    /// They are stricter than RFC 3986, so that all parsers read an accepted URL alike and its host is a name, never
    /// an IP address. Private names are found by a table. A public name may still resolve to a private address; only
    /// `hosts` rules that out. Punycode of letters that host names do not allow is accepted, because no such host
    /// resolves.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] in the field `url`; the text says which rule the URL breaks.
    ///
    /// ```
    /// use vtryon_webhooks::endpoint::UrlRules;
    /// let rules = UrlRules::default();
    /// assert!(rules.check("https://shop.example/webhooks").is_ok());
    /// let refused = rules.check("https://127.0.0.1/webhooks").unwrap_err();
    /// assert_eq!(refused.to_string(), "`url` names an IP address: name a host");
    /// ```
    pub fn check(&self, url: &str) -> Result<(), Error> {
        check_characters(url)?;
        let Some(Parts { is_https, host, port, target }) = split(url) else {
            return refuse("does not begin with https://");
        };
        if !is_https && !self.allow_insecure {
            return refuse("does not begin with https://");
        }
        if host.contains('@') || port.is_some_and(|port| port.contains('@')) {
            return refuse("holds a user or a password");
        }
        if !(self.allow_insecure && is_one_of(&LOOPBACK, host)) {
            check_name(host)?;
        }
        self.check_port(port)?;
        check_target(target)?;
        if !self.hosts.is_empty() && !self.hosts.iter().any(|entry| covers(entry, host)) {
            return refuse("names a host that is not among those allowed");
        }
        Ok(())
    }

    /// Checks the text after the colon; `None` is the default port of the scheme.
    fn check_port(&self, port: Option<&str>) -> Result<(), Error> {
        let Some(port) = port else { return Ok(()) };
        let is_plain = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
        let Some(number) = port.parse::<u16>().ok().filter(|_| is_plain) else {
            return refuse("has a port that is no number from 1 to 65535");
        };
        if self.allow_insecure || PORTS.contains(&number) {
            return Ok(());
        }
        refuse("has a port that is none of 443, 2053, 2083, 2087, 2096 and 8443")
    }
}

/// Returns the host of an accepted URL, as written.
pub fn host(url: &str) -> Option<&str> {
    split(url).map(|parts| parts.host)
}

/// Returns the scheme, the host and the port of an accepted URL, as written.
///
/// ```
/// use vtryon_webhooks::endpoint::origin;
/// assert_eq!(origin("https://shop.example:8443/a?b"), Some("https://shop.example:8443"));
/// assert_eq!(origin("https://shop.example?b"), Some("https://shop.example"));
/// ```
pub fn origin(url: &str) -> Option<&str> {
    split(url).and_then(|parts| url.strip_suffix(parts.target))
}

/// Returns whether two accepted URLs have the same origin: scheme, host and port (RFC 6454, 4).
///
/// ```
/// use vtryon_webhooks::endpoint::is_same_origin;
/// assert!(is_same_origin("https://shop.example/a", "HTTPS://Shop.Example:443/b"));
/// assert!(!is_same_origin("https://shop.example/", "https://other.example/"));
/// ```
pub fn is_same_origin(one: &str, other: &str) -> bool {
    match (split(one), split(other)) {
        (Some(one), Some(other)) => one.origin() == other.origin(),
        (None | Some(_), None | Some(_)) => false,
    }
}

struct Parts<'a> {
    is_https: bool,
    host: &'a str,
    port: Option<&'a str>,
    /// The path and the query.
    target: &'a str,
}

impl<'a> Parts<'a> {
    /// Returns the scheme, the host in lower case, and the port.
    fn origin(&self) -> (bool, String, &'a str) {
        let default_port = if self.is_https { "443" } else { "80" };
        (self.is_https, self.host.to_ascii_lowercase(), self.port.unwrap_or(default_port))
    }
}

/// Splits a URL without checking its parts.
fn split(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let is_https = scheme.eq_ignore_ascii_case("https");
    if !is_https && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // The colons of an IPv6 address stand within brackets.
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    Some(Parts { is_https, host, port, target })
}

/// Accepts only characters that no parser changes, drops or rejects.
fn check_characters(url: &str) -> Result<(), Error> {
    if url.len() > MAX_URL {
        return refuse("is longer than 2048 bytes");
    }
    if !url.is_ascii() {
        return refuse(
            "holds a character that is not ASCII: write a host in punycode, the rest percent-encoded",
        );
    }
    if url.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return refuse("holds a blank or a control character");
    }
    if url.contains('#') {
        return refuse("holds a fragment, which is never sent");
    }
    if url.contains(['\\', '^', '`', '"', '\'', '<', '>', '{', '}', '|']) {
        return refuse("holds a character that has to be percent-encoded");
    }
    let is_hex = |place| url.as_bytes().get(place).is_some_and(u8::is_ascii_hexdigit);
    if url.match_indices('%').any(|(place, _)| !is_hex(place + 1) || !is_hex(place + 2)) {
        return refuse("holds a percent sign without two hex digits after it");
    }
    Ok(())
}

/// Refuses dot segments, which parsers remove from a path (RFC 3986, 5.2.4), so that the called URL equals the
/// configured one.
fn check_target(target: &str) -> Result<(), Error> {
    if target.contains(['[', ']']) {
        return refuse("holds a character that has to be percent-encoded");
    }
    let path = target.split('?').next().unwrap_or_default();
    let is_dots = |segment: &str| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    };
    if path.split('/').any(is_dots) {
        return refuse("holds a dot segment");
    }
    Ok(())
}

/// Checks that a host has the form of a public name.
fn check_name(host: &str) -> Result<(), Error> {
    if host.is_empty() {
        return refuse("names no host");
    }
    if is_address(host) {
        return refuse("names an IP address: name a host");
    }
    if host.len() > MAX_HOST {
        return refuse("names a host of more than 253 bytes");
    }
    if host.ends_with('.') {
        return refuse("names a host with a dot at its end");
    }
    if !host.split('.').all(is_label) {
        return refuse("names a host that is not made of labels of letters, digits and hyphens");
    }
    if is_private(host) {
        return refuse("names a host of a private network");
    }
    if !host.contains('.') {
        return refuse("names a host without a domain");
    }
    Ok(())
}

/// Returns whether a URL parser reads a host as an IP address: it stands in brackets, or its last label is a decimal or
/// hexadecimal number (WHATWG URL, "ends in a number").
fn is_address(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    host.starts_with('[') || is_hex || is_decimal
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Returns whether an entry of the list of allowed hosts matches a host.
fn covers(entry: &str, host: &str) -> bool {
    match entry.strip_prefix("*.") {
        Some(domain) => is_below(host, domain),
        None => host.eq_ignore_ascii_case(entry),
    }
}

fn is_one_of(names: &[&str], host: &str) -> bool {
    names.iter().any(|name| host.eq_ignore_ascii_case(name))
}

const fn refuse(what: &'static str) -> Result<(), Error> {
    Err(Error::in_field(Code::InvalidRequest, "url", what))
}
