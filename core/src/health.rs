//! Whether an endpoint still answers, as one shard knows it, and over all shards.
//!
//! A shard sees a part of an endpoint's deliveries. It may say alone that the endpoint is gone, for the
//! endpoint says so itself; that it is dead is said over all shards, since one that works proves it alive.

use crate::millis::Millis;
use crate::retry::Reply;

const HOUR: i64 = 60 * 60 * 1000;

/// How long an endpoint may fail before it is disabled, in milliseconds: 5 days.
pub const FAILING_LIMIT: i64 = 5 * 24 * HOUR;

/// How many times in a row an endpoint has to answer 410 before it is disabled.
pub const GONE_LIMIT: u32 = 2;

/// How far apart two successes are that are both remembered, in milliseconds: an hour, so that a healthy
/// endpoint costs a row an hour, not one per delivery.
pub const SUCCESS_GRAIN: i64 = HOUR;

/// What a shard remembers of an endpoint; the default is of one never tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when nothing succeeds; none while it does.
    pub failing_since: Option<Millis>,
    /// A success, at most [`SUCCESS_GRAIN`] older than the latest one.
    pub succeeded_at: Option<Millis>,
    /// How many times in a row the endpoint said that it is gone.
    pub gone: u32,
}

impl Health {
    /// Returns what is remembered after an attempt; `reply` is none where there was no answer at all.
    ///
    /// It is equal to what was remembered before where nothing is worth a row.
    #[must_use]
    pub fn after(self, reply: Option<Reply>, at: Millis) -> Self {
        let failing_since = self.failing_since.or(Some(at));
        match reply {
            Some(Reply::Delivered) => {
                Self { failing_since: None, succeeded_at: Some(self.success(at)), gone: 0 }
            }
            Some(Reply::Gone) => Self { failing_since, gone: self.gone.saturating_add(1), ..self },
            Some(Reply::Unauthorized | Reply::Refused) | None => Self { failing_since, gone: 0, ..self },
        }
    }

    /// Returns the success to remember: the one that is remembered where `at` is too near to it.
    fn success(self, at: Millis) -> Millis {
        match self.succeeded_at {
            Some(before) if self.failing_since.is_none() && at < before.plus_millis(SUCCESS_GRAIN) => before,
            Some(_) | None => at,
        }
    }

    /// Tells why this shard would disable the endpoint, if it would.
    pub fn verdict(self, now: Millis) -> Option<Reason> {
        if self.gone >= GONE_LIMIT {
            Some(Reason::Gone)
        } else if self.is_failing(now) {
            Some(Reason::Failing)
        } else {
            None
        }
    }

    fn is_failing(self, now: Millis) -> bool {
        self.failing_since.is_some_and(|since| since.plus_millis(FAILING_LIMIT) <= now)
    }

    /// Tells whether a success may lie within the limit; the remembered one may be older than the latest.
    fn may_have_succeeded(self, now: Millis) -> bool {
        let latest = self.succeeded_at.map(|at| at.plus_millis(SUCCESS_GRAIN));
        latest.is_some_and(|latest| latest.plus_millis(FAILING_LIMIT) > now)
    }
}

/// Tells whether an endpoint is dead, by what all shards know of it: it has failed in one for as long as it
/// may, and has succeeded in none.
pub fn is_dead(all: &[Health], now: Millis) -> bool {
    all.iter().any(|health| health.is_failing(now))
        && !all.iter().any(|health| health.may_have_succeeded(now))
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It said so itself, with 410.
    Gone,
    /// It has failed for too long.
    Failing,
    /// An administrator did it.
    Administrator,
}

impl Reason {
    /// Returns the name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Administrator => "administrator",
        }
    }

    /// Reads a stored name; one that a later version has stored is none of ours.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Gone, Self::Failing, Self::Administrator].into_iter().find(|reason| reason.as_str() == name)
    }
}
