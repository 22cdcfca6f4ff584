//! The table of host names that lead into a private network or do not exist in the public DNS.

/// A host is private if it is one of these names, or below one. Each has its source beside it; "IANA" is the
/// registry of special-use domain names (RFC 6761, iana.org/assignments/special-use-domain-names), "P2P" is
/// draft-grothoff-iesg-special-use-p2p-names.
///
/// `example`, `example.com`, `example.net` and `example.org` of that registry are not here: they are for
/// documentation, lead nowhere, and are what examples and tests use.
const PRIVATE: [&str; 34] = [
    // Special use: never in the public DNS, or only in the part of it that serves the DNS itself.
    "alt",       // RFC 9476, IANA
    "arpa",      // RFC 3172; `home.arpa` RFC 8375, `service.arpa` RFC 9665, reverse names RFC 6761, IANA
    "invalid",   // RFC 6761, IANA
    "local",     // RFC 6762, IANA; `cluster.local` of Kubernetes is below it
    "localhost", // RFC 6761, IANA
    "onion",     // RFC 7686, IANA
    "test",      // RFC 6761, IANA
    "bit",       // P2P
    "exit",      // P2P
    "gnu",       // P2P
    "i2p",       // P2P
    "zkey",      // P2P
    // Never delegated, because private networks use them.
    "internal", // ICANN board, 2024-07-29; clouds' metadata servers and `docker.internal` are below it
    "intranet", // RFC 6762, appendix G
    "private",  // RFC 6762, appendix G
    "corp",     // RFC 6762, appendix G; ICANN board, 2018-02-04
    "home",     // RFC 6762, appendix G; ICANN board, 2018-02-04
    "lan",      // RFC 6762, appendix G
    "mail",     // ICANN board, 2018-02-04
    // What routers, resolvers, clusters and overlay networks name their hosts.
    "localdomain",        // the default of Linux distributions for `/etc/hosts`
    "box",                // `fritz.box` and what is below it: FRITZ!Box. Delegated, and little used.
    "svc",                // Kubernetes, "DNS for Services and Pods": `shop.default.svc`
    "consul",             // Consul, `domain` of its configuration
    "ts.net",             // Tailscale, "MagicDNS"
    "beta.tailscale.net", // Tailscale, "MagicDNS": the former one
    // Servers that hand out credentials to whoever asks from inside a cloud, beside those in `internal`.
    "metadata.goog",           // Google Cloud, "About VM metadata"
    "metadata.tencentyun.com", // Tencent Cloud, "Instance metadata"
    // Public names for any address, private ones too: 10.0.0.1.nip.io leads to 10.0.0.1.
    "nip.io",       // nip.io
    "sslip.io",     // sslip.io
    "xip.io",       // the former one of the same kind
    "traefik.me",   // traefik.me
    "localtest.me", // 127.0.0.1, readme.localtest.me
    "lvh.me",       // 127.0.0.1
    "localho.st",   // 127.0.0.1
];

/// Returns whether a host is private by its name alone.
pub(super) fn is_private(host: &str) -> bool {
    PRIVATE.iter().any(|name| host.eq_ignore_ascii_case(name) || is_below(host, name))
}

/// Returns whether a host is a subdomain of a domain.
pub(super) fn is_below(host: &str, domain: &str) -> bool {
    let Some(dot) = host.len().checked_sub(domain.len() + 1) else { return false };
    host.get(..dot).is_some_and(|label| !label.is_empty())
        && host.get(dot..dot + 1) == Some(".")
        && host.get(dot + 1..).is_some_and(|end| end.eq_ignore_ascii_case(domain))
}
