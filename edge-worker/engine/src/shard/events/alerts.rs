//! Alerts: events of the gateway itself. One is stored as an event without a task, so that its deliveries, retries and
//! dead letters are those of any other.

use vtryon_webhooks::event::Identity;
use vtryon_webhooks::{Digest, Millis};

use super::rows::{self, EventRow};
use crate::protocol::IncomingAlert;
use crate::shard::config::Config;
use crate::shard::deliveries::attempts::Attempts;
use crate::shard::deliveries::enqueue::{Enqueued, NewEvent, Recipients, enqueue};
use crate::storage::database::{Bind, Database};
use crate::{Context, Result};

/// What stands for the task of an event that has none: tasks are numbered from 1.
pub(crate) const NO_TASK: i64 = 0;

/// How long an alert is recognised that comes again, in seconds: by then its sender has long heard that it is stored.
const RECOGNISED_FOR: i64 = 30 * 24 * 3600;

/// What has become of an alert.
pub(crate) enum StoredAlert {
    New(Enqueued),
    /// It came again: nothing changes.
    Known,
    /// A destination has not come with the settings yet: nothing is stored, and its sender sends it again.
    Refused,
}

/// Stores an alert once, under a number.
pub(crate) fn store(
    context: &Context<'_>,
    config: &Config,
    attempts: &Attempts,
    seq: i64,
    alert: &IncomingAlert,
    body: &[u8],
) -> Result<StoredAlert> {
    let Context { db, now, .. } = *context;
    let settings = &config.settings;
    let is_unknown = |no: &i64| settings.endpoint(*no).is_none() && !settings.deleted.contains(no);
    if alert.destinations.iter().any(is_unknown) {
        return Ok(StoredAlert::Refused);
    }
    let digest = Digest::of(alert.id.as_bytes()).to_hex();
    if rows::has_other_event(db, NO_TASK, &alert.name, &digest)? {
        return Ok(StoredAlert::Known);
    }
    let new = NewEvent {
        seq,
        received_at: now,
        outcome: None,
        name: &alert.name,
        status: None,
        webhook_id: Identity::Other { task_id: "", name: &alert.name, digest: &digest }.webhook_id(),
        previous: None,
        recipients: Recipients::Only { endpoints: &alert.destinations, is_test: alert.is_test },
    };
    let event = EventRow {
        seq,
        task_no: NO_TASK,
        previous: None,
        received_at: now,
        name: Some(&alert.name),
        status: None,
        outcome: new.outcome_name(),
        key: "",
        digest: Some(&digest),
        body,
        imported_at: None,
    };
    let enqueued = db.transaction(|| {
        forget_old(db, now)?;
        rows::append(db, &event)?;
        enqueue(context, config, attempts, &new)
    })?;
    Ok(StoredAlert::New(enqueued))
}

/// Deletes what is left of alerts that were pruned long ago.
fn forget_old(db: &dyn Database, now: Millis) -> Result<()> {
    const FORGET: &str = "DELETE FROM events INDEXED BY events_other
        WHERE task_no = ? AND digest IS NOT NULL AND received_at < ? AND LENGTH(body) = 0";
    let before = now.plus_seconds(-RECOGNISED_FOR);
    db.run(FORGET, &[Bind::Int(NO_TASK), Bind::Int(before.0)])
}
