//! The targets, a file for each.

mod access;
mod cursor;
mod directory;
mod event;
mod json;
mod protocol;
mod retry_after;
mod session;
mod shard;
mod signature;
mod standard_webhooks;
mod ticket;
mod token;
mod url;

use crate::Target;

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "access", check: access::check, seeds: access::seeds },
    Target { name: "cursor", check: cursor::check, seeds: cursor::seeds },
    Target { name: "directory", check: directory::check, seeds: directory::seeds },
    Target { name: "event", check: event::check, seeds: event::seeds },
    Target { name: "json", check: json::check, seeds: json::seeds },
    Target { name: "protocol", check: protocol::check, seeds: protocol::seeds },
    Target { name: "retry_after", check: retry_after::check, seeds: retry_after::seeds },
    Target { name: "session", check: session::check, seeds: session::seeds },
    Target { name: "shard", check: shard::check, seeds: shard::seeds },
    Target { name: "signature", check: signature::check, seeds: signature::seeds },
    Target { name: "standard_webhooks", check: standard_webhooks::check, seeds: standard_webhooks::seeds },
    Target { name: "ticket", check: ticket::check, seeds: ticket::seeds },
    Target { name: "token", check: token::check, seeds: token::seeds },
    Target { name: "url", check: url::check, seeds: url::seeds },
];
