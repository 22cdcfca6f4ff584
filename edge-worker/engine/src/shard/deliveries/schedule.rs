//! The attempts that a shard makes itself in a run of its alarm: retries, replays, and first attempts that the Worker
//! did not make.

use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply;

use super::dispatch::LeasedAttempt;
use super::leases::Lease;
use super::ordering::PendingDelivery;
use super::{ordering, rows};
use crate::database::Database;
use crate::protocol::delivery::{Attempt, AttemptReport, Dispatch, endpoint_of, seq_of};
use crate::protocol::settings::Endpoint;
use crate::shard::deliveries::Delivery;
use crate::shard::{Shard, events};
use crate::{Context, Result};

/// When the last attempt of a run ends, in seconds of machine time after its beginning: the others wait for it, also
/// those whose connections are free.
const RUN_ENDS_AFTER_SECONDS: i64 = 30;

/// How long any endpoint's attempts may begin in a run, in seconds of machine time, however long they may take.
const ANY_BEGINS_FOR_SECONDS: i64 = 5;

/// How often a run looks for newly due deliveries while attempts are in progress, in milliseconds.
pub const POLL_DUE_MS: u64 = 500;

/// How many connections a run has, and each endpoint of them: the platform allows six.
const CONNECTIONS: usize = 6;
const PER_ENDPOINT: usize = 2;

/// How long an endpoint is paused after a failure in a run, in seconds of machine time.
const COOL_DOWN: i64 = 5;

/// How many due deliveries are looked at for one that can go.
const MAX_DUE_LOOKED_AT: i64 = 16;

/// How many deliveries of a deleted endpoint are dead-lettered in one run.
const DEAD_LETTERS: i64 = 200;

/// An attempt to make now, with the body of its event.
pub struct Picked {
    pub dispatch: Dispatch,
    pub body: Vec<u8>,
}

