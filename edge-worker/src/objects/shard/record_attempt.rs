//! Records an attempt: the delivery is delivered, scheduled for a retry, or dead.

use vtryon_webhooks::endpoint::Order;
use vtryon_webhooks::lifecycle::Outcome;
use vtryon_webhooks::retry::{self, Reply};
use vtryon_webhooks::{Digest, Millis};
use worker::SqlStorage;

use super::deliveries::{self, AttemptRecord, Delivery, DeliveryState};
use super::{TaskShard, events, ordering, replays};
use crate::platform::{clock, sql};
use crate::protocol::delivery::{Attempt, Report, endpoint_of, seq_of};

/// How long a delivery is deferred that the gateway itself could not attempt, in seconds of this machine.
const DEFERRED_FOR: i64 = 60;

impl TaskShard {
    /// Records a report. A report of an earlier attempt or round changes nothing, unless the endpoint took the
    /// delivery.
    pub(super) fn record_attempt(&self, report: &Report, now: Millis) -> worker::Result<()> {
        let storage = self.state.storage();
        let sql = storage.sql();
        let Some(mut delivery) = deliveries::find(&sql, report.delivery)? else { return Ok(()) };
        if delivery.state != DeliveryState::Pending || delivery.replay_count != report.replay_count {
            self.release(delivery.no);
            return Ok(());
        }
        let Some(attempt) = &report.made else {
            deliveries::defer(
                &sql,
                delivery.no,
                now.plus_millis(clock::span(DEFERRED_FOR)),
                "secret_unreadable",
            )?;
            self.release(delivery.no);
            self.schedule(0);
            return Ok(());
        };
        let reply = attempt.status.map(Reply::of);
        let is_current = report.attempt == delivery.failed_attempts + 1;
        if !is_current && reply != Some(Reply::Delivered) {
            return Ok(());
        }
        let health = self.health_after(endpoint_of(delivery.no), reply, attempt.attempted_at)?;
        sql::transaction(&storage, || {
            self.write_attempt(&sql, &mut delivery, attempt, reply, now)?;
            self.write_health(&sql, endpoint_of(report.delivery), health)
        })?;
        self.remember_health(endpoint_of(report.delivery), health);
        self.release(report.delivery);
        self.broadcast_attempt(report.delivery);
        self.schedule(0);
        Ok(())
    }

    fn write_attempt(
        &self,
        sql: &SqlStorage,
        delivery: &mut Delivery,
        attempt: &Attempt,
        reply: Option<Reply>,
        now: Millis,
    ) -> worker::Result<()> {
        let number = delivery.failed_attempts + 1;
        delivery.record(AttemptRecord {
            round: delivery.replay_count,
            attempt: number,
            due_at: clock::rfc3339(delivery.scheduled_at),
            attempted_at: clock::rfc3339(attempt.attempted_at),
            took_ms: attempt.took_ms,
            status: attempt.status,
            error: attempt.error.clone(),
            answer: attempt.answer.clone(),
            location_host: attempt.location_host.clone(),
            previous_secret: attempt.previous_secret,
        })?;
        let first_at = delivery.first_at.unwrap_or(attempt.attempted_at);
        delivery.first_at = Some(first_at);
        if reply == Some(Reply::Delivered) {
            deliveries::end(sql, delivery, DeliveryState::Delivered, now, None)?;
            replays::count(sql, delivery, true)?;
            return release_next(sql, delivery, now);
        }
        let endpoint = endpoint_of(delivery.no);
        let settings = self.settings();
        let Some(endpoint) = settings.endpoint(endpoint) else {
            return dead_letter(sql, delivery, now, "endpoint_deleted");
        };
        if is_outdated(sql, delivery, endpoint.order())? {
            return supersede(sql, delivery, now);
        }
        // An expedited attempt, by a newer event or by hand, is an extra one: the schedule does not change.
        if attempt.attempted_at < delivery.scheduled_at {
            return deliveries::retry(sql, delivery, delivery.scheduled_at);
        }
        delivery.failed_attempts = number;
        let subject = subject(sql, delivery.no)?;
        match retry::next(&subject, number, first_at, attempt.attempted_at, attempt.retry_after_ms) {
            Some(at) => deliveries::retry(sql, delivery, at),
            None => dead_letter(sql, delivery, now, "exhausted"),
        }
    }
}

/// Ends a delivery that is not attempted any more, and makes the next pending one of its task due.
pub(super) fn dead_letter(
    sql: &SqlStorage,
    delivery: &Delivery,
    now: Millis,
    reason: &str,
) -> worker::Result<()> {
    deliveries::end(sql, delivery, DeliveryState::Dead, now, Some(reason))?;
    replays::count(sql, delivery, false)?;
    release_next(sql, delivery, now)
}

/// Ends a delivery that a later event of the task has replaced.
pub(super) fn supersede(sql: &SqlStorage, delivery: &Delivery, now: Millis) -> worker::Result<()> {
    deliveries::end(sql, delivery, DeliveryState::Superseded, now, None)?;
    replays::count(sql, delivery, false)?;
    release_next(sql, delivery, now)
}

/// Makes the next pending delivery of the same task and endpoint due.
fn release_next(sql: &SqlStorage, ended: &Delivery, now: Millis) -> worker::Result<()> {
    if ended.replay_count > 0 {
        // A delivery that was replayed by hand is not part of the order.
        return Ok(());
    }
    let pending = ordering::of_delivery(sql, ended.no)?;
    match pending.first().filter(|next| next.due_at.is_some_and(|due_at| due_at > now)) {
        Some(next) => deliveries::reschedule(sql, next.no, now),
        None => Ok(()),
    }
}

/// Returns whether a later event of the same task replaces a delivery.
fn is_outdated(sql: &SqlStorage, delivery: &Delivery, order: Order) -> worker::Result<bool> {
    let pending = ordering::of_delivery(sql, delivery.no)?;
    let Some(own) = pending.iter().find(|other| other.no == delivery.no) else { return Ok(false) };
    Ok(pending.iter().any(|other| {
        other.no > own.no && other.is_applied && order.supersedes(Outcome::Applied, own.has_status)
    }))
}

/// Returns the digest by which the event is assigned to a shard; the retry jitter is derived from it.
fn subject(sql: &SqlStorage, delivery: i64) -> worker::Result<Digest> {
    let seq = seq_of(delivery);
    let task_id = events::find_deliverable(sql, seq)?.and_then(|stored| stored.task_id);
    Ok(match task_id {
        Some(task_id) => Digest::of(task_id.as_bytes()),
        None => Digest::of(&events::body(sql, seq)?.unwrap_or_default()),
    })
}
