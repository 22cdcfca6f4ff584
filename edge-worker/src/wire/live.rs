//! What a shard is asked to show live.

use vtryon_webhooks::Millis;

use crate::json::Object;
use crate::json::{object, one_of};

/// How many bytes of what is stored already a viewer is sent ahead of its acknowledgements: 256 KiB.
pub(crate) const AHEAD: usize = 256 * 1024;

/// Why the socket of a page is closed whose task has ended.
pub(crate) const FINAL: &str = "final";

/// The header in which a shard says where a stream begins, as cursors have it.
pub(crate) const BEGINNING: &str = "x-vtryon-live-place";

/// A stream that a socket is opened for.
pub(crate) struct Watch {
    pub(crate) subject: Subject,
    pub(crate) start: Start,
    /// Whether events carry their bodies and signatures.
    pub(crate) bodies: bool,
    /// Until when anything may be shown: what lets the viewer in has an end.
    pub(crate) until: Option<Millis>,
    /// How far ahead of its acknowledgements it may be sent what is stored, in bytes.
    pub(crate) ahead: usize,
}

object!(Watch { subject, start, bodies, until, ahead });

/// What a stream is about.
pub(crate) enum Subject {
    /// Everything that the shard stores.
    Shard,
    /// One task, with everything about it.
    Task { task_id: String },
    /// How one task stands, and nothing else.
    State { task_id: String },
}

one_of!(Subject {
    "shard" => Shard,
    "task" => Task { task_id },
    "state" => State { task_id },
});

/// Where a stream begins.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// With a snapshot.
    Now,
    /// With what was stored after this number.
    After(i64),
    /// With what was received from this time on.
    Since(Millis),
}

one_of!(Start {
    "now" => Now,
    "after" => After(held),
    "since" => Since(held),
});

/// Reads a viewer's acknowledgement, and returns the id up to which it has taken everything. What is longer than
/// one can be is not looked at.
pub(crate) fn acknowledged(text: &str, longest: usize) -> Option<String> {
    if text.len() > longest {
        return None;
    }
    let object = Object::parse(text.as_bytes())?;
    (object.text("type")? == "ack").then(|| object.text("id")).flatten()
}
