//! Subscriptions to a shard's live stream.

pub mod close;
pub mod cursor;

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;

use crate::text::json::Object;

/// How many bytes of the backlog are sent ahead of the acknowledgements: 256 KiB.
pub const SEND_WINDOW: usize = 256 * 1024;

/// How many they are at least, where the streams of many shards share the Worker's memory: 32 KiB.
pub const MIN_SEND_WINDOW: usize = 32 * 1024;

/// Returns whether a message without an id, which can't be acknowledged, may be sent beside what is not acknowledged: such
/// messages leave half of a send window to those that have an id.
pub const fn has_room_for_hint(unacknowledged: usize, send_window: usize) -> bool {
    unacknowledged < send_window / 2
}

/// After how many bytes that a client has taken the Worker acknowledges them to their shard: 8 KiB.
pub const ACKNOWLEDGE_AFTER: usize = 8 * 1024;

/// How many broadcasts a shard queues at most before it decides on anything more, and how many entries one decision stores
/// at most.
pub const MAX_QUEUED: usize = 50;

/// How long an acknowledgement of one shard's messages may be, in bytes.
pub const MAX_ACK_BYTES: usize = 1024;

/// The header in which a shard names the position where a stream begins, as cursors have it.
pub const LIVE_CURSOR: &str = "x-vtryon-live-cursor";

/// The type of a message to a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    Event,
    Replay,
    Snapshot,
    Gap,
    Ready,
    Delivery,
    /// The state of a task has changed: for ticket holders who watch it.
    Update,
    /// A task was erased.
    Erased,
}

impl MessageType {
    pub const ALL: [Self; 8] = [
        Self::Event,
        Self::Replay,
        Self::Snapshot,
        Self::Gap,
        Self::Ready,
        Self::Delivery,
        Self::Update,
        Self::Erased,
    ];
}

/// A stream that a socket is opened for.
#[derive(Clone, Serialize, Deserialize)]
pub struct Subscription {
    pub subject: Subject,
    pub start: Start,
    /// Whether events carry their bodies and signatures.
    #[serde(default)]
    pub bodies: bool,
    /// When the credentials expire.
    pub until: Option<Millis>,
    /// How many bytes of the backlog may be sent ahead of the acknowledgements.
    pub send_window: usize,
}

/// What a stream is about.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Everything that the shard stores.
    Shard,
    /// One task, with everything about it.
    Task { task_id: String },
    /// The state of one task, and nothing else.
    State { task_id: String },
}

/// Where a stream begins.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With a snapshot.
    Now,
    /// With what was stored after this number.
    After(i64),
    /// With what was stored from this time on: imported events too, however old.
    Since(Millis),
}

/// Why a shard opens no stream. The status of its answer says which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The task has ended, and the subscriber has its final state.
    Over,
    /// The task ended too long ago to be watched.
    Refused,
    /// The task was erased.
    Erased,
    /// Not now, for the reason that is the body of the answer.
    Unavailable(String),
}

impl NotOpened {
    pub const fn status(&self) -> u16 {
        match self {
            Self::Over => 204,
            Self::Refused => 401,
            Self::Erased => 410,
            Self::Unavailable(_) => 503,
        }
    }

    /// Reads an answer.
    pub fn read(status: u16, body: String) -> Option<Self> {
        let known = [Self::Over, Self::Refused, Self::Erased, Self::Unavailable(body)];
        known.into_iter().find(|reason| reason.status() == status)
    }
}

/// Parses an acknowledgement; returns the id up to which everything was received. A longer text than an
/// acknowledgement can be is not parsed.
pub fn acknowledged(text: &str, longest: usize) -> Option<String> {
    if text.len() > longest {
        return None;
    }
    let object = Object::parse(text.as_bytes())?;
    (object.text("type")? == "ack").then(|| object.text("id")).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_status_of_its_own() {
        let unavailable = NotOpened::Unavailable("full".to_owned());
        for reason in [NotOpened::Over, NotOpened::Refused, NotOpened::Erased, unavailable] {
            assert_eq!(NotOpened::read(reason.status(), "full".to_owned()), Some(reason));
        }
        assert_eq!(NotOpened::read(101, String::new()), None);
    }
}
