//! A subscriber: what its socket receives, and how far it has come. It is stored in the socket's attachment.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;

use crate::Result;
use crate::protocol::live::close::Close;
use crate::protocol::live::{ACKNOWLEDGE_AFTER, MIN_SEND_WINDOW, Subject, Subscription, has_room_for_hint};
use crate::text::json;

/// How much a socket may have unacknowledged, in bytes: 1 MiB. Beyond it, it is closed and has to resume.
const MAX_UNACKNOWLEDGED: usize = 1024 * 1024;

/// How long a part is at least, in bytes, but for the last one: an attachment holds 2 KiB.
const PART: usize = 16 * 1024;

// A part is struck out as a whole: what lies before the last acknowledgement in it, and what came after that, must not
// fill the window, or each side would wait for the other.
const _: () = assert!(PART + ACKNOWLEDGE_AFTER <= MIN_SEND_WINDOW);

/// How long one that is behind may leave everything unacknowledged, in milliseconds: then it is closed too.
const MAX_SILENCE_MS: i64 = 30_000;

/// What a socket receives, until when, and how far it has come.
#[derive(Serialize, Deserialize)]
pub struct Subscriber {
    pub(crate) subject: Subject,
    /// Whether events carry their bodies and signatures.
    #[serde(default)]
    pub(crate) bodies: bool,
    /// Until when anything may be shown.
    pub(crate) until: Option<Millis>,
    /// The number up to which it has everything. Of a state, that of the event that has led to it.
    pub(crate) at: i64,
    /// Up to which number it knows what has been pruned.
    pub(crate) floor: i64,
    /// How many bytes may be sent ahead of its acknowledgements.
    send_window: usize,
    /// Whether it has the whole backlog, so that broadcasts are sent to it.
    #[serde(default)]
    pub(crate) caught_up: bool,
    /// Whether `ready` was sent.
    #[serde(default)]
    pub(crate) ready_sent: bool,
    /// What was sent and not acknowledged, in parts: the number of a part's last message, and the part's bytes.
    #[serde(default)]
    sent: Vec<(i64, usize)>,
    /// The bytes of what came since the last acknowledgement and had to wait.
    waiting: usize,
    /// Since when it is behind and has not acknowledged anything.
    silent_since: Millis,
}

/// What a subscriber is sent by a decision, and why its socket is closed afterwards.
#[derive(Default)]
pub struct Outgoing {
    pub messages: Vec<String>,
    pub close: Option<Close>,
}

impl Outgoing {
    pub(crate) const fn close(close: Close) -> Self {
        Self { messages: Vec::new(), close: Some(close) }
    }
}

impl Subscriber {
    /// Makes the subscriber of a stream that begins after the number `at`.
    pub(crate) fn new(subscription: Subscription, at: i64, floor: i64, now: Millis) -> Self {
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

    /// Reads a socket's attachment.
    ///
    /// # Errors
    /// It is of a version that this one cannot read.
    pub fn parse(attachment: &str) -> Result<Self> {
        json::read(attachment)
    }

    /// Returns the attachment of its socket: JSON of at most 2 KiB.
    pub fn attachment(&self) -> String {
        json::to_string(self)
    }

    /// Returns whether the socket was opened with a ticket, to watch the state of one task.
    pub const fn is_ticket_holder(&self) -> bool {
        matches!(self.subject, Subject::State { .. })
    }

    /// Sends a message, and counts it.
    pub(crate) fn send(&mut self, outgoing: &mut Outgoing, message: String) {
        match self.sent.last_mut() {
            Some((last, bytes)) if *bytes < PART => (*last, *bytes) = (self.at, *bytes + message.len()),
            Some(_) | None => self.sent.push((self.at, message.len())),
        }
        outgoing.messages.push(message);
    }

    /// Handles an acknowledgement of everything up to a number.
    pub(crate) fn acknowledge(&mut self, seq: i64, now: Millis) {
        (self.silent_since, self.waiting) = (now, 0);
        self.sent.retain(|(last, _)| *last > seq);
    }

    fn unacknowledged(&self) -> usize {
        self.sent.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Returns whether the backlog has to wait for an acknowledgement.
    pub(crate) fn is_window_full(&self) -> bool {
        self.unacknowledged() >= self.send_window
    }

    /// Returns whether a message without an id may be sent.
    pub(crate) fn has_room_for_hint(&self) -> bool {
        has_room_for_hint(self.unacknowledged(), self.send_window)
    }

    /// Returns whether the credentials have expired.
    pub(crate) fn is_expired(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Marks the subscriber as behind from a number on: the message is read again from the storage.
    pub(crate) fn mark_behind(&mut self, seq: i64, message: &str, now: Millis) {
        if self.caught_up {
            (self.caught_up, self.at, self.silent_since) = (false, seq - 1, now);
        }
        self.waiting += message.len();
    }

    /// Returns whether so much is unacknowledged, or for so long, that the socket is closed.
    pub(crate) fn is_over_limit(&self, now: Millis) -> bool {
        let unsent = self.unacknowledged() + self.waiting;
        unsent > MAX_UNACKNOWLEDGED || (!self.caught_up && now.0 - self.silent_since.0 > MAX_SILENCE_MS)
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
    fn a_part_that_is_full_is_followed_by_another() {
        for (bytes, parts) in [(PART - 1, 1), (PART, 2)] {
            let mut subscriber = subscriber(&[(1, bytes)]);
            subscriber.send(&mut Outgoing::default(), "message".to_owned());
            assert_eq!(subscriber.sent.len(), parts, "{bytes}");
        }
    }

    #[test]
    fn a_subscriber_is_over_the_limit_with_too_much_or_behind_for_too_long() {
        let now = Millis(MAX_SILENCE_MS + 1);
        assert!(!subscriber(&[(1, MAX_UNACKNOWLEDGED)]).is_over_limit(now));
        assert!(subscriber(&[(1, MAX_UNACKNOWLEDGED), (2, 1)]).is_over_limit(Millis(0)));
        assert!(Subscriber { waiting: 1, ..subscriber(&[(1, MAX_UNACKNOWLEDGED)]) }.is_over_limit(Millis(0)));
        assert!(Subscriber { caught_up: false, ..subscriber(&[]) }.is_over_limit(now));
        assert!(!Subscriber { caught_up: false, ..subscriber(&[]) }.is_over_limit(Millis(MAX_SILENCE_MS)));
        assert!(subscriber(&[(1, SEND_WINDOW - 1), (2, 1)]).is_window_full());
        assert!(!subscriber(&[(1, SEND_WINDOW - 1)]).is_window_full());
    }
}
