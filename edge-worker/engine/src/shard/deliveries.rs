//! Deliveries: what is stored of one.
//!
//! A delivery is pending until it is `delivered`, `dead` or `superseded`. While it is pending, `due_at` says
//! when the alarm looks at it next. It is null while the Worker makes the first attempt, so a delivery that
//! arrives at once is written twice and is never in an index.

pub(crate) mod attempts;
pub(crate) mod dispatch;
pub(crate) mod end;
pub(crate) mod enqueue;
pub(crate) mod next_step;
pub(crate) mod ordering;
pub(crate) mod record;
pub(crate) mod replays;
pub(crate) mod rows;
pub(crate) mod schedule;

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;

use crate::Result;
use crate::protocol::delivery::{Attempt, DeliveryState};
use crate::text::{json, time};

/// How many attempts of a delivery are stored.
const MAX_RECORDS: usize = 12;

/// Why a delivery is dead, or why a pending one is deferred.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryReason {
    /// It has failed as often as it is attempted.
    Exhausted,
    AbortedByReceiver,
    EndpointDeleted,
    EndpointDisabled,
    SecretUnreadable,
    /// Its event was deleted by age.
    Pruned,
}

impl DeliveryReason {
    /// Returns the name, as it is stored and shown.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::AbortedByReceiver => "aborted_by_receiver",
            Self::EndpointDeleted => "endpoint_deleted",
            Self::EndpointDisabled => "endpoint_disabled",
            Self::SecretUnreadable => "secret_unreadable",
            Self::Pruned => "pruned",
        }
    }
}

/// A delivery as it is stored.
pub(crate) struct Delivery {
    pub(crate) no: i64,
    pub(crate) state: DeliveryState,
    pub(crate) due_at: Option<Millis>,
    /// Until when nobody else may attempt it, where an attempt is in progress or may have been cut off.
    pub(crate) leased_until: Option<Millis>,
    /// When its next attempt was due by the schedule, which an alarm may be late for.
    pub(crate) scheduled_at: Millis,
    /// When the first attempt since the last replay was made.
    pub(crate) first_at: Option<Millis>,
    /// How many attempts since the last replay have failed.
    pub(crate) failed_attempts: u32,
    /// How often it was replayed, one by one or as part of a range: to make a pending delivery due does not count.
    pub(crate) replay_count: i64,
    /// The range replay that it is part of.
    pub(crate) replay: Option<String>,
    /// The attempts, as [`AttemptRecord`]s in JSON.
    pub(crate) attempts: String,
}

/// An attempt as it is stored and shown. One that was stored before a field existed has the field's default.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AttemptRecord {
    pub(crate) replay_count: i64,
    pub(crate) attempt: u32,
    pub(crate) due_at: String,
    pub(crate) attempted_at: String,
    pub(crate) took_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The first KiB of a failure's answer; empty for a success.
    pub(crate) answer: String,
    /// Where a redirect leads: the host alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location_host: Option<String>,
    /// Whether the receiver took the previous secret alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) previous_secret: bool,
}

impl Delivery {
    /// Returns when its lease ends; none where it is not leased now.
    pub(crate) fn lease_ends(&self, now: Millis) -> Option<Millis> {
        self.leased_until.filter(|until| now < *until)
    }

    /// Adds an attempt, which may count as a failed one of the schedule. Drops and returns the oldest ones of those that
    /// are stored where there are too many.
    pub(crate) fn add_attempt(&mut self, attempt: &Attempt, is_counted: bool) -> Result<Vec<AttemptRecord>> {
        let number = self.failed_attempts + 1;
        let mut dropped: Vec<AttemptRecord> = json::read(&self.attempts)?;
        dropped.push(AttemptRecord {
            replay_count: self.replay_count,
            attempt: number,
            due_at: time::rfc3339(self.scheduled_at),
            attempted_at: time::rfc3339(attempt.attempted_at),
            took_ms: attempt.took_ms,
            status: attempt.status,
            error: attempt.error.clone(),
            answer: attempt.answer.clone(),
            location_host: attempt.location_host.clone(),
            previous_secret: attempt.previous_secret,
        });
        let kept = dropped.split_off(dropped.len().saturating_sub(MAX_RECORDS));
        self.attempts = json::to_string(&kept);
        self.first_at.get_or_insert(attempt.attempted_at);
        if is_counted {
            self.failed_attempts = number;
        }
        Ok(dropped)
    }
}
