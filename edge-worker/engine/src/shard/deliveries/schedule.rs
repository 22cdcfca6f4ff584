//! The attempts that a shard makes itself in a run of its alarm: retries, replays, and first attempts that the Worker
//! did not make.

use vtryon_webhooks::Millis;

use super::attempts::Attempts;
use super::attempts::leases::Lease;
use super::dispatch::LeasedAttempt;
use super::{DeliveryReason, end, ordering, rows};
use crate::log::Log;
use crate::protocol::delivery::{Dispatch, seq_of};
use crate::protocol::settings::{Endpoint, Settings};
use crate::shard::config::Config;
use crate::shard::events;
use crate::storage::database::Database;
use crate::{Context, Result};

/// All attempts of a run have to end within this time, because the next run starts only when the last one has ended: in
/// seconds of machine time.
const RUN_ENDS_AFTER_SECONDS: i64 = 30;

/// How long any endpoint's attempts may begin in a run, in seconds of machine time, however long they may take.
const ANY_BEGINS_FOR_SECONDS: i64 = 5;

/// How often a run looks for newly due deliveries while attempts are in progress, in milliseconds.
pub const POLL_DUE_MS: u64 = 500;

/// How many connections a run has, and each endpoint of them: the platform allows six.
const CONNECTIONS: usize = 6;
const PER_ENDPOINT: usize = 2;

/// How many due deliveries are looked at for one that can go.
const MAX_DUE_LOOKED_AT: i64 = 16;

/// How many deliveries of a deleted endpoint are dead-lettered in one run.
const DEAD_LETTERS: i64 = 200;

/// An attempt to make now, with the body of its event.
pub struct Picked {
    pub dispatch: Dispatch,
    pub body: Vec<u8>,
}

/// Assigns connections to endpoints with due deliveries: one to each, and a second one where there are enough. The endpoint
/// whose delivery has been due for longest comes first, so that each has its turn, in a later run at the latest, however
/// much becomes due to others meanwhile. Failing ones never get the last connections. `draining` are the endpoints of the
/// connections in use.
pub(crate) fn pick_endpoints(
    context: &Context<'_>,
    config: &Config,
    attempts: &Attempts,
    started: Millis,
    draining: &[i64],
) -> Result<Vec<i64>> {
    let now = context.now;
    let mut candidates = Vec::new();
    for endpoint in config.settings.active() {
        let allowed = attempts_to_begin(context, config, attempts, endpoint, started);
        if allowed == 0 {
            continue;
        }
        if let Some(due_at) = rows::next_due(context.db, endpoint.no)?.filter(|due_at| *due_at <= now) {
            candidates.push((due_at, endpoint.no, allowed));
        }
    }
    candidates.sort_unstable();
    let mut picked = Vec::new();
    for turn in 1..=PER_ENDPOINT {
        for &(_, endpoint, allowed) in &candidates {
            let (share, connections) = if attempts.health.last_attempt_failed(endpoint) {
                (1, CONNECTIONS - PER_ENDPOINT)
            } else {
                (PER_ENDPOINT, CONNECTIONS)
            };
            let count = |of: &[i64]| of.iter().filter(|other| **other == endpoint).count();
            let (has, gets) = (count(draining), count(&picked));
            let is_free = draining.len() + picked.len() < connections;
            if is_free && has + gets < turn.min(share) && gets < allowed {
                picked.push(endpoint);
            }
        }
    }
    Ok(picked)
}

/// Leases the next attempt to an endpoint that can be made; `None` where none is due, the endpoint is paused, cooling
/// down or at its limits, or the run is over. First it stores when the alarm looks at the delivery again, should this run
/// die.
pub(crate) fn pick_attempt(
    context: &Context<'_>,
    config: &Config,
    attempts: &mut Attempts,
    log: &Log,
    endpoint: i64,
    started: Millis,
) -> Result<Option<Picked>> {
    let (db, now) = (context.db, context.now);
    let settings = &config.settings;
    let Some(endpoint) = settings.endpoint(endpoint).filter(|endpoint| endpoint.options.is_active()) else {
        return Ok(None);
    };
    if attempts_to_begin(context, config, attempts, endpoint, started) == 0 {
        return Ok(None);
    }
    let lease = Lease::from_now(context.deployment, endpoint.options.attempt.timeout_seconds, now);
    for delivery in rows::due(db, endpoint.no, now, MAX_DUE_LOOKED_AT)? {
        let blocking = ordering::blocking(db, &delivery)?;
        let look_at = blocking.map(|blocking| blocking.due_at.map_or(lease.until, |at| at.max(lease.until)));
        if let Some(at) = delivery.lease_ends(now).or(look_at) {
            rows::reschedule(db, delivery.no, at)?;
            continue;
        }
        let seq = seq_of(delivery.no);
        let (Some(stored), Some(body)) = (events::find_deliverable(db, seq)?, events::body(db, seq)?) else {
            db.transaction(|| end::dead_letter(context, config, log, &delivery, DeliveryReason::Pruned))?;
            continue;
        };
        rows::lease(db, delivery.no, lease.until)?;
        let attempt = LeasedAttempt {
            settings,
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
        attempts.begin(context, config, &dispatch);
        attempts.throttle.count_in_run(&dispatch);
        return Ok(Some(Picked { dispatch, body }));
    }
    Ok(None)
}

/// Returns how many attempts at an endpoint this run may begin now: none where the endpoint is cooling down or at its
/// limits, or where the run is over.
fn attempts_to_begin(
    context: &Context<'_>,
    config: &Config,
    attempts: &Attempts,
    endpoint: &Endpoint,
    started: Millis,
) -> usize {
    let is_over = is_run_over(context, endpoint.options.attempt.timeout_seconds, started);
    if is_over || attempts.health.is_cooling_down(endpoint.no, context.now) {
        return 0;
    }
    let allowed = attempts.throttle.allowed(endpoint.no, &config.limits(context, endpoint), context.now);
    allowed.min(attempts.throttle.left_in_run())
}

/// Returns the endpoints that have deliveries to make and are not registered any more. The directory tells which it has
/// deleted, for a time only, and one that was restored to an earlier state has forgotten some.
pub(crate) fn deleted_endpoints(db: &dyn Database, settings: &Settings) -> Result<Vec<i64>> {
    let mut endpoints = rows::due_endpoints(db)?;
    endpoints.retain(|endpoint| settings.endpoint(*endpoint).is_none());
    Ok(endpoints)
}

/// Dead-letters deliveries to deleted endpoints, a limited number in each run. One that can't be ended keeps no other from
/// it.
pub(crate) fn dead_letter_deleted_endpoints(context: &Context<'_>, config: &Config, log: &Log) -> Result<()> {
    let db = context.db;
    let mut result = Ok(());
    for endpoint in deleted_endpoints(db, &config.settings)? {
        for delivery in rows::pending(db, endpoint, context.deployment.page(DEAD_LETTERS))? {
            let ended = db.transaction(|| {
                end::dead_letter(context, config, log, &delivery, DeliveryReason::EndpointDeleted)
            });
            result = result.and(ended.map(|_| ()));
        }
    }
    result
}

/// Returns whether a run begins no more attempts with a timeout.
fn is_run_over(context: &Context<'_>, timeout_seconds: u32, started: Millis) -> bool {
    let begins = (RUN_ENDS_AFTER_SECONDS - i64::from(timeout_seconds)).max(ANY_BEGINS_FOR_SECONDS);
    context.now >= started.plus_millis(context.deployment.machine_seconds(begins))
}
