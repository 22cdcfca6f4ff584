//! Records an attempt: its delivery is delivered, scheduled for a retry, or dead.

use vtryon_webhooks::Millis;
use vtryon_webhooks::health::Health;
use vtryon_webhooks::retry::Reply;

use super::attempts::health::EndpointHealths;
use super::next_step::NextStep;
use super::{Delivery, DeliveryReason, end, rows};
use crate::log::{Decision, Level, Log};
use crate::protocol::delivery::{Attempt, AttemptReport, DeliveryState, endpoint_of};
use crate::protocol::directory::conditions::ConditionKind;
use crate::protocol::metrics::AttemptOutcome;
use crate::protocol::settings::{EndpointOptions, Settings, endpoint_id};
use crate::shard::config::Config;
use crate::shard::{Shard, conditions};
use crate::storage::database::Database;
use crate::{Context, Result};

/// How long a delivery is deferred that the gateway itself could not attempt, in seconds of machine time.
const DEFERRED_FOR: i64 = 60;

impl Shard {
    /// Records a report: its attempt is over, so that another one may begin where that had to wait.
    pub(crate) fn record_attempt(&mut self, context: &Context<'_>, report: &AttemptReport) -> Result<()> {
        self.attempts.throttle.end(report.delivery, report.leased_until);
        self.record(context, report)?;
        let endpoint = self.config.settings.endpoint(endpoint_of(report.delivery));
        let is_limited = |options: &EndpointOptions| options.is_active() && options.max_in_flight.is_some();
        if let Some(endpoint) = endpoint.filter(|endpoint| is_limited(&endpoint.options))
            && let Some(at) = self.attempts.next_at(context, &self.config, endpoint.no)?
        {
            self.alarm.set(at);
        }
        Ok(())
    }

    /// Records what has become of the delivery. A report of an earlier attempt or lease changes nothing, unless the endpoint
    /// took the delivery; one of an earlier replay, or of a delivery that has ended, never does.
    fn record(&mut self, context: &Context<'_>, report: &AttemptReport) -> Result<()> {
        let Some(delivery) = rows::find(context.db, report.delivery)? else { return Ok(()) };
        if delivery.state != DeliveryState::Pending || delivery.replay_count != report.replay_count {
            self.attempts.leases.release(delivery.no);
            return Ok(());
        }
        let is_current = report.attempt == delivery.failed_attempts + 1
            && delivery.leased_until == Some(report.leased_until);
        match &report.made {
            Some(attempt) if is_current || attempt.reply() == Some(Reply::Delivered) => {
                self.record_made(context, delivery, report, attempt)
            }
            None if is_current => self.defer(context, delivery.no),
            Some(_) | None => Ok(()),
        }
    }

    /// Defers a delivery that the gateway could not attempt.
    fn defer(&mut self, context: &Context<'_>, delivery: i64) -> Result<()> {
        let due_at = context.now.plus_millis(context.deployment.machine_seconds(DEFERRED_FOR));
        rows::defer(context.db, delivery, due_at, DeliveryReason::SecretUnreadable)?;
        self.attempts.leases.release(delivery);
        self.set_alarm_for_delivery(context, endpoint_of(delivery), due_at);
        Ok(())
    }

    /// Records an attempt in one commit: what becomes of its delivery, and what it shows of the endpoint.
    fn record_made(
        &mut self,
        context: &Context<'_>,
        mut delivery: Delivery,
        report: &AttemptReport,
        attempt: &Attempt,
    ) -> Result<()> {
        let (db, endpoint) = (context.db, endpoint_of(delivery.no));
        let settings = &self.config.settings;
        let (health, condition) = health_after(&self.attempts.health, settings, report, attempt);
        let next = NextStep::after(db, settings, &delivery, attempt)?;
        let dropped = delivery.add_attempt(attempt, next.is_counted())?;
        let due_at = db.transaction(|| {
            let due_at = apply(context, &self.config, &self.log, &delivery, next)?;
            self.attempts.health.write(db, endpoint, health)?;
            self.totals.add_dropped(db, settings, delivery.no, &dropped)?;
            if let Some(condition) = condition {
                conditions::note(db, condition, endpoint, context.now)?;
            }
            Ok(due_at)
        })?;
        self.attempts.health.committed(endpoint, health);
        self.totals.note(delivery.no, attempt);
        log_attempt(context, &self.config, &self.log, report, attempt);
        if let Some(condition) = condition {
            log_condition(&self.log, condition, endpoint);
            self.alarm.set(self.reports.schedule(context));
        }
        self.attempts.leases.release(delivery.no);
        if let Ok(shard) = self.number() {
            self.audience.broadcast_attempt(db, shard, delivery.no);
        }
        if let Some(due_at) = due_at {
            self.set_alarm_for_delivery(context, endpoint, due_at);
        }
        Ok(())
    }
}

