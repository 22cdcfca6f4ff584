//! Alerts: what happens to the gateway itself, sent to the destinations that are registered for it.
//!
//! A cause is stored in the commit that it comes with. The directory's alarm makes messages of what is due, at most one
//! for each cause and hour, and hands them to a shard, which delivers them like events. A message is stored before it is
//! sent, and a shard stores it once: so it survives a crash, and is delivered once.

mod cause;
mod changes;
mod list;
mod message;
mod rows;
mod state;

use vtryon_webhooks::Millis;

pub use self::cause::{Cause, Phase, is_name, names};
pub use self::changes::sweep;
pub use self::list::{AlertView, list};
pub use self::message::{MessagePart, QueuedMessage, test_body};
pub use self::state::{Alert, Details};

use super::endpoints::records::{self, EndpointRecord};
use crate::protocol::directory::conditions::{ConditionKind, ConditionReport};
use crate::storage::database::Database;
use crate::{Context, Result};

pub(super) use self::changes::{delete_endpoint, put_endpoint, token_created};

/// Something that happened to a cause.
pub(super) enum AlertTransition {
    /// It was met so many times, the last time at this time.
    Occurred { count: i64, at: Millis, details: Details },
    /// It is over: destinations that were sent the alert are sent its end.
    Ended,
    /// It is over, and its end is not sent: another alert is.
    Dropped,
}

/// Stores what happened to a cause about an endpoint, or about none (0). It is part of the caller's transaction.
pub(super) fn apply(
    db: &dyn Database,
    cause: Cause,
    endpoint: i64,
    transition: AlertTransition,
) -> Result<()> {
    let found = rows::find(db, cause, endpoint)?;
    let mut alert = match (found, &transition) {
        (Some(alert), _) => alert,
        (None, AlertTransition::Occurred { .. }) => Alert::default(),
        (None, AlertTransition::Ended | AlertTransition::Dropped) => return Ok(()),
    };
    match transition {
        AlertTransition::Occurred { count, at, details } => {
            alert.record_occurrence(cause, count, at, details)
        }
        AlertTransition::Ended => alert.end(),
        AlertTransition::Dropped => alert.drop_silently(),
    }
    rows::put(db, cause, endpoint, &alert)
}

/// Stores the conditions that a shard has reported. Ignored are those of endpoints that are no more, and what is said of
/// the health of an endpoint that is not attempted, or that the shard does not have as it is now.
pub fn report(context: &Context<'_>, report: &ConditionReport) -> Result<()> {
    let db = context.db;
    let ConditionReport { settings_version, conditions } = report;
    db.transaction(|| {
        conditions.iter().try_for_each(|condition| {
            let Some(kind) = ConditionKind::from_name(&condition.kind) else { return Ok(()) };
            let record = records::find(db, condition.endpoint)?;
            // While it is disabled or paused nothing is attempted, so no shard would report that it is up again.
            let is_judged = |record: &EndpointRecord| {
                record.endpoint.options.is_active() && record.endpoint.health_since <= *settings_version
            };
            let is_ignored = match kind {
                ConditionKind::EndpointDown | ConditionKind::EndpointUp => {
                    !record.as_ref().is_some_and(is_judged)
                }
                ConditionKind::DeliveryDead => record.is_none(),
                ConditionKind::EventQuarantined => false,
            };
            if is_ignored {
                return Ok(());
            }
            let details = record.as_ref().map(Details::of).unwrap_or_default();
            let occurred = AlertTransition::Occurred { count: condition.count, at: condition.at, details };
            let (cause, transition) = match kind {
                ConditionKind::EndpointDown => (Cause::EndpointFailing, occurred),
                ConditionKind::EndpointUp => (Cause::EndpointFailing, AlertTransition::Ended),
                ConditionKind::DeliveryDead => (Cause::DeliveryDead, occurred),
                ConditionKind::EventQuarantined => (Cause::EventQuarantined, occurred),
            };
            apply(db, cause, condition.endpoint, transition)
        })
    })
}

/// Makes messages of what is due, and returns all that are to be sent. Each is to be ended by [`confirm`].
pub fn queue(context: &Context<'_>) -> Result<Vec<QueuedMessage>> {
    let Context { db, now, .. } = *context;
    let destinations = destinations(db)?;
    db.transaction(|| {
        for (cause, endpoint, mut alert) in rows::all(db)? {
            let Some(phase) = alert.due(cause, now) else { continue };
            let parts = message::parts(cause, phase, endpoint, &alert, &destinations, now);
            // Without a destination, an open alert waits for one; the end of one is dropped.
            if parts.is_empty() && phase == Phase::Opened {
                continue;
            }
            if !parts.is_empty() {
                rows::enqueue(db, &cause.event(phase), parts, now)?;
            }
            alert.note_sent(cause, phase, now);
            rows::put(db, cause, endpoint, &alert)?;
        }
        Ok(())
    })?;
    rows::queued(db)
}

/// Forgets a message that was handed to a shard.
pub fn confirm(db: &dyn Database, message: &QueuedMessage) -> Result<()> {
    rows::dequeue(db, message.no)
}

/// Returns when the next message is due: at once where one is queued, or not at all. `again` is when messages are sent
/// again that a shard has not confirmed.
pub(super) fn next_due(db: &dyn Database, now: Millis, again: Millis) -> Result<Option<Millis>> {
    if rows::has_queued(db)? {
        return Ok(Some(again));
    }
    let destinations = destinations(db)?;
    let is_wanted = |cause: Cause, phase| {
        destinations.iter().any(|destination| message::matches(destination, &cause.event(phase)))
    };
    let due = rows::all(db)?.into_iter().filter_map(|(cause, _, alert)| {
        let (phase, at) = alert.next(cause)?;
        (phase == Phase::Closed || is_wanted(cause, phase)).then_some(at.max(now))
    });
    Ok(due.min())
}

/// Returns the destinations that are enabled.
fn destinations(db: &dyn Database) -> Result<Vec<EndpointRecord>> {
    let mut records = records::all(db)?;
    records
        .retain(|record| record.endpoint.options.enabled && record.endpoint.options.is_alert_destination());
    Ok(records)
}
