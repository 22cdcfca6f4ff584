//! Enqueues the deliveries of an event: one to each endpoint that matches it, in the commit that stores the
//! event.

use vtryon_webhooks::Millis;
use vtryon_webhooks::lifecycle::Outcome;
use worker::SqlStorage;

use super::ordering::{self, PendingDelivery};
use super::{TaskShard, deliveries, leases, record_attempt};
use crate::protocol::delivery::{Dispatch, delivery_no};
use crate::protocol::settings::Endpoint;

/// A stored event, as endpoints match and receive it.
pub(super) struct NewEvent<'a> {
    pub(super) seq: i64,
    pub(super) received_at: Millis,
    pub(super) outcome: Outcome,
    pub(super) name: &'a str,
    pub(super) status: Option<&'a str>,
    pub(super) webhook_id: String,
    /// The event of the same task before it.
    pub(super) previous: Option<i64>,
    /// The only endpoint that it goes to, whatever its filter; else it goes to all that match it.
    pub(super) target_endpoint: Option<i64>,
}

/// The deliveries and side effects of an event.
#[derive(Default)]
pub(super) struct Enqueued {
    /// The attempts that the Worker makes after its 200.
    pub(super) dispatch_now: Vec<Dispatch>,
    /// Whether more is enqueued, which is the alarm's.
    pub(super) deferred: bool,
    /// When the alarm publishes the result, where the event has one.
    pub(super) publish_at: Option<Millis>,
}

impl TaskShard {
    /// Inserts the deliveries of an event. Returns the attempts that the Worker makes now. Deliveries that wait
    /// for an earlier one of the task, or go to an endpoint that is failing, are deferred to the alarm.
    pub(super) fn enqueue_deliveries(
        &self,
        sql: &SqlStorage,
        event: &NewEvent<'_>,
    ) -> worker::Result<Enqueued> {
        let settings = self.settings();
        let matching_endpoints = settings.endpoints.iter().filter(|endpoint| match event.target_endpoint {
            Some(target) => endpoint.enabled && endpoint.no == target,
            None => endpoint.enabled && endpoint.filter().takes(event.outcome, event.name, event.status),
        });
        let mut pending: Option<Vec<PendingDelivery>> = None;
        let mut enqueued = Enqueued::default();
        for endpoint in matching_endpoints {
            let pending = match (&mut pending, event.previous) {
                (Some(pending), _) => pending,
                (None, None) => pending.insert(Vec::new()),
                (None, Some(last_seq)) => pending.insert(ordering::of_task(sql, last_seq)?),
            };
            let older = pending.iter().filter(|older| older.endpoint() == endpoint.no);
            // An endpoint that is failing may hang: the alarm attempts it without delaying others. A test event
            // has somebody waiting for it, so it is attempted now in any case.
            let is_failing =
                event.target_endpoint.is_none() && self.health(endpoint.no)?.failing_since.is_some();
            let is_deferred = self.supersede_or_block(sql, endpoint, older, event)? || is_failing;
            let no = delivery_no(event.seq, endpoint.no);
            let due_at = is_deferred.then_some(event.received_at);
            deliveries::create(sql, no, event.received_at, due_at)?;
            enqueued.deferred |= is_deferred;
            if !is_deferred {
                enqueued.dispatch_now.push(Dispatch {
                    delivery: no,
                    url: endpoint.url.clone(),
                    secrets: endpoint.secrets_at(event.received_at),
                    webhook_id: event.webhook_id.clone(),
                    outcome: event.outcome.as_str().to_owned(),
                    replay_count: 0,
                    attempt: 1,
                    lease_until: leases::granted_at(event.received_at),
                });
            }
        }
        Ok(enqueued)
    }

    /// Supersedes or expedites older pending deliveries of the task; returns whether one still blocks this
    /// delivery.
    fn supersede_or_block<'a>(
        &self,
        sql: &SqlStorage,
        endpoint: &Endpoint,
        older: impl Iterator<Item = &'a PendingDelivery>,
        event: &NewEvent<'_>,
    ) -> worker::Result<bool> {
        let mut is_blocked = false;
        for older in older {
            if self.is_leased(older.no, event.received_at) {
                is_blocked = true;
            } else if endpoint.order().supersedes(event.outcome, older.has_status) {
                if let Some(older) = deliveries::find(sql, older.no)? {
                    record_attempt::supersede(sql, &older, event.received_at)?;
                }
            } else {
                deliveries::reschedule(sql, older.no, event.received_at)?;
                is_blocked = true;
            }
        }
        Ok(is_blocked)
    }
}
