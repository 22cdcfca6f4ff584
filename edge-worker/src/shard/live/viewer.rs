//! A viewer: what a socket shows, and how far it has come. It lies in the socket's attachment, so the object may
//! sleep meanwhile.

use vtryon_webhooks::Millis;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{WebSocket, wasm_bindgen};

use crate::json::{self, object};
use crate::wire::live::{Subject, Watch};

/// How much a socket may have unacknowledged, in bytes: 1 MiB. Beyond it, it is closed and has to resume.
const MOST: usize = 1024 * 1024;

/// How long a part is at least, in bytes, but for the last one: an attachment holds 2 KiB.
const PART: usize = 16 * 1024;

/// How long one that is behind may leave everything unacknowledged, in milliseconds: then it is closed too.
const PATIENCE: i64 = 30_000;

/// What a socket shows, to whom, and how far.
pub(super) struct Viewer {
    pub(super) subject: Subject,
    /// Whether events carry their bodies and signatures.
    pub(super) bodies: bool,
    /// Until when anything may be shown.
    pub(super) until: Option<Millis>,
    /// The number up to which it has everything. Of a state, that of the event that has led to it.
    pub(super) at: i64,
    /// Up to which number it knows what has been pruned.
    pub(super) floor: i64,
    /// How far ahead of its acknowledgements it may be, in bytes.
    ahead: usize,
    /// Whether it has everything, and what comes is sent as it comes.
    pub(super) is_current: bool,
    /// Whether it was told that it has everything that was stored before it came.
    pub(super) is_greeted: bool,
    /// What was sent and not acknowledged, in parts: the number of a part's last message, and the part's bytes.
    sent: Vec<(i64, usize)>,
    /// The bytes of what came since the last acknowledgement and had to wait.
    waiting: usize,
    /// Since when it is behind and has not acknowledged anything.
    silent_since: Millis,
}

object!(Viewer {
    subject,
    bodies,
    until,
    at,
    floor,
    ahead,
    is_current,
    is_greeted,
    sent,
    waiting,
    silent_since
});

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
    /// Makes the viewer of a stream that begins after the number `at`.
    pub(super) fn new(watch: Watch, at: i64, floor: i64, now: Millis) -> Self {
        let Watch { subject, bodies, until, ahead, .. } = watch;
        Self {
            subject,
            bodies,
            until,
            at,
            floor,
            ahead,
            is_current: false,
            is_greeted: false,
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

    /// Takes an acknowledgement of everything up to a number.
    pub(super) fn acknowledge(&mut self, seq: i64, now: Millis) {
        (self.silent_since, self.waiting) = (now, 0);
        self.sent.retain(|(last, _)| *last > seq);
    }

    fn unacknowledged(&self) -> usize {
        self.sent.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Tells whether what is stored has to wait for an acknowledgement.
    pub(super) fn is_ahead(&self) -> bool {
        self.unacknowledged() >= self.ahead
    }

    /// Tells whether what has let the viewer in has ended.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Lets a message wait that has a number: it is read again from what is stored.
    pub(super) fn wait(&mut self, seq: i64, message: &str, now: Millis) {
        if self.is_current {
            (self.is_current, self.at, self.silent_since) = (false, seq - 1, now);
        }
        self.waiting += message.len();
    }

    /// Tells whether a socket has left so much unacknowledged, or for so long, that it has to resume.
    pub(super) fn is_stuck(&self, now: Millis) -> bool {
        let unsent = self.unacknowledged() + self.waiting;
        unsent > MOST || (!self.is_current && now.0 - self.silent_since.0 > PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::live::{AHEAD, Start};

    fn viewer(sent: &[(i64, usize)]) -> Viewer {
        let at = sent.last().map_or(0, |(last, _)| *last);
        let (start, bodies, until, ahead) = (Start::Now, false, None, AHEAD);
        let watch = Watch { subject: Subject::Shard, start, bodies, until, ahead };
        Viewer { sent: sent.to_vec(), is_current: true, ..Viewer::new(watch, at, 0, Millis(0)) }
    }

    #[test]
    fn an_acknowledgement_strikes_out_the_parts_before_it() {
        for (seq, left) in [(0, 60), (2, 60), (3, 50), (5, 50), (6, 30), (8, 30), (9, 0), (99, 0)] {
            let mut viewer = viewer(&[(3, 10), (6, 20), (9, 30)]);
            viewer.acknowledge(seq, Millis(1));
            assert_eq!(viewer.unacknowledged(), left, "{seq}");
        }
    }

    #[test]
    fn a_viewer_is_stuck_with_too_much_or_behind_for_too_long() {
        let now = Millis(PATIENCE + 1);
        assert!(!viewer(&[(1, MOST)]).is_stuck(now));
        assert!(viewer(&[(1, MOST), (2, 1)]).is_stuck(Millis(0)));
        assert!(Viewer { waiting: 1, ..viewer(&[(1, MOST)]) }.is_stuck(Millis(0)));
        assert!(Viewer { is_current: false, ..viewer(&[]) }.is_stuck(now));
        assert!(!Viewer { is_current: false, ..viewer(&[]) }.is_stuck(Millis(PATIENCE)));
        assert!(viewer(&[(1, AHEAD - 1), (2, 1)]).is_ahead());
        assert!(!viewer(&[(1, AHEAD - 1)]).is_ahead());
    }
}
