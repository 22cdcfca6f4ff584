//! Decides what becomes of a delivery after an attempt. Nothing is written here.

use vtryon_webhooks::endpoint::Order;
use vtryon_webhooks::lifecycle::Outcome;
use vtryon_webhooks::retry::{self, Reply};
use vtryon_webhooks::{Digest, Millis};

use super::{Delivery, DeliveryReason, ordering};
use crate::Result;
use crate::protocol::delivery::{Attempt, endpoint_of, seq_of};
use crate::protocol::settings::Settings;
use crate::shard::events;
use crate::storage::database::Database;

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy)]
pub(crate) enum NextStep {
    Delivered,
    /// A later event of the task has replaced it.
    Superseded,
    /// It is not attempted any more, for this reason.
    Dead(DeliveryReason),
    /// It has failed as often as it is attempted.
    Exhausted,
    /// The attempt was an extra one: the next one is due when it was due before.
    KeepSchedule,
    /// The attempt counts as failed, and the next one is due at this time.
    RetryAt(Millis),
}

impl NextStep {
    /// Decides by what an attempt came to.
    pub(crate) fn after(
        db: &dyn Database,
        settings: &Settings,
        delivery: &Delivery,
        attempt: &Attempt,
    ) -> Result<Self> {
        if attempt.reply() == Some(Reply::Delivered) {
            return Ok(Self::Delivered);
        }
        let Some(endpoint) = settings.endpoint(endpoint_of(delivery.no)) else {
            return Ok(Self::Dead(DeliveryReason::EndpointDeleted));
        };
        if attempt.is_aborted {
            return Ok(Self::Dead(DeliveryReason::AbortedByReceiver));
        }
        if is_outdated(db, delivery, endpoint.order())? {
            return Ok(Self::Superseded);
        }
        // An expedited attempt, by a newer event or a replay, is an extra one: the schedule does not change.
        if attempt.attempted_at < delivery.scheduled_at {
            return Ok(Self::KeepSchedule);
        }
        let (subject, number) = (subject(db, delivery.no)?, delivery.failed_attempts + 1);
        let first_at = delivery.first_at.unwrap_or(attempt.attempted_at);
        let next = retry::next(&subject, number, first_at, attempt.attempted_at, attempt.retry_after_ms);
        Ok(next.map_or(Self::Exhausted, Self::RetryAt))
    }

    /// Returns whether the attempt counts as a failed one of the schedule.
    pub(crate) const fn is_counted(self) -> bool {
        match self {
            Self::Exhausted | Self::RetryAt(_) => true,
            Self::Delivered | Self::Superseded | Self::Dead(_) | Self::KeepSchedule => false,
        }
    }
}

/// Returns whether a later event of the same task replaces a delivery.
fn is_outdated(db: &dyn Database, delivery: &Delivery, order: Order) -> Result<bool> {
    let pending = ordering::of_delivery(db, delivery.no)?;
    let Some(own) = pending.iter().find(|other| other.no == delivery.no) else { return Ok(false) };
    Ok(pending.iter().any(|other| {
        other.no > own.no && other.is_applied && order.supersedes(Outcome::Applied, own.is_applied)
    }))
}

/// Returns the digest of the event's task, or of the body of one without a task: the retry jitter is derived from it.
fn subject(db: &dyn Database, delivery: i64) -> Result<Digest> {
    let seq = seq_of(delivery);
    let task_id = events::find_deliverable(db, seq)?.and_then(|stored| stored.task_id);
    Ok(match task_id {
        Some(task_id) => Digest::of_task(&task_id),
        None => Digest::of(&events::body(db, seq)?.unwrap_or_default()),
    })
}
