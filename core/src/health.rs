//! Decides when a failing endpoint is disabled.
//!
//! Each shard sees a part of an endpoint's deliveries. One shard alone may find that the endpoint is gone, because the
//! endpoint itself answers 410. Whether it is dead, only the records of all shards tell: one success
//! anywhere proves it alive.

use crate::millis::Millis;
use crate::retry::Reply;

const HOUR: i64 = 60 * 60 * 1000;

/// How long an endpoint may fail before it is disabled: 5 days, in milliseconds.
pub const FAILING_LIMIT: i64 = 5 * 24 * HOUR;

/// The number of consecutive answers 410 after which an endpoint is disabled.
pub const GONE_LIMIT: u32 = 2;

/// The number of consecutive failures after which an endpoint counts as down. Further ones are not counted, so an
/// endpoint that stays down costs no rows.
pub const DOWN_AFTER: u32 = 4;

/// The minimum time between two recorded successes: an hour, in milliseconds. So a healthy endpoint costs one row per
/// hour instead of one per delivery.
pub const SUCCESS_GRAIN: i64 = HOUR;

/// A shard's record of an endpoint. The default is that of an endpoint without attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The first failure since the last success; `None` if the last attempt succeeded.
    pub failing_since: Option<Millis>,
    /// A success at most [`SUCCESS_GRAIN`] older than the latest one.
    pub succeeded_at: Option<Millis>,
    /// The number of consecutive answers 410.
    pub consecutive_410: u32,
    /// The number of consecutive failures, at most [`DOWN_AFTER`].
    pub consecutive_failures: u32,
}

impl Health {
    /// Returns the record after an attempt. `reply` is `None` if the endpoint did not answer.
    ///
    /// An equal record need not be written.
    #[must_use]
    pub fn after(self, reply: Option<Reply>, at: Millis) -> Self {
        let failed = Self {
            failing_since: self.failing_since.or(Some(at)),
            consecutive_failures: self.consecutive_failures.saturating_add(1).min(DOWN_AFTER),
            ..self
        };
        match reply {
            Some(Reply::Delivered) => Self { succeeded_at: Some(self.success(at)), ..Self::default() },
            Some(Reply::Gone) => Self { consecutive_410: self.consecutive_410.saturating_add(1), ..failed },
            Some(Reply::Unauthorized | Reply::Refused) | None => Self { consecutive_410: 0, ..failed },
        }
    }

    /// Returns whether the last [`DOWN_AFTER`] attempts have failed.
    pub const fn is_down(self) -> bool {
        self.consecutive_failures >= DOWN_AFTER
    }

    /// Returns the success to record: the recorded one if `at` is less than [`SUCCESS_GRAIN`] later.
    fn success(self, at: Millis) -> Millis {
        match self.succeeded_at {
            Some(before) if self.failing_since.is_none() && at < before.plus_millis(SUCCESS_GRAIN) => before,
            Some(_) | None => at,
        }
    }

    /// Returns why this shard would disable the endpoint, if it would.
    pub fn verdict(self, now: Millis) -> Option<Reason> {
        if self.consecutive_410 >= GONE_LIMIT {
            Some(Reason::Gone)
        } else if self.has_failed_for_days(now) {
            Some(Reason::Failing)
        } else {
            None
        }
    }

    fn has_failed_for_days(self, now: Millis) -> bool {
        self.failing_since.is_some_and(|since| since.plus_millis(FAILING_LIMIT) <= now)
    }

    /// Returns whether a success may lie within [`FAILING_LIMIT`]. The recorded success may be older than the latest.
    fn may_have_succeeded(self, now: Millis) -> bool {
        let latest = self.succeeded_at.map(|at| at.plus_millis(SUCCESS_GRAIN));
        latest.is_some_and(|latest| latest.plus_millis(FAILING_LIMIT) > now)
    }
}

/// Returns whether an endpoint is dead by the records of all shards: one shard has seen only failures for
/// [`FAILING_LIMIT`], and none has seen a success in that time.
pub fn is_dead(all: &[Health], now: Millis) -> bool {
    all.iter().any(|health| health.has_failed_for_days(now))
        && !all.iter().any(|health| health.may_have_succeeded(now))
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It answered 410.
    Gone,
    /// It failed for too long.
    Failing,
    /// An administrator disabled it.
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

    /// Parses a stored name; returns `None` for names from newer versions.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Gone, Self::Failing, Self::Administrator].into_iter().find(|reason| reason.as_str() == name)
    }
}