/// Returns the health of an endpoint after an attempt, and whether that shows that it is down, or up again.
fn health_after(
    known: &EndpointHealths,
    settings: &Settings,
    report: &AttemptReport,
    attempt: &Attempt,
) -> (Health, Option<ConditionKind>) {
    let endpoint = endpoint_of(report.delivery);
    let before = known.get(endpoint);
    // The health of an endpoint that was deleted is deleted with it.
    let registered = settings.endpoint(endpoint);
    let Some(endpoint) = registered.filter(|endpoint| report.settings_version >= endpoint.health_since)
    else {
        return (before, None);
    };
    let after = before.after(attempt.reply(), attempt.attempted_at);
    (after, conditions::of_attempt(endpoint, before, after))
}

/// Writes what becomes of a delivery. Returns when it, or one that has waited for it, is due next; none where there is
/// nothing more to attempt.
fn apply(
    context: &Context<'_>,
    config: &Config,
    log: &Log,
    delivery: &Delivery,
    next: NextStep,
) -> Result<Option<Millis>> {
    let Context { db, now, .. } = *context;
    match next {
        NextStep::Delivered => end::complete(db, delivery, now),
        NextStep::Superseded => end::supersede(db, delivery, now),
        NextStep::Dead(reason) => end::dead_letter(context, config, log, delivery, reason),
        NextStep::Exhausted => {
            let endpoint = endpoint_of(delivery.no);
            // Nothing is reported of an alert destination: the alert would be sent to it.
            let found = config.settings.endpoint(endpoint);
            if found.is_some_and(|found| !found.options.is_alert_destination()) {
                conditions::note(db, ConditionKind::DeliveryDead, endpoint, now)?;
            }
            end::dead_letter(context, config, log, delivery, DeliveryReason::Exhausted)
        }
        NextStep::KeepSchedule => retry_at(db, delivery, delivery.scheduled_at),
        NextStep::RetryAt(at) => retry_at(db, delivery, at),
    }
}

fn log_attempt(context: &Context<'_>, config: &Config, log: &Log, report: &AttemptReport, attempt: &Attempt) {
    let outcome = AttemptOutcome::of(attempt.status);
    if outcome == AttemptOutcome::Delivered && context.deployment.log_level > Level::Debug {
        return;
    }
    let (delivery, endpoint) = config.ids(report.delivery);
    log.note(Decision::AttemptMade {
        delivery,
        endpoint,
        attempt: report.attempt,
        outcome: outcome.as_str(),
        status: attempt.status,
        error: attempt.error.clone(),
        took_ms: attempt.took_ms,
    });
}

fn log_condition(log: &Log, condition: ConditionKind, endpoint: i64) {
    let endpoint = endpoint_id(endpoint);
    match condition {
        ConditionKind::EndpointDown => log.note(Decision::EndpointDown { endpoint }),
        ConditionKind::EndpointUp => log.note(Decision::EndpointUp { endpoint }),
        ConditionKind::DeliveryDead | ConditionKind::EventQuarantined => {}
    }
}

fn retry_at(db: &dyn Database, delivery: &Delivery, at: Millis) -> Result<Option<Millis>> {
    rows::retry(db, delivery, at)?;
    Ok(Some(at))
}
