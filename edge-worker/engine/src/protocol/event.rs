//! A verified event on its way to the shard that stores it.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::event::{Identity, STATUS_CHANGED};
use vtryon_webhooks::{Digest, Error, Event, Millis, Verified};

/// A verified event before it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub struct IncomingEvent {
    pub received_at: Millis,
    /// The fingerprint of the secret that signed it.
    #[serde(default)]
    pub key: String,
    pub content: Content,
    /// The only endpoint that it goes to: set for test events only.
    pub target_endpoint: Option<i64>,
    /// How long the storing of an earlier event took, as the Worker saw it, in milliseconds.
    pub last_commit_ms: Option<i64>,
    /// When it was imported from another deployment, which has delivered it; none where Vtryon has posted it here.
    #[serde(default)]
    pub imported_at: Option<Millis>,
}

/// The content of a verified body.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A task's status.
    Status { task_id: String, status: String, result_url: Option<String>, failure: Option<String> },
    /// An event of a task, by a name that the core does not know.
    Other { task_id: String, name: String },
    /// A body that cannot be parsed, and why.
    Unreadable { code: String, message: String },
}

impl IncomingEvent {
    /// Parses a verified body. Returns it with the digest that assigns it to a shard: of the task's id, or of
    /// the body.
    pub fn read(verified: &Verified<'_>, received_at: Millis) -> (Digest, Self) {
        let (digest, content) = match Event::parse(verified) {
            Ok(event) => (Digest::of_task(event.task_id().as_str()), Content::of(&event)),
            Err(error) => (Digest::of(verified.payload()), Content::unreadable(error)),
        };
        (
            digest,
            Self {
                received_at,
                key: verified.fingerprint().to_string(),
                content,
                target_endpoint: None,
                last_commit_ms: None,
                imported_at: None,
            },
        )
    }

    /// Returns the task's id; `None` for a body that cannot be parsed.
    pub fn task_id(&self) -> Option<&str> {
        match &self.content {
            Content::Status { task_id, .. } | Content::Other { task_id, .. } => Some(task_id),
            Content::Unreadable { .. } => None,
        }
    }
}

impl Content {
    /// Returns the event's name; a body that cannot be parsed has none.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Status { .. } => Some(STATUS_CHANGED),
            Self::Other { name, .. } => Some(name),
            Self::Unreadable { .. } => None,
        }
    }

    /// Returns the status that a task gets.
    pub fn status(&self) -> Option<&str> {
        match self {
            Self::Status { status, .. } => Some(status),
            Self::Other { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Returns what the event has in common with its duplicates. `digest` is that of the body, in hex.
    pub fn identity<'a>(&'a self, digest: &'a str) -> Identity<'a> {
        match self {
            Self::Status { task_id, status, .. } => Identity::Status { task_id, status },
            Self::Other { task_id, name } => Identity::Other { task_id, name, digest },
            Self::Unreadable { .. } => Identity::Body { digest },
        }
    }

    fn of(event: &Event<'_>) -> Self {
        let task_id = event.task_id().as_str().to_owned();
        match event.status() {
            Some(status) => Self::Status {
                task_id,
                status: status.as_str().to_owned(),
                result_url: event.result_url().map(str::to_owned),
                failure: event.error_message().map(str::to_owned),
            },
            None => Self::Other { task_id, name: event.name().to_owned() },
        }
    }

    fn unreadable(error: Error) -> Self {
        Self::Unreadable { code: error.code().to_string(), message: error.to_string() }
    }
}
