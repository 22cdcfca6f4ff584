//! Ends deliveries. The next pending one of the same task and endpoint may have waited for that: it becomes due, and its
//! time is returned.

use vtryon_webhooks::Millis;

use super::{Delivery, DeliveryReason, ordering, replays, rows};
use crate::log::{Decision, Log};
use crate::protocol::delivery::DeliveryState;
use crate::shard::config::Config;
use crate::storage::database::Database;
use crate::{Context, Result};

/// Ends a delivery that the endpoint took.
pub(crate) fn complete(db: &dyn Database, delivery: &Delivery, now: Millis) -> Result<Option<Millis>> {
    rows::end(db, delivery, DeliveryState::Delivered, now, None)?;
    replays::count(db, delivery, true)?;
    release_next(db, delivery, now)
}

/// Ends a delivery that a later event of the task has replaced.
pub(crate) fn supersede(db: &dyn Database, delivery: &Delivery, now: Millis) -> Result<Option<Millis>> {
    rows::end(db, delivery, DeliveryState::Superseded, now, None)?;
    replays::count(db, delivery, false)?;
    release_next(db, delivery, now)
}

/// Ends a delivery that is not attempted any more.
pub(crate) fn dead_letter(
    context: &Context<'_>,
    config: &Config,
    log: &Log,
    delivery: &Delivery,
    reason: DeliveryReason,
) -> Result<Option<Millis>> {
    let Context { db, now, .. } = *context;
    rows::end(db, delivery, DeliveryState::Dead, now, Some(reason))?;
    replays::count(db, delivery, false)?;
    let (id, endpoint) = config.ids(delivery.no);
    log.note(Decision::DeliveryDead { delivery: id, endpoint, reason: reason.as_str() });
    release_next(db, delivery, now)
}

fn release_next(db: &dyn Database, ended: &Delivery, now: Millis) -> Result<Option<Millis>> {
    if ended.replay_count > 0 {
        // A delivery that was replayed is not part of the order.
        return Ok(None);
    }
    let next = ordering::next_after(db, ended.no)?;
    let Some(next) = next.filter(|next| next.due_at.is_some_and(|due_at| due_at > now)) else {
        return Ok(None);
    };
    // A run has only put it off: it gets its place in the queue back.
    rows::reschedule(db, next.no, next.scheduled_at.min(now))?;
    Ok(Some(now))
}
