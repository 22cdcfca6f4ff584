//! What administrators and the hourly sweep change, as causes of alerts.

use vtryon_webhooks::Millis;
use vtryon_webhooks::endpoint::is_same_origin;

use super::cause::Cause;
use super::state::{Alert, Details};
use super::{AlertTransition, apply, rows};
use crate::directory::endpoints::records::{self, EndpointRecord};
use crate::protocol::SweepReport;
use crate::storage::database::Database;
use crate::text::time::rfc3339;
use crate::{Context, Result};

/// How long before its end a previous secret is reported, in seconds.
const ROTATION_AHEAD: i64 = 6 * 3600;

/// How long no signature has to be refused until a burst of them is over, in seconds.
const QUIET_FOR: i64 = 3600;

/// Stores what the change of an endpoint is a cause of; `before` is none for a new one. It is part of the transaction
/// that stores the change. An alert destination is a cause of none: the alert would be sent to it.
pub(in crate::directory) fn put_endpoint(
    db: &dyn Database,
    before: Option<&EndpointRecord>,
    after: &EndpointRecord,
    now: Millis,
) -> Result<()> {
    let (no, options) = (after.endpoint.no, &after.endpoint.options);
    if options.is_alert_destination() {
        return Ok(());
    }
    let occurred = |details| AlertTransition::Occurred { count: 1, at: now, details };
    let Some(before) = before else {
        return apply(db, Cause::EndpointCreated, no, occurred(Details::of(after)));
    };
    if !is_same_origin(&before.endpoint.options.url, &options.url) {
        // What is delivered goes to somebody else.
        apply(db, Cause::EndpointMoved, no, occurred(Details::of(after)))?;
    }
    match (before.endpoint.options.enabled, options.enabled) {
        (true, false) => {
            let reason = after.disabled.as_ref().map(|disabled| disabled.reason.clone());
            let details = Details { reason, ..Details::of(after) };
            apply(db, Cause::EndpointDisabled, no, occurred(details))?;
        }
        (false, true) => apply(db, Cause::EndpointDisabled, no, AlertTransition::Ended)?,
        (true, true) | (false, false) => {}
    }
    // Shards forget then that it was down.
    if before.endpoint.health_since != after.endpoint.health_since {
        apply(db, Cause::EndpointFailing, no, AlertTransition::Dropped)?;
    }
    Ok(())
}

/// Stores that a token was created. It is part of the transaction that stores the token.
pub(in crate::directory) fn token_created(db: &dyn Database, now: Millis) -> Result<()> {
    apply(
        db,
        Cause::TokenCreated,
        0,
        AlertTransition::Occurred { count: 1, at: now, details: Details::default() },
    )
}

/// Forgets what there is about an endpoint that is deleted.
pub(in crate::directory) fn delete_endpoint(db: &dyn Database, endpoint: i64) -> Result<()> {
    rows::delete_of(db, endpoint)
}

/// Stores the causes that only time brings, as far as they are known, and deletes those that are of interest no more.
pub fn sweep(context: &Context<'_>, report: SweepReport) -> Result<()> {
    let Context { db, now, .. } = *context;
    db.transaction(|| {
        for (cause, found) in
            [(Cause::TasksStalled, report.has_stalled), (Cause::StorageNearlyFull, report.is_nearly_full)]
        {
            if let Some(is_met) = found {
                store_lasting(db, cause, 0, is_met.then(Details::default), now)?;
            }
        }
        if is_quiet(db, Cause::SignaturesRefused, now)? {
            apply(db, Cause::SignaturesRefused, 0, AlertTransition::Ended)?;
        }
        let is_endpoint = |record: &EndpointRecord| !record.endpoint.options.is_alert_destination();
        for record in records::all(db)?.into_iter().filter(is_endpoint) {
            store_rotation(db, &record, now)?;
        }
        for (cause, endpoint, alert) in rows::all(db)? {
            if alert.is_over(cause, now) {
                rows::delete(db, cause, endpoint)?;
            }
        }
        Ok(())
    })
}

/// Stores whether the previous secret of an endpoint soon ends.
fn store_rotation(db: &dyn Database, record: &EndpointRecord, now: Millis) -> Result<()> {
    let (cause, no) = (Cause::RotationDue, record.endpoint.no);
    let previous = record.endpoint.valid_secrets(now).filter_map(|secret| secret.until).max();
    let expires_at = previous.map(rfc3339);
    let is_known = |alert: Alert| alert.details.expires_at == expires_at;
    if previous.is_some() && !rows::find(db, cause, no)?.is_none_or(is_known) {
        // The secret was rotated again, so the alert is of an earlier end.
        apply(db, cause, no, AlertTransition::Dropped)?;
    }
    if previous.is_none_or(|until| until <= now.plus_seconds(ROTATION_AHEAD)) {
        let details = |expires_at| Details { expires_at: Some(expires_at), ..Details::of(record) };
        store_lasting(db, cause, no, expires_at.map(details), now)?;
    }
    Ok(())
}

/// Returns whether a cause lasts that was last met some time ago.
fn is_quiet(db: &dyn Database, cause: Cause, now: Millis) -> Result<bool> {
    let is_quiet = |alert: Alert| alert.lasts(cause) && alert.last_at.plus_seconds(QUIET_FOR) <= now;
    Ok(rows::find(db, cause, 0)?.is_some_and(is_quiet))
}

/// Opens or closes a cause that the hourly sweep looks at. While it lasts it is not counted again.
fn store_lasting(
    db: &dyn Database,
    cause: Cause,
    endpoint: i64,
    details: Option<Details>,
    now: Millis,
) -> Result<()> {
    let was_open = rows::find(db, cause, endpoint)?.is_some_and(|alert| alert.lasts(cause));
    match details {
        Some(details) if !was_open => {
            apply(db, cause, endpoint, AlertTransition::Occurred { count: 1, at: now, details })
        }
        None if was_open => apply(db, cause, endpoint, AlertTransition::Ended),
        Some(_) | None => Ok(()),
    }
}
