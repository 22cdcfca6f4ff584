//! Records an attempt: its delivery is delivered, scheduled for a retry, or dead.

use vtryon_webhooks::endpoint::Order;
use vtryon_webhooks::lifecycle::Outcome;
use vtryon_webhooks::retry::{self, Reply};
use vtryon_webhooks::{Digest, Millis};

use super::{ordering, replays, rows};
use crate::database::Database;
use crate::log::{Decision, Level};
use crate::protocol::conditions::ConditionKind;
use crate::protocol::delivery::{Attempt, Report, delivery_id, endpoint_of, seq_of};
use crate::protocol::metrics::AttemptOutcome;
use crate::protocol::settings::endpoint_id;
use crate::shard::deliveries::{AttemptRecord, Delivery, DeliveryState};
use crate::shard::{Shard, conditions, events};
use crate::{Context, Result, time};

/// How long a delivery is deferred that the gateway itself could not attempt, in seconds of machine time.
const DEFERRED_FOR: i64 = 60;

impl Shard {
    /// Records a report: its attempt is over, so that another one may begin where that had to wait.
    pub(crate) fn record_attempt(&mut self, context: &Context<'_>, report: &Report) -> Result<()> {
        self.throttle.end(report.delivery, report.leased_until);
        self.record(context, report)?;
        self.wake_for_waiting(context, endpoint_of(report.delivery))
    }

    /// Records what has become of the delivery. A report of an earlier attempt, lease or replay changes nothing, unless the
    /// endpoint took the delivery.
    fn record(&mut self, context: &Context<'_>, report: &Report) -> Result<()> {
        let (db, now) = (context.db, context.now);
        let Some(mut delivery) = rows::find(db, report.delivery)? else { return Ok(()) };
        if delivery.state != DeliveryState::Pending || delivery.replay_count != report.replay_count {
            self.leases.release(delivery.no);
            return Ok(());
        }
        let is_current = report.attempt == delivery.failed_attempts + 1
            && delivery.leased_until == Some(report.leased_until);
        let Some(attempt) = &report.made else {
            if !is_current {
                return Ok(());
            }
            let due_at = now.plus_millis(context.deployment.span(DEFERRED_FOR));
            rows::defer(db, delivery.no, due_at, "secret_unreadable")?;
            self.leases.release(delivery.no);
            self.wake_for(context, endpoint_of(delivery.no), due_at);
            return Ok(());
        };
        let endpoint = endpoint_of(delivery.no);
        let reply = attempt.status.map(Reply::of);
        if !is_current && reply != Some(Reply::Delivered) {
            return Ok(());
        }
        let before = self.health.of(endpoint);
        let counts = self.health.counts(endpoint, report.settings_version);
        let health = if counts { before.after(reply, attempt.attempted_at) } else { before };
        let registered = self.settings.endpoint(endpoint);
        let condition = registered.and_then(|endpoint| conditions::of_attempt(endpoint, before, health));
        let dropped = delivery.record(AttemptRecord {
            round: delivery.replay_count,
            attempt: delivery.failed_attempts + 1,
            due_at: time::rfc3339(delivery.scheduled_at),
            attempted_at: time::rfc3339(attempt.attempted_at),
            took_ms: attempt.took_ms,
            status: attempt.status,
            error: attempt.error.clone(),
            answer: attempt.answer.clone(),
            location_host: attempt.location_host.clone(),
            previous_secret: attempt.previous_secret,
        })?;
        let due_at = db.transaction(|| {
            let due_at = self.write_attempt(db, &mut delivery, attempt, reply, now)?;
            self.health.write(db, endpoint, health)?;
            self.totals.keep_dropped(db, &self.settings, report.delivery, &dropped)?;
            if let Some(condition) = condition {
                conditions::note(db, condition, endpoint, now)?;
            }
            Ok(due_at)
        })?;
        self.health.committed(endpoint, health);
        self.totals.note(report.delivery, attempt);
        self.log_attempt(context, report, attempt);
        match condition {
            Some(ConditionKind::EndpointDown) => {
                self.log.note(Decision::EndpointDown { endpoint: endpoint_id(endpoint) });
            }
            Some(ConditionKind::EndpointUp) => {
                self.log.note(Decision::EndpointUp { endpoint: endpoint_id(endpoint) });
            }
            Some(ConditionKind::DeliveryDead | ConditionKind::EventQuarantined) | None => {}
        }
        if condition.is_some() {
            self.wake_to_report(context);
        }
        self.leases.release(report.delivery);
        self.broadcast_attempt(context, report.delivery);
        if let Some(due_at) = due_at {
            self.wake_for(context, endpoint, due_at);
        }
        Ok(())
    }

