//! Which rules a plain URL breaks, said once more: by its labels from the last one on, and by what the crate `url` takes for
//! an address.

use std::collections::BTreeSet;

use url::{Host, ParseError, Url};

/// Names that are private with all that is below them.
const PRIVATE: &str = "alt arpa beta.tailscale.net bit box consul corp exit gnu home i2p internal intranet invalid lan \
    local localdomain localho.st localhost localtest.me lvh.me mail metadata.goog metadata.tencentyun.com nip.io \
    onion private sslip.io svc test traefik.me ts.net xip.io zkey";

/// The ports that are called over HTTPS.
const PORTS: [u32; 6] = [443, 8443, 2053, 2083, 2087, 2096];

/// A part of what is said of each rule.
const LONG_URL: &str = "longer than 2048 bytes";
const NO_HTTPS: &str = "does not begin with https://";
const NO_HOST: &str = "names no host";
const ADDRESS: &str = "an IP address";
const LONG_HOST: &str = "more than 253 bytes";
const LAST_DOT: &str = "a dot at its end";
const LABELS: &str = "not made of labels";
const PRIVATE_HOST: &str = "a host of a private network";
const NO_DOMAIN: &str = "a host without a domain";
const NO_PORT: &str = "no number from 1 to 65535";
const OTHER_PORT: &str = "none of 443";

/// Returns every rule that a URL breaks; nothing is said of one with other characters than names, numbers and paths have.
pub(super) fn broken(text: &str, allow_insecure: bool) -> Option<BTreeSet<&'static str>> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_once('/')?;
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_plain = |text: &str, others: &str| {
        text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
    };
    let is_known = ["http", "https"].contains(&&*scheme)
        && is_plain(host, ".-_")
        && is_plain(port.unwrap_or_default(), "-+")
        && is_plain(path, "/-_")
        && !host.ends_with("..");
    if !is_known {
        return None;
    }
    let name = host.to_ascii_lowercase();
    let is_local = allow_insecure && ["localhost", "127.0.0.1"].contains(&&*name);
    let mut broken = if is_local { BTreeSet::new() } else { broken_by(&name) };
    broken.extend(port.and_then(|port| broken_by_port(port, allow_insecure)));
    broken.extend((scheme == "http" && !allow_insecure).then_some(NO_HTTPS));
    broken.extend((text.len() > 2048).then_some(LONG_URL));
    Some(broken)
}

/// Returns what is wrong with the name of a host.
fn broken_by(name: &str) -> BTreeSet<&'static str> {
    let labels: Vec<&str> = name.split('.').collect();
    let is_label = |label: &&str| {
        let ends = [label.chars().next(), label.chars().last()];
        label.len() <= 63
            && ends.iter().all(|end| end.is_some_and(|end| end.is_ascii_alphanumeric()))
            && !label.contains('_')
    };
    let last = |count: usize| labels[labels.len().saturating_sub(count)..].join(".");
    let is_private = PRIVATE.split(' ').any(|private| last(private.split('.').count()) == private);
    // A host is an address where its last label is one by itself; before that, another label may be no punycode.
    let end = name.strip_suffix('.').unwrap_or(name).rsplit('.').next().unwrap_or_default();
    let is_address = match Url::parse(&format!("https://{end}/")) {
        Ok(url) => !matches!(url.host(), Some(Host::Domain(_))),
        Err(error) => error == ParseError::InvalidIpv4Address,
    };
    let rules = [
        (NO_HOST, name.is_empty()),
        (ADDRESS, is_address),
        (LONG_HOST, name.len() > 253),
        (LAST_DOT, name.ends_with('.')),
        (LABELS, !labels.iter().all(is_label)),
        (PRIVATE_HOST, is_private),
        (NO_DOMAIN, labels.len() == 1),
    ];
    rules.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule).collect()
}

/// Returns what is wrong with a port.
fn broken_by_port(port: &str, allow_insecure: bool) -> Option<&'static str> {
    let number = port.parse::<u32>().ok().filter(|number| number.to_string() == port);
    match number {
        Some(1..=65535) if allow_insecure => None,
        Some(number) if PORTS.contains(&number) => None,
        Some(1..=65535) => Some(OTHER_PORT),
        Some(_) | None => Some(NO_PORT),
    }
}