impl Shard {
    /// Assigns connections to endpoints with due deliveries; an endpoint may get several. Healthy endpoints come
    /// first, and failing ones never get the last connections. `draining` are the endpoints of the connections in use.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn pick_endpoints(
        &self,
        context: &Context<'_>,
        started: Millis,
        draining: &[i64],
    ) -> Result<Vec<i64>> {
        let now = context.now;
        let mut picked = Vec::new();
        let mut candidates = Vec::new();
        for endpoint in self.settings.active() {
            let allowed = self.attempts_to_begin(context, endpoint, started);
            let is_due = |due_at: Option<Millis>| due_at.is_some_and(|due_at| due_at <= now);
            if allowed > 0 && is_due(rows::next_due(context.db, endpoint.no)?) {
                candidates.push((self.health.last_attempt_failed(endpoint.no), endpoint.no, allowed));
            }
        }
        candidates.sort_by_key(|(is_failing, ..)| *is_failing);
        for (is_failing, endpoint, allowed) in candidates {
            let (share, connections) =
                if is_failing { (1, CONNECTIONS - PER_ENDPOINT) } else { (PER_ENDPOINT, CONNECTIONS) };
            let has = draining.iter().filter(|draining| **draining == endpoint).count();
            let free = connections.saturating_sub(draining.len() + picked.len());
            let wanted = share.saturating_sub(has).min(allowed);
            picked.extend(std::iter::repeat_n(endpoint, wanted.min(free)));
        }
        Ok(picked)
    }

    /// Leases the next attempt to an endpoint that can be made; `None` where none is due, the endpoint is paused or at its
    /// limits, or the run is over. First it stores when the alarm looks at the delivery again, should this run die.
    pub fn pick_attempt(
        &mut self,
        context: &Context<'_>,
        endpoint: i64,
        started: Millis,
    ) -> Result<Option<Picked>> {
        let (db, now) = (context.db, context.now);
        let settings = self.settings();
        let Some(endpoint) = settings.endpoint(endpoint).filter(|endpoint| endpoint.options.is_active())
        else {
            return Ok(None);
        };
        if self.attempts_to_begin(context, endpoint, started) == 0 {
            return Ok(None);
        }
        let lease = Lease::from_now(context.deployment, endpoint.options.timeout_seconds, now);
        for delivery in rows::due(db, endpoint.no, now, MAX_DUE_LOOKED_AT)? {
            let blocking = blocking_delivery(db, &delivery)?;
            let look_at =
                blocking.map(|blocking| blocking.due_at.map_or(lease.until, |at| at.max(lease.until)));
            if let Some(at) = delivery.lease_ends(now).or(look_at) {
                rows::reschedule(db, delivery.no, at)?;
                continue;
            }
            let seq = seq_of(delivery.no);
            let (Some(stored), Some(body)) = (events::find_deliverable(db, seq)?, events::body(db, seq)?)
            else {
                db.transaction(|| self.dead_letter(db, &delivery, now, "pruned"))?;
                continue;
            };
            rows::lease(db, delivery.no, lease.until)?;
            let attempt = LeasedAttempt {
                settings: &settings,
                endpoint,
                delivery: delivery.no,
                replay_count: delivery.replay_count,
                attempt: delivery.failed_attempts + 1,
                webhook_id: stored.identity().webhook_id(),
                outcome: stored.outcome,
                lease,
                now,
            };
            let dispatch = attempt.dispatch();
            self.note_attempt(context, &dispatch);
            self.throttle.count_in_run(&dispatch);
            return Ok(Some(Picked { dispatch, body }));
        }
        Ok(None)
    }

    /// Returns how many attempts at an endpoint this run may begin now: none where the endpoint is paused after a failure or at
    /// its limits, or where the run is over.
    fn attempts_to_begin(&self, context: &Context<'_>, endpoint: &Endpoint, started: Millis) -> usize {
        let is_over = is_run_over(context, endpoint.options.timeout_seconds, started);
        if is_over || self.health.is_cooling_down(endpoint.no, context.now) {
            return 0;
        }
        self.allowed_attempts(context, endpoint).min(self.throttle.left_in_run())
    }

    /// Records an attempt that this shard has made. An endpoint that has failed is paused.
    pub fn record_own_attempt(&mut self, context: &Context<'_>, report: &AttemptReport) -> Result<()> {
        if report.made.as_ref().and_then(Attempt::reply) != Some(Reply::Delivered) {
            self.cool_down(context, endpoint_of(report.delivery));
        }
        self.record_attempt(context, report)
    }

    /// Pauses an endpoint after a failure.
    pub fn cool_down(&mut self, context: &Context<'_>, endpoint: i64) {
        let until = context.now.plus_millis(context.deployment.machine_seconds(COOL_DOWN));
        self.health.cool_down(endpoint, until);
    }

    /// Returns the endpoints that have deliveries to make and are not registered any more. The directory tells which it has
    /// deleted, for a time only, and one that was restored to an earlier state has forgotten some.
    pub(crate) fn deleted_endpoints(&self, db: &dyn Database) -> Result<Vec<i64>> {
        let mut endpoints = rows::due_endpoints(db)?;
        endpoints.retain(|endpoint| self.settings.endpoint(*endpoint).is_none());
        Ok(endpoints)
    }

    /// Dead-letters deliveries to deleted endpoints, a limited number in each run.
    pub(crate) fn dead_letter_deleted_endpoints(&self, context: &Context<'_>) -> Result<()> {
        let Context { db, now, .. } = *context;
        for endpoint in self.deleted_endpoints(db)? {
            for delivery in rows::pending(db, endpoint, DEAD_LETTERS)? {
                db.transaction(|| self.dead_letter(db, &delivery, now, "endpoint_deleted"))?;
            }
        }
        Ok(())
    }

    /// Returns when deliveries to an endpoint are attempted next: when the first is due, after its pause and within its
    /// limits.
    pub(crate) fn next_attempt_at(
        &self,
        context: &Context<'_>,
        endpoint: &Endpoint,
    ) -> Result<Option<Millis>> {
        let due_at = rows::next_due(context.db, endpoint.no)?;
        Ok(due_at.map(|due_at| self.earliest_attempt_at(context, endpoint.no, due_at)))
    }

    /// Returns when a delivery to an endpoint can be attempted that is due at a time.
    pub(crate) fn earliest_attempt_at(&self, context: &Context<'_>, endpoint: i64, due_at: Millis) -> Millis {
        let allowed_at =
            self.settings.endpoint(endpoint).and_then(|endpoint| self.allowed_at(context, endpoint));
        let due_at = self.health.after_pause(endpoint, due_at);
        allowed_at.map_or(due_at, |allowed_at| due_at.max(allowed_at))
    }
}

/// Returns the delivery that has to arrive before this one, if there is one. Its end makes this one due.
fn blocking_delivery(db: &dyn Database, delivery: &Delivery) -> Result<Option<PendingDelivery>> {
    if delivery.replay_count > 0 {
        return Ok(None);
    }
    let pending = ordering::of_delivery(db, delivery.no)?;
    Ok(pending.into_iter().next().filter(|first| first.no < delivery.no))
}

/// Returns whether a run begins no more attempts with a timeout.
fn is_run_over(context: &Context<'_>, timeout_seconds: u32, started: Millis) -> bool {
    let begins = (RUN_ENDS_AFTER_SECONDS - i64::from(timeout_seconds)).max(ANY_BEGINS_FOR_SECONDS);
    context.now >= started.plus_millis(context.deployment.machine_seconds(begins))
}
