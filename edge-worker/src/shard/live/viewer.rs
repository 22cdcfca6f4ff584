//! A viewer: what a socket shows, and how far it has come. It lies in the socket's attachment, so the object may
//! sleep meanwhile.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{WebSocket, wasm_bindgen};

use crate::wire::live::{AHEAD, Subject};

/// How much a socket may have unacknowledged, in bytes: 1 MiB. Beyond it, it is closed and has to resume.
const MOST: usize = 1024 * 1024;

/// How long one that is behind may leave everything unacknowledged, in milliseconds: then it is closed too.
const PATIENCE: i64 = 30_000;

/// What a socket shows, to whom, and how far.
#[derive(Serialize, Deserialize)]
pub(super) struct Viewer {
    pub(super) subject: Subject,
    /// Whether events carry their bodies and signatures.
    pub(super) bodies: bool,
    /// The number of what was sent last. Of a state, that of the event that has led to it.
    pub(super) at: i64,
    /// Whether it has everything, and what comes is sent as it comes.
    pub(super) is_current: bool,
    /// Whether it was told that it has everything that was stored before it came.
    pub(super) is_greeted: bool,
    /// What was sent and not acknowledged: the bytes up to a mark, the mark, and the bytes after it. Two sums
    /// suffice: an acknowledgement beyond the mark strikes out the first and moves the mark.
    before: usize,
    mark: i64,
    after: usize,
    /// The bytes of what came since the last acknowledgement and had to wait.
    waiting: usize,
    /// When something was acknowledged last.
    heard_at: Millis,
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

impl Viewer {
    pub(super) const fn new(subject: Subject, bodies: bool, at: i64, now: Millis) -> Self {
        let (is_current, is_greeted) = (false, false);
        let (before, mark, after, waiting) = (0, at, 0, 0);
        Self { subject, bodies, at, is_current, is_greeted, before, mark, after, waiting, heard_at: now }
    }

    /// Reads what a socket's attachment says.
    pub(super) fn of(socket: &WebSocket) -> worker::Result<Self> {
        let text = attached(socket).deserialize_attachment()?.as_string();
        Ok(serde_json::from_str(&text.unwrap_or_default())?)
    }

    pub(super) fn save(&self, socket: &WebSocket) -> worker::Result<()> {
        Ok(attached(socket).serialize_attachment(&serde_json::to_string(self)?)?)
    }

    /// Sends a message, and counts it.
    pub(super) fn send(&mut self, socket: &WebSocket, message: &str) -> worker::Result<()> {
        socket.send_with_str(message)?;
        self.after += message.len();
        if self.before == 0 {
            (self.before, self.mark, self.after) = (self.after, self.at, 0);
        }
        Ok(())
    }

    /// Takes an acknowledgement of everything up to a number.
    pub(super) const fn acknowledge(&mut self, seq: i64, now: Millis) {
        (self.heard_at, self.waiting) = (now, 0);
        if seq >= self.at {
            (self.before, self.after) = (0, 0);
        } else if seq >= self.mark {
            (self.before, self.mark, self.after) = (self.after, self.at, 0);
        }
    }

    /// Tells whether what is stored has to wait for an acknowledgement.
    pub(super) const fn is_ahead(&self) -> bool {
        self.before + self.after >= AHEAD
    }

    /// Notes a message that has to wait: it is read again from what is stored.
    pub(super) const fn wait(&mut self, message: &str) {
        self.is_current = false;
        self.waiting += message.len();
    }

    /// Tells whether a socket has left so much unacknowledged, or for so long, that it has to resume.
    pub(super) const fn is_stuck(&self, now: Millis) -> bool {
        let unsent = self.before + self.after + self.waiting;
        unsent > MOST || (!self.is_current && now.0 - self.heard_at.0 > PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(before: usize, mark: i64, after: usize, at: i64) -> Viewer {
        Viewer { before, mark, after, is_current: true, ..Viewer::new(Subject::Shard, false, at, Millis(0)) }
    }

    #[test]
    fn acknowledgements_strike_out_what_was_sent_before_them() {
        // before, mark, after, sent last; acknowledged; before, mark, after then
        for ((before, mark, after, at), seq, then) in [
            ((10, 1, 90, 9), 0, (10, 1, 90)),
            ((10, 1, 90, 9), 1, (90, 9, 0)),
            ((10, 1, 90, 9), 8, (90, 9, 0)),
            ((10, 1, 90, 9), 9, (0, 1, 0)),
            ((10, 1, 90, 9), 99, (0, 1, 0)),
            ((0, 0, 0, 9), 9, (0, 0, 0)),
        ] {
            let mut viewer = viewer(before, mark, after, at);
            viewer.acknowledge(seq, Millis(1));
            assert_eq!((viewer.before, viewer.mark, viewer.after), then, "{seq}");
        }
    }

    #[test]
    fn a_viewer_is_stuck_with_too_much_or_behind_for_too_long() {
        let now = Millis(PATIENCE + 1);
        assert!(!viewer(MOST, 0, 0, 0).is_stuck(now));
        assert!(viewer(MOST, 0, 1, 0).is_stuck(Millis(0)));
        assert!(Viewer { is_current: false, ..viewer(1, 0, 0, 0) }.is_stuck(now));
        assert!(!Viewer { is_current: false, ..viewer(1, 0, 0, 0) }.is_stuck(Millis(PATIENCE)));
        assert!(viewer(AHEAD, 0, 0, 0).is_ahead());
        assert!(!viewer(AHEAD - 1, 0, 0, 0).is_ahead());
    }
}
