//! The state of a cause: how often it was met, what was sent, and what is due. All of it is pure.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use vtryon_webhooks::endpoint;

use super::cause::{Cause, Phase};
use crate::directory::endpoints::records::EndpointRecord;

/// How long after a message there is no further one of the same cause, in seconds.
const PAUSE: i64 = 3600;

/// How long a cause is shown that is over, in seconds.
const SHOWN_FOR: i64 = 24 * 3600;

/// A cause about an endpoint, or about none, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// When it was met first since it was closed, when last, and how many times.
    pub since: Millis,
    pub last_at: Millis,
    pub count: i64,
    /// Whether it lasts; what has no end, until an alert was sent.
    pub is_open: bool,
    /// Whether it was met since the last message.
    pub has_unsent: bool,
    /// When the last message of it was made.
    pub sent_at: Option<Millis>,
    /// Whether its end is to be sent to the destinations that were sent the alert.
    pub close_pending: bool,
    pub details: Details,
}

/// What a message says beyond the cause. Nothing here is a payload, a secret or a signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The host of the endpoint: its path may be a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Why an endpoint is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The likely mistake behind refused signatures, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mistake: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When the previous secret ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl Details {
    /// Names an endpoint to people.
    pub(in crate::directory) fn of(record: &EndpointRecord) -> Self {
        let host = endpoint::host(&record.endpoint.options.url).map(|host| host.to_owned());
        Self { host, ..Self::default() }
    }

    /// Returns these details, with those before them where they say nothing.
    fn or(self, before: Self) -> Self {
        Self {
            host: self.host.or(before.host),
            reason: self.reason.or(before.reason),
            mistake: self.mistake.or(before.mistake),
            hint: self.hint.or(before.hint),
            expires_at: self.expires_at.or(before.expires_at),
        }
    }
}

impl Alert {
    /// Counts that the cause was met.
    pub fn record_occurrence(&mut self, cause: Cause, count: i64, at: Millis, details: Details) {
        let is_scattered = self.count < cause.at_least() && self.since.plus_seconds(PAUSE) < at;
        if !self.is_open || is_scattered {
            (self.since, self.count, self.is_open) = (at, 0, true);
        }
        self.count = self.count.saturating_add(count.max(1));
        self.last_at = self.last_at.max(at);
        self.has_unsent = true;
        self.details = details.or(std::mem::take(&mut self.details));
    }

    /// Ends the cause. Destinations that were sent the alert are sent its end.
    pub fn end(&mut self) {
        (self.is_open, self.has_unsent) = (false, false);
    }

    /// Ends the cause without a message.
    pub fn drop_silently(&mut self) {
        self.end();
        self.close_pending = false;
    }

    /// Returns which message is due.
    pub fn due(&self, cause: Cause, now: Millis) -> Option<Phase> {
        self.next(cause).filter(|(_, at)| *at <= now).map(|(phase, _)| phase)
    }

    /// Returns which message comes next where nothing else happens, and when.
    pub fn next(&self, cause: Cause) -> Option<(Phase, Millis)> {
        match self.is_open {
            true if self.has_unsent && self.count >= cause.at_least() => {
                let after_pause = self.sent_at.map(|sent_at| sent_at.plus_seconds(PAUSE));
                Some((Phase::Opened, after_pause.unwrap_or(Millis(0))))
            }
            false if self.close_pending => Some((Phase::Closed, Millis(0))),
            true | false => None,
        }
    }

    /// Notes that a message was made.
    pub fn note_sent(&mut self, cause: Cause, phase: Phase, now: Millis) {
        match phase {
            Phase::Opened => {
                (self.sent_at, self.has_unsent) = (Some(now), false);
                self.is_open = cause.closing().is_some();
                self.close_pending = self.is_open;
            }
            Phase::Closed => self.close_pending = false,
        }
    }

    /// Returns whether it lasts, so that its end will be sent.
    pub const fn lasts(&self, cause: Cause) -> bool {
        self.is_open && cause.closing().is_some()
    }

    /// Returns whether it is of interest no more. The pause after its last message is over by then.
    pub(super) fn is_over(&self, cause: Cause, now: Millis) -> bool {
        !self.lasts(cause)
            && !self.close_pending
            && self.last_at.max(self.sent_at.unwrap_or_default()).plus_seconds(SHOWN_FOR) < now
    }
}
