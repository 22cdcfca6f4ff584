//! Rejected requests as isolates report them to the directory: how many, and a first and a last sample.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::{Code, Millis};

/// The kinds of paths that the gateway tells apart where it counts refused requests: a path itself is the sender's
/// text and is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    Webhook,
    /// Another path below `/webhooks`.
    Webhooks,
    Api,
    Other,
}

impl PathKind {
    pub const ALL: [Self; 4] = [Self::Webhook, Self::Webhooks, Self::Api, Self::Other];

    /// Returns it as a pattern, which is also its stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "/webhooks/vtryon",
            Self::Webhooks => "/webhooks/*",
            Self::Api => "/api/*",
            Self::Other => "/*",
        }
    }
}

/// Says in one sentence why requests are refused by a code at a kind of path.
pub const fn summary(code: Code, path: PathKind) -> &'static str {
    match (code, path) {
        (Code::NotFound, PathKind::Webhooks) => {
            "a signed webhook was posted to an unknown path below /webhooks"
        }
        (Code::NotFound, PathKind::Api) => "a signed webhook was posted to a path of /api",
        (Code::NotFound, PathKind::Webhook | PathKind::Other) => {
            "a signed webhook was posted to an unknown path"
        }
        (Code::Unavailable, _) => "the memory for bodies of unverified senders was full",
        (code, _) => code.summary(),
    }
}

/// Says what the gateway's operator can do about it.
pub fn hint(code: Code) -> &'static str {
    if code == Code::NotFound {
        return "register the URL of this gateway that ends in /webhooks/vtryon";
    }
    if code == Code::Unavailable {
        return "somebody sends many long bodies at the same time: block them in the firewall of your zone. Vtryon comes again";
    }
    code.hint()
}

/// Webhooks refused for one cause, as an isolate has counted them.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rejection {
    pub code: String,
    /// The name of a [`PathKind`].
    pub path: String,
    pub count: i64,
    pub first_at: Millis,
    pub last_at: Millis,
    /// The first whose body names a task, else the first of all.
    pub first: Sample,
    /// The last one, where it is another.
    pub last: Option<Sample>,
}

/// What is kept of a request that was refused; the Worker bounds it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    pub received_at: Millis,
    /// The value of the signature's header, or its beginning.
    pub header: String,
    /// How long all of it was, in bytes.
    pub header_bytes: usize,
    pub content_type: Option<String>,
    /// The body or its beginning, in hex.
    pub body: String,
    /// How long all of it was; none where that was neither declared nor seen.
    pub body_bytes: Option<usize>,
}
