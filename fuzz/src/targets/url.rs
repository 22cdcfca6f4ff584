//! The rules for URLs of endpoints against the crate `url`, which reads them as browsers and Workers do, and against a model
//! of which rules a URL breaks.

mod model;

use arbitrary::{Result, Unstructured};
use url::{Host, Position, Url};
use vtryon_webhooks::endpoint::{UrlRules, host};

use crate::vectors::column;

/// The hosts of this machine, which `allow_insecure` permits.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Parts of hosts, alone and with others: public and private names, and numbers.
const LABELS: [&str; 64] = [
    "shop",
    "example",
    "com",
    "alt",
    "arpa",
    "beta",
    "tailscale",
    "net",
    "bit",
    "box",
    "consul",
    "corp",
    "exit",
    "gnu",
    "home",
    "i2p",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localho",
    "st",
    "localhost",
    "localtest",
    "me",
    "lvh",
    "mail",
    "metadata",
    "goog",
    "tencentyun",
    "nip",
    "io",
    "onion",
    "private",
    "sslip",
    "svc",
    "test",
    "traefik",
    "ts",
    "xip",
    "zkey",
    "LAN",
    "xlan",
    "lanx",
    "127",
    "0",
    "1",
    "10",
    "256",
    "0x7f",
    "0x",
    "0xg",
    "08",
    "4294967296",
    "-a",
    "a-",
    "a_b",
    "",
    "xn--p1ai",
    "127.0.0.1",
    "a63456789012345678901234567890123456789012345678901234567890123",
    "a634567890123456789012345678901234567890123456789012345678901234",
];

/// What stands behind a host.
const PORTS: [&str; 16] = [
    "", "", ":443", ":2053", ":2083", ":2087", ":2096", ":8443", ":80", ":0", ":65535", ":65536", ":0443",
    ":+443", ":", ":x",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let built = (0..LABELS.len() as u8).map(|no| vec![1, no, (no + 1) % 64, 0, 0, no % 16]);
    column(include_str!("../../../tests/vectors/endpoint.json"), "url").into_iter().chain(built).collect()
}

pub(crate) fn check(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        judged(text);
    }
    if let Ok(text) = built(&mut Unstructured::new(input)) {
        judged(&text);
    }
}

/// Builds a URL of parts.
fn built(choices: &mut Unstructured<'_>) -> Result<String> {
    let mut host = String::new();
    for no in 0..=choices.int_in_range(0..=4_u8)? {
        let dot = if no > 0 { "." } else { "" };
        host = format!("{host}{dot}{}", choices.choose(&LABELS)?);
    }
    host = host.repeat(*choices.choose(&[1, 1, 1, 5])?);
    let (scheme, port) = (*choices.choose(&["https", "https", "http", "HTTPS"])?, *choices.choose(&PORTS)?);
    Ok(format!("{scheme}://{host}{port}/webhooks"))
}

fn judged(text: &str) {
    for allow_insecure in [false, true] {
        let rules = UrlRules { allow_insecure, hosts: Vec::new() };
        let checked = rules.check(text);
        if let Some(broken) = model::broken(text, allow_insecure) {
            let is_said = |why: String| broken.iter().any(|rule| why.contains(rule));
            let agrees = checked.as_ref().map_or_else(|why| is_said(why.to_string()), |()| broken.is_empty());
            assert!(agrees, "{text}: {checked:?}, but {broken:?}");
        }
        match checked {
            Ok(()) => accepted(text, &rules),
            Err(refused) => justified(text, &refused.to_string(), allow_insecure),
        }
    }
}

/// An accepted URL leads to the public host that it names, and to no other.
fn accepted(text: &str, rules: &UrlRules) {
    let named = host(text).unwrap().to_ascii_lowercase();
    let is_loopback = LOOPBACK.contains(&&*named);
    match Url::parse(text) {
        Ok(read) => {
            assert_eq!(read.host_str(), Some(&*named));
            assert!(is_loopback || matches!(read.host(), Some(Host::Domain(name)) if name.contains('.')));
            assert_eq!((read.username(), read.password(), read.fragment()), ("", None, None));
            assert!(read.scheme() == "https" || rules.allow_insecure && read.scheme() == "http");
            let port = read.port_or_known_default().unwrap();
            assert!(rules.allow_insecure || [443, 2053, 2083, 2087, 2096, 8443].contains(&port));
            assert!(text.ends_with(&read[Position::BeforePath..]) || read.path() == "/");
        }
        // The one thing that is not judged: whether punycode names letters that a host may have.
        Err(error) => assert!(error == url::ParseError::IdnaError && named.contains("xn--"), "{error}"),
    }
    assert!(!is_loopback || rules.allow_insecure);
    let only = |entry: String| UrlRules { hosts: vec![entry], ..rules.clone() }.check(text).is_ok();
    assert!(only(named.to_ascii_uppercase()));
    assert!(
        !only(format!("x{named}")) && !only(format!("*.{named}")) && !only("elsewhere.example".to_owned())
    );
    if let Some((_, domain)) = named.split_once('.').filter(|_| !is_loopback) {
        assert!(only(format!("*.{domain}")) && !only(domain.to_owned()));
    }
}

/// A URL is refused for what it has.
fn justified(text: &str, why: &str, allow_insecure: bool) {
    let read = Url::parse(text);
    let domain = read.as_ref().ok().and_then(Url::domain).unwrap_or_default();
    // With two dots at its end, a number is a name, which is refused all the same.
    if why.contains("IP address") && !domain.ends_with("..") {
        assert!(domain.is_empty(), "{text}: {why}");
    }
    if why.contains("a user or a password") {
        assert!(text.contains('@'), "{text}: {why}");
    }
    if why.contains("does not begin with https") {
        let begins = |scheme: &str| text.to_ascii_lowercase().starts_with(scheme);
        assert!(!(begins("https://") || allow_insecure && begins("http://")), "{text}: {why}");
    }
}
