//! What an event owes to endpoints: a delivery to each that takes it, in the commit that keeps the event.

use vtryon_webhooks::Millis;
use vtryon_webhooks::lifecycle::Outcome;
use worker::SqlStorage;

use super::lane::{self, Waiting};
use super::{TaskShard, conclude, deliveries, leases};
use crate::wire::delivery::{Dispatch, delivery_no};
use crate::wire::settings::Endpoint;

/// A kept event, as endpoints choose and receive it.
pub(super) struct Fresh<'a> {
    pub(super) seq: i64,
    pub(super) received_at: Millis,
    pub(super) outcome: Outcome,
    pub(super) name: &'a str,
    pub(super) status: Option<&'a str>,
    pub(super) webhook_id: String,
    /// The event of the same task before it.
    pub(super) previous: Option<i64>,
    /// The one endpoint that it is for, whatever that takes; else it is for all that take it.
    pub(super) only: Option<i64>,
}

/// What an event owes.
#[derive(Default)]
pub(super) struct Owed {
    pub(super) at_once: Vec<Dispatch>,
    /// Whether more is owed, which is the alarm's.
    pub(super) by_alarm: bool,
    /// When the alarm publishes the result, where the event has brought one.
    pub(super) publish_at: Option<Millis>,
}

impl TaskShard {
    /// Writes the deliveries of an event: the attempts that the Worker is to make at once, and those that are
    /// the alarm's, since they wait for an earlier event of the task or go to an endpoint that is failing.
    pub(super) fn owe(&self, sql: &SqlStorage, fresh: &Fresh<'_>) -> worker::Result<Owed> {
        let settings = self.settings();
        let takers = settings.endpoints.iter().filter(|endpoint| match fresh.only {
            Some(only) => endpoint.enabled && endpoint.no == only,
            None => endpoint.enabled && endpoint.filter().takes(fresh.outcome, fresh.name, fresh.status),
        });
        let mut lanes: Option<Vec<Waiting>> = None;
        let mut owed = Owed::default();
        for endpoint in takers {
            let lanes = match (&mut lanes, fresh.previous) {
                (Some(lanes), _) => lanes,
                (None, None) => lanes.insert(Vec::new()),
                (None, Some(head)) => lanes.insert(lane::of_task(sql, head)?),
            };
            let waiting = lanes.iter().filter(|waiting| waiting.endpoint() == endpoint.no);
            // An endpoint that is failing may hang: the alarm sees to it, which holds up nobody for it. A test
            // event is waited for, so it goes whatever the endpoint did before.
            let is_failing = fresh.only.is_none() && self.health(endpoint.no)?.failing_since.is_some();
            let is_for_alarm = self.clear(sql, endpoint, waiting, fresh)? || is_failing;
            let no = delivery_no(fresh.seq, endpoint.no);
            let due_at = is_for_alarm.then_some(fresh.received_at);
            deliveries::create(sql, no, fresh.received_at, due_at)?;
            owed.by_alarm |= is_for_alarm;
            if !is_for_alarm {
                owed.at_once.push(Dispatch {
                    delivery: no,
                    url: endpoint.url.clone(),
                    secrets: endpoint.secrets_at(fresh.received_at),
                    webhook_id: fresh.webhook_id.clone(),
                    outcome: fresh.outcome.as_str().to_owned(),
                    round: 0,
                    attempt: 1,
                    lease_until: leases::granted_at(fresh.received_at),
                });
            }
        }
        Ok(owed)
    }

    /// Makes way for an event in its lane, and tells whether something is still before it.
    fn clear<'a>(
        &self,
        sql: &SqlStorage,
        endpoint: &Endpoint,
        waiting: impl Iterator<Item = &'a Waiting>,
        fresh: &Fresh<'_>,
    ) -> worker::Result<bool> {
        let mut is_blocked = false;
        for waiting in waiting {
            if self.is_under_way(waiting.no, fresh.received_at) {
                is_blocked = true;
            } else if endpoint.order().supersedes(fresh.outcome, waiting.has_status) {
                if let Some(older) = deliveries::find(sql, waiting.no)? {
                    conclude::supersede(sql, &older, fresh.received_at)?;
                }
            } else {
                deliveries::put_off(sql, waiting.no, fresh.received_at)?;
                is_blocked = true;
            }
        }
        Ok(is_blocked)
    }
}
