//! A subscriber: what its socket receives, and how far it has come. It is stored in the socket's attachment, so
//! the object may hibernate.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{WebSocket, wasm_bindgen};

use crate::json;
use crate::protocol::live::{Subject, Subscription};

/// How much a socket may have unacknowledged, in bytes: 1 MiB. Beyond it, it is closed and has to resume.
const MOST: usize = 1024 * 1024;

/// How long a part is at least, in bytes, but for the last one: an attachment holds 2 KiB.
const PART: usize = 16 * 1024;

/// How long one that is behind may leave everything unacknowledged, in milliseconds: then it is closed too.
const PATIENCE: i64 = 30_000;

/// What a socket receives, until when, and how far it has come.
#[derive(Serialize, Deserialize)]
pub(super) struct Subscriber {
    pub(super) subject: Subject,
    /// Whether events carry their bodies and signatures.
    #[serde(default)]
    pub(super) bodies: bool,
    /// Until when anything may be shown.
    pub(super) until: Option<Millis>,
    /// The number up to which it has everything. Of a state, that of the event that has led to it.
    pub(super) at: i64,
    /// Up to which number it knows what has been pruned.
    pub(super) floor: i64,
    /// How many bytes may be sent ahead of its acknowledgements.
    send_window: usize,
    /// Whether it has the whole backlog, so that broadcasts are sent to it.
    #[serde(default)]
    pub(super) caught_up: bool,
    /// Whether `ready` was sent.
    #[serde(default)]
    pub(super) ready_sent: bool,
    /// What was sent and not acknowledged, in parts: the number of a part's last message, and the part's bytes.
    #[serde(default)]
    sent: Vec<(i64, usize)>,
    /// The bytes of what came since the last acknowledgement and had to wait.
    waiting: usize,
    /// Since when it is behind and has not acknowledged anything.
    silent_since: Millis,
}

#[wasm_bindgen]
extern "C" {
    /// A socket of which the attachment is a text: the crate `worker` would take it apart for any type.
    type Attached;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    fn serialize_attachment(this: &Attached, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    fn deserialize_attachment(this: &Attached) -> Result<JsValue, JsValue>;
}

fn attached(socket: &WebSocket) -> &Attached {
    socket.as_ref().unchecked_ref()
}

impl Subscriber {
    /// Makes the subscriber of a stream that begins after the number `at`.
    pub(super) fn new(subscription: Subscription, at: i64, floor: i64, now: Millis) -> Self {
        let Subscription { subject, bodies, until, send_window, .. } = subscription;
        Self {
            subject,
            bodies,
            until,
            at,
            floor,
            send_window,
            caught_up: false,
            ready_sent: false,
            sent: Vec::new(),
            waiting: 0,
            silent_since: now,
        }
    }

    /// Reads what a socket's attachment says.
    pub(super) fn of(socket: &WebSocket) -> worker::Result<Self> {
        let text = attached(socket).deserialize_attachment()?.as_string();
        json::read(&text.unwrap_or_default())
    }

    pub(super) fn save(&self, socket: &WebSocket) -> worker::Result<()> {
        Ok(attached(socket).serialize_attachment(&json::to_string(self))?)
    }

    /// Sends a message, and counts it.
    pub(super) fn send(&mut self, socket: &WebSocket, message: &str) -> worker::Result<()> {
        socket.send_with_str(message)?;
        match self.sent.last_mut() {
            Some((last, bytes)) if *bytes < PART => (*last, *bytes) = (self.at, *bytes + message.len()),
            Some(_) | None => self.sent.push((self.at, message.len())),
        }
        Ok(())
    }

    /// Handles an acknowledgement of everything up to a number.
    pub(super) fn acknowledge(&mut self, seq: i64, now: Millis) {
        (self.silent_since, self.waiting) = (now, 0);
        self.sent.retain(|(last, _)| *last > seq);
    }

    fn unacknowledged(&self) -> usize {
        self.sent.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Returns whether the backlog has to wait for an acknowledgement.
    pub(super) fn is_window_full(&self) -> bool {
        self.unacknowledged() >= self.send_window
    }

    /// Returns whether the credentials have expired.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Marks the subscriber as behind from a number on: the message is read again from the storage.
    pub(super) fn wait(&mut self, seq: i64, message: &str, now: Millis) {
        if self.caught_up {
            (self.caught_up, self.at, self.silent_since) = (false, seq - 1, now);
        }
        self.waiting += message.len();
    }

    /// Returns whether so much is unacknowledged, or for so long, that the socket is closed.
    pub(super) fn is_over_limit(&self, now: Millis) -> bool {
        let unsent = self.unacknowledged() + self.waiting;
        unsent > MOST || (!self.caught_up && now.0 - self.silent_since.0 > PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::live::{SEND_WINDOW, Start};

    fn subscriber(sent: &[(i64, usize)]) -> Subscriber {
        let at = sent.last().map_or(0, |(last, _)| *last);
        let (start, bodies, until, send_window) = (Start::Now, false, None, SEND_WINDOW);
        let subscription = Subscription { subject: Subject::Shard, start, bodies, until, send_window };
        Subscriber { sent: sent.to_vec(), caught_up: true, ..Subscriber::new(subscription, at, 0, Millis(0)) }
    }

    #[test]
    fn an_acknowledgement_strikes_out_the_parts_before_it() {
        for (seq, left) in [(0, 60), (2, 60), (3, 50), (5, 50), (6, 30), (8, 30), (9, 0), (99, 0)] {
            let mut subscriber = subscriber(&[(3, 10), (6, 20), (9, 30)]);
            subscriber.acknowledge(seq, Millis(1));
            assert_eq!(subscriber.unacknowledged(), left, "{seq}");
        }
    }

    #[test]
    fn a_subscriber_is_over_the_limit_with_too_much_or_behind_for_too_long() {
        let now = Millis(PATIENCE + 1);
        assert!(!subscriber(&[(1, MOST)]).is_over_limit(now));
        assert!(subscriber(&[(1, MOST), (2, 1)]).is_over_limit(Millis(0)));
        assert!(Subscriber { waiting: 1, ..subscriber(&[(1, MOST)]) }.is_over_limit(Millis(0)));
        assert!(Subscriber { caught_up: false, ..subscriber(&[]) }.is_over_limit(now));
        assert!(!Subscriber { caught_up: false, ..subscriber(&[]) }.is_over_limit(Millis(PATIENCE)));
        assert!(subscriber(&[(1, SEND_WINDOW - 1), (2, 1)]).is_window_full());
        assert!(!subscriber(&[(1, SEND_WINDOW - 1)]).is_window_full());
    }
}
