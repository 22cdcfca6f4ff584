//! The identity of an event, which its repeats share.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::digest::Digest;

/// The stored parts of an event that identify it.
///
/// `Debug` shows only the kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Identity<'a> {
    /// A status of a task. A task has each status once; a repeat may have other bytes.
    Status {
        /// The task.
        task_id: &'a str,
        /// The status.
        status: &'a str,
    },
    /// An event of an unknown kind, identified by its bytes.
    Other {
        /// The task.
        task_id: &'a str,
        /// The event's name.
        name: &'a str,
        /// SHA-256 of the body, in lower-case hex.
        digest: &'a str,
    },
    /// A signed body that is not a readable event.
    Body {
        /// SHA-256 of the body, in lower-case hex.
        digest: &'a str,
    },
}

impl Identity<'_> {
    /// Returns the idempotency key: `status:STATUS:TASK_ID`, `event:NAME:SHA256:TASK_ID` or `body:SHA256`.
    ///
    /// In a status and in a name, `%` is written as `%25` and `:` as `%3A`, so that different events have different keys.
    pub fn key(&self) -> String {
        let mut key = String::new();
        self.push_key(&mut key);
        key
    }

    /// Appends the idempotency key to `text`.
    pub(crate) fn push_key(&self, text: &mut String) {
        match self {
            Self::Status { task_id, status } => text.extend(["status:", &escaped(status), ":", task_id]),
            Self::Other { task_id, name, digest } => {
                text.extend(["event:", &escaped(name), ":", digest, ":", task_id]);
            }
            Self::Body { digest } => text.extend(["body:", digest]),
        }
    }

    /// Returns the `webhook-id` (Standard Webhooks) of its deliveries: `evt_` and 32 hex digits of the
    /// key's SHA-256, the same for every attempt, endpoint and replay.
    ///
    /// ```
    /// use vtryon_webhooks::event::Identity;
    /// let identity = Identity::Status { task_id: "task_123", status: "completed" };
    /// assert_eq!(identity.webhook_id(), "evt_8af9e801c735260551ee15c06a7172d3");
    /// ```
    pub fn webhook_id(&self) -> String {
        let mut id = String::from("evt_");
        id.extend(Digest::of(self.key().as_bytes()).to_hex().chars().take(32));
        id
    }
}

impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status { .. } => "Identity(status)",
            Self::Other { .. } => "Identity(event)",
            Self::Body { .. } => "Identity(body)",
        })
    }
}

/// Escapes a part of a key so that it holds no separator.
fn escaped(part: &str) -> Cow<'_, str> {
    if part.contains(['%', ':']) {
        Cow::Owned(part.replace('%', "%25").replace(':', "%3A"))
    } else {
        Cow::Borrowed(part)
    }
}