    /// Writes an attempt and what follows from it. Returns when the delivery, or one that has waited for it, is due next;
    /// none where there is nothing more to attempt.
    fn write_attempt(
        &self,
        db: &dyn Database,
        delivery: &mut Delivery,
        attempt: &Attempt,
        reply: Option<Reply>,
        now: Millis,
    ) -> Result<Option<Millis>> {
        let first_at = delivery.first_at.unwrap_or(attempt.attempted_at);
        delivery.first_at = Some(first_at);
        if reply == Some(Reply::Delivered) {
            rows::end(db, delivery, DeliveryState::Delivered, now, None)?;
            replays::count(db, delivery, true)?;
            return release_next(db, delivery, now);
        }
        let endpoint = endpoint_of(delivery.no);
        let settings = self.settings();
        let Some(endpoint) = settings.endpoint(endpoint) else {
            return self.dead_letter(db, delivery, now, "endpoint_deleted");
        };
        if attempt.is_aborted {
            return self.dead_letter(db, delivery, now, "aborted_by_receiver");
        }
        if is_outdated(db, delivery, endpoint.order())? {
            return supersede(db, delivery, now);
        }
        // An expedited attempt, by a newer event or a replay, is an extra one: the schedule does not change.
        if attempt.attempted_at < delivery.scheduled_at {
            rows::retry(db, delivery, delivery.scheduled_at)?;
            return Ok(Some(delivery.scheduled_at));
        }
        let number = delivery.failed_attempts + 1;
        delivery.failed_attempts = number;
        let subject = subject(db, delivery.no)?;
        match retry::next(&subject, number, first_at, attempt.attempted_at, attempt.retry_after_ms) {
            Some(at) => {
                rows::retry(db, delivery, at)?;
                Ok(Some(at))
            }
            None => {
                if !endpoint.options.is_alert_destination() {
                    conditions::note(db, ConditionKind::DeliveryDead, endpoint.no, now)?;
                }
                self.dead_letter(db, delivery, now, "exhausted")
            }
        }
    }

    /// Ends a delivery that is not attempted any more, and makes the next pending one of its task due: then the time is
    /// returned.
    pub(crate) fn dead_letter(
        &self,
        db: &dyn Database,
        delivery: &Delivery,
        now: Millis,
        reason: &'static str,
    ) -> Result<Option<Millis>> {
        rows::end(db, delivery, DeliveryState::Dead, now, Some(reason))?;
        replays::count(db, delivery, false)?;
        let (id, endpoint) = self.names(delivery.no);
        self.log.note(Decision::DeliveryDead { delivery: id, endpoint, reason });
        release_next(db, delivery, now)
    }

    fn log_attempt(&self, context: &Context<'_>, report: &Report, attempt: &Attempt) {
        let outcome = AttemptOutcome::of(attempt.status);
        if outcome == AttemptOutcome::Delivered && context.deployment.log_level > Level::Debug {
            return;
        }
        let (delivery, endpoint) = self.names(report.delivery);
        self.log.note(Decision::AttemptMade {
            delivery,
            endpoint,
            attempt: report.attempt,
            outcome: outcome.as_str(),
            status: attempt.status,
            error: attempt.error.clone(),
            took_ms: attempt.took_ms,
        });
    }

    /// Returns the public ids of a delivery and its endpoint.
    fn names(&self, delivery: i64) -> (String, String) {
        (delivery_id(self.number().unwrap_or(0), delivery), endpoint_id(endpoint_of(delivery)))
    }
}

/// Ends a delivery that a later event of the task has replaced, and makes the next pending one due.
pub(crate) fn supersede(db: &dyn Database, delivery: &Delivery, now: Millis) -> Result<Option<Millis>> {
    rows::end(db, delivery, DeliveryState::Superseded, now, None)?;
    replays::count(db, delivery, false)?;
    release_next(db, delivery, now)
}

/// Makes the next pending delivery of the same task and endpoint due. Returns the time where this has changed it.
fn release_next(db: &dyn Database, ended: &Delivery, now: Millis) -> Result<Option<Millis>> {
    if ended.replay_count > 0 {
        // A delivery that was replayed is not part of the order.
        return Ok(None);
    }
    let next = ordering::next_after(db, ended.no)?;
    let Some(next) = next.filter(|next| next.due_at.is_some_and(|due_at| due_at > now)) else {
        return Ok(None);
    };
    rows::reschedule(db, next.no, now)?;
    Ok(Some(now))
}

/// Returns whether a later event of the same task replaces a delivery.
fn is_outdated(db: &dyn Database, delivery: &Delivery, order: Order) -> Result<bool> {
    let pending = ordering::of_delivery(db, delivery.no)?;
    let Some(own) = pending.iter().find(|other| other.no == delivery.no) else { return Ok(false) };
    Ok(pending.iter().any(|other| {
        other.no > own.no && other.is_applied && order.supersedes(Outcome::Applied, own.is_applied)
    }))
}

/// Returns the digest of the event's task, or of the body of one without a task: the retry jitter is derived from it.
fn subject(db: &dyn Database, delivery: i64) -> Result<Digest> {
    let seq = seq_of(delivery);
    let task_id = events::find_deliverable(db, seq)?.and_then(|stored| stored.task_id);
    Ok(match task_id {
        Some(task_id) => Digest::of(task_id.as_bytes()),
        None => Digest::of(&events::body(db, seq)?.unwrap_or_default()),
    })
}
