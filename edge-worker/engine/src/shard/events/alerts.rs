//! Alerts: events of the gateway itself. One is stored as an event without a task, so that its deliveries, retries and
//! dead letters are those of any other.

use vtryon_webhooks::event::Identity;
use vtryon_webhooks::{Digest, Millis};

use super::rows::{self, EventRow};
use crate::database::{Bind, Database};
use crate::protocol::{IncomingAlert, StoreResult};
use crate::shard::Shard;
use crate::shard::deliveries::enqueue::{NewEvent, Recipients, enqueue};
use crate::{Context, Result};

/// What stands for the task of an event that has none: tasks are numbered from 1.
pub(crate) const NO_TASK: i64 = 0;

/// How long an alert is recognised that comes again, in seconds: by then its sender has long heard that it is stored.
const RECOGNISED_FOR: i64 = 30 * 24 * 3600;

impl Shard {
    /// Stores an alert once; one that comes again changes nothing. `None` where it is not stored, since a destination has
    /// not come with the settings yet: its sender sends it again.
    pub(crate) fn store_alert(
        &mut self,
        context: &Context<'_>,
        alert: &IncomingAlert,
        body: &[u8],
    ) -> Result<Option<StoreResult>> {
        let Context { db, now, .. } = *context;
        let is_unknown = |no: &i64| {
            self.configuration.settings.endpoint(*no).is_none()
                && !self.configuration.settings.deleted.contains(no)
        };
        if alert.destinations.iter().any(is_unknown) {
            return Ok(None);
        }
        let digest = Digest::of(alert.id.as_bytes()).to_hex();
        if rows::has_other_event(db, NO_TASK, &alert.name, &digest)? {
            return Ok(Some(StoreResult::default()));
        }
        let seq = self.next_seq();
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
            enqueue(context, &self.configuration, &self.attempts, &new)
        })?;
        Ok(Some(self.answer_stored(context, seq, enqueued, None)))
    }
}

/// Deletes what is left of alerts that were pruned long ago.
fn forget_old(db: &dyn Database, now: Millis) -> Result<()> {
    const FORGET: &str = "DELETE FROM events INDEXED BY events_other
        WHERE task_no = ? AND digest IS NOT NULL AND received_at < ? AND LENGTH(body) = 0";
    let before = now.plus_seconds(-RECOGNISED_FOR);
    db.run(FORGET, &[Bind::Int(NO_TASK), Bind::Int(before.0)])
}
