//! Attempts when they are leased, and deliveries when attempts are reported.

use vtryon_gateway_engine::protocol::delivery::{AttemptReport, Dispatch, delivery_no, endpoint_of, seq_of};
use vtryon_gateway_engine::protocol::settings::{Endpoint, SealedHeader};
use vtryon_gateway_engine::storage::database::{Bind, Value};
use vtryon_webhooks::Millis;

use super::SKEW;
use crate::directory::header_for;
use crate::model::ledger::DeliveryRow;
use crate::violation::ensure;
use crate::world::World;

/// How long a retry waits at most after the attempt before it, in milliseconds: 23.9 hours in all. It may wait a tenth less.
const PAUSES: [i64; 5] = [110_000, 550_000, 2_750_000, 13_750_000, 68_750_000];

/// How long after its first attempt an endpoint may have a delivery wait, in milliseconds.
const LONGEST_ASKED: i64 = 24 * 3_600_000;

/// Checks an attempt that a shard has just leased.
pub fn of_dispatch(world: &mut World, shard: usize, dispatch: &Dispatch, body: Option<&[u8]>) {
    let now = world.clock(shard);
    let (no, seq) = (dispatch.delivery, seq_of(dispatch.delivery));
    let object = &world.shards[shard];
    let endpoint = object.settings.endpoint(endpoint_of(no)).filter(|endpoint| endpoint.options.enabled);
    ensure!(endpoint.is_some(), "what was deleted or disabled receives nothing more", "delivery {no}");
    let Some(endpoint) = endpoint else { return };
    world.registrations.check_dispatch(dispatch, object.settings.version, now);
    ensure!(!endpoint.options.paused, "a paused endpoint receives nothing", "delivery {no}");
    // The lease is by the Worker's clock where the event has just come.
    let signed_by: Vec<i64> = dispatch.secrets.iter().map(|secret| secret.version).collect();
    for secret in &endpoint.secrets {
        let signs = signed_by.contains(&secret.version);
        let is_retired = secret.until.is_some_and(|until| until <= now.plus_millis(-SKEW));
        ensure!(!signs || !is_retired, "what was retired signs nothing more", "{signed_by:?} at {now:?}");
        let is_in_force = secret.until.is_none_or(|until| now.plus_millis(SKEW) < until);
        ensure!(signs || !is_in_force, "every secret in force signs", "{signed_by:?} at {now:?}");
    }
    ensure!(
        dispatch.url == endpoint.options.url
            && dispatch.options.timeout_seconds == endpoint.options.attempt.timeout_seconds,
        "an attempt is made by the settings in force",
        "delivery {no}"
    );
    of_headers(dispatch, endpoint);
    if let Some(body) = body {
        let stored = object.db.rows(
            "SELECT body FROM events WHERE seq = ?1 UNION ALL SELECT body FROM quarantine WHERE no = ?1",
            &[Bind::Int(seq)],
        );
        ensure!(
            stored == [[Value::Blob(body.to_vec())]],
            "a delivery carries the bytes of its event",
            "{no}"
        );
        let received = object.log.entries.get(&seq).is_some_and(|entry| entry.body == body);
        ensure!(received, "a delivery carries the bytes of its event", "{no}: they are not those received");
    }
    of_leases(world, shard, dispatch, now);
    super::of_limits(world, shard, dispatch, body.is_none());
    of_order(world, shard, no, dispatch.replay_count);
    of_schedule(world, shard, dispatch, now);
    of_webhook_id(world, shard, dispatch);
}

fn of_headers(dispatch: &Dispatch, endpoint: &Endpoint) {
    let are_in_force = dispatch.headers == endpoint.headers;
    ensure!(are_in_force, "an attempt has the headers of its endpoint", "delivery {}", dispatch.delivery);
    let here = header_for(endpoint.no, &dispatch.url);
    for SealedHeader { sealed, .. } in &dispatch.headers {
        ensure!(*sealed == here, "a header goes nowhere but where it was set for", "{sealed} to {here}");
    }
}

fn of_leases(world: &World, shard: usize, dispatch: &Dispatch, now: Millis) {
    // An administrator may ask for a replay while a former attempt is in progress.
    let is_in_progress = world.attempts.iter().any(|attempt| {
        let is_over = match &attempt.begun {
            Some((_, ends_at)) => *ends_at <= world.now,
            None => attempt.dispatch.begin_before <= now,
        };
        let is_same = attempt.shard == shard
            && attempt.dispatch.delivery == dispatch.delivery
            && attempt.dispatch.replay_count == dispatch.replay_count;
        is_same && !is_over
    });
    ensure!(!is_in_progress, "a delivery has one attempt at a time", "delivery {}", dispatch.delivery);
}

fn of_order(world: &World, shard: usize, no: i64, replay_count: i64) {
    const PENDING: &str =
        "SELECT COUNT(*) FROM deliveries WHERE no = ? AND state = 'pending' AND replay_count = 0";
    let object = &world.shards[shard];
    let task_id = object.log.entries.get(&seq_of(no)).and_then(|entry| entry.task_id.as_ref());
    let Some(task) = task_id.and_then(|task_id| object.oracle.tasks.get(task_id)) else { return };
    if replay_count > 0 {
        return;
    }
    // The order is kept among the last 100 events of a task.
    for seq in task.seqs.iter().rev().take(100).filter(|seq| **seq < seq_of(no)) {
        let earlier = delivery_no(*seq, endpoint_of(no));
        let is_pending = object.db.integer(PENDING, &[Bind::Int(earlier)]) == 1;
        ensure!(!is_pending, "deliveries of a task are made in order", "{no} before {earlier}");
    }
}

fn of_schedule(world: &World, shard: usize, dispatch: &Dispatch, now: Millis) {
    let object = &world.shards[shard];
    let before = object.not_before.get(&(dispatch.delivery, dispatch.replay_count));
    let is_early = before.is_some_and(|before| now.plus_millis(2 * SKEW) < *before);
    ensure!(!is_early, "no attempt is made before its time", "delivery {} at {now:?}", dispatch.delivery);
    let row = object.ledger.rows.get(&dispatch.delivery);
    let is_next = row.is_some_and(|row| {
        row.is_pending()
            && row.failed_attempts + 1 == i64::from(dispatch.attempt)
            && row.replay_count == dispatch.replay_count
    });
    ensure!(is_next, "an attempt is the next one of a pending delivery", "{row:?}");
    let Dispatch { begin_before, leased_until, .. } = *dispatch;
    let is_stored = row.is_some_and(|row| row.leased_until == leased_until.0);
    ensure!(is_stored, "the lease of an attempt is stored", "until {leased_until:?}: {row:?}");
    let ends_at = begin_before.plus_seconds(dispatch.options.timeout_seconds.into());
    ensure!(leased_until >= ends_at, "a lease lasts as long as its attempt", "{leased_until:?}, {ends_at:?}");
}

fn of_webhook_id(world: &mut World, shard: usize, dispatch: &Dispatch) {
    let seq = seq_of(dispatch.delivery);
    let known = world.webhook_ids.entry((shard, seq)).or_insert_with(|| dispatch.webhook_id.clone());
    ensure!(*known == dispatch.webhook_id, "an event has one webhook-id", "event {seq} of shard {shard}");
    let Some(entry) = world.shards[shard].log.entries.get(&seq) else { return };
    // What has been forgotten, and comes again, has its id again.
    let identity = format!("{shard} {}", entry.identity(seq));
    let known = world.identities.entry(dispatch.webhook_id.clone()).or_insert_with(|| identity.clone());
    ensure!(*known == identity, "a webhook-id is that of one event", "{known} and {identity}");
}

/// Checks what the report of a failure has made of a pending delivery.
fn of_lease(
    before: &DeliveryRow,
    after: &DeliveryRow,
    report: &AttemptReport,
    (is_recorded, is_expedited): (bool, bool),
) {
    let Some(attempt) = &report.made else { return };
    if attempt.status == Some(200) {
        return;
    }
    let is_next = before.failed_attempts + 1 == i64::from(report.attempt);
    let is_current = is_next && before.leased_until == report.leased_until.0;
    let schedule = |row: &DeliveryRow| (row.state.clone(), row.failed_attempts, row.scheduled_at);
    // What has happened beside the report may have superseded the delivery, but has counted nothing.
    let is_left = before.failed_attempts == after.failed_attempts
        && (is_expedited || schedule(before) == schedule(after));
    ensure!(is_current || is_left, "a report of an earlier lease changes nothing", "{before:?} {after:?}");
    let is_over = !after.is_pending() || after.leased_until < 0;
    ensure!(!is_current || !is_recorded || is_over, "a report ends its lease", "{before:?} {after:?}");
    let is_extra = attempt.attempted_at.0 < before.scheduled_at;
    let keeps = before.failed_attempts == after.failed_attempts
        && (!after.is_pending() || schedule(before) == schedule(after));
    ensure!(!is_extra || keeps, "an attempt before its time is an extra one", "{before:?} {after:?}");
    let is_aborted = after.reason == "aborted_by_receiver";
    ensure!(!is_aborted || attempt.is_aborted, "a delivery ends for a reason that holds", "{after:?}");
}

/// What there was before a report was recorded.
pub struct Before<'a> {
    pub row: &'a Option<DeliveryRow>,
    /// The call that brought the report may have stored entries after this number.
    pub last: i64,
    /// Whether that call has brought no other report of the delivery.
    pub is_alone: bool,
}

impl World {
    /// Returns the state of a delivery before a report of it is recorded.
    pub fn before_report(&self, shard: usize, report: &AttemptReport) -> Option<DeliveryRow> {
        self.shards[shard].ledger.rows.get(&report.delivery).cloned()
    }

    /// Checks what a report has made of its delivery.
    pub fn after_report(
        &mut self,
        shard: usize,
        report: &AttemptReport,
        Before { row: before, last, is_alone }: Before<'_>,
        is_recorded: bool,
    ) {
        let after = self.shards[shard].ledger.rows.get(&report.delivery).cloned();
        let object = &mut self.shards[shard];
        object.recorded.note(report, before.as_ref(), after.as_ref(), is_alone && is_recorded);
        let (Some(before), Some(after)) = (before, &after) else { return };
        let is_expedited = self.shards[shard].log.has_expedited(report.delivery, last);
        if is_expedited && after.replay_count > before.replay_count {
            // The call that brought the report has replayed the delivery.
            return;
        }
        let Some(attempt) = &report.made else { return };
        let is_delivered = attempt.status.is_some_and(|status| (200..300).contains(&status));
        let is_of_round = before.is_pending() && before.replay_count == report.replay_count;
        if !is_of_round {
            ensure!(before == after, "an ended delivery is not changed by a report", "{before:?} {after:?}");
            return;
        }
        if is_recorded && is_delivered {
            ensure!(after.state == "delivered", "what has arrived is delivered", "{after:?}");
        }
        let is_leased_still = before.leased_until == report.leased_until.0;
        if is_alone {
            of_lease(before, after, report, (is_recorded, is_expedited));
        }
        ensure!(
            !(is_recorded && is_leased_still && attempt.is_aborted) || after.state != "pending",
            "what its receiver aborts ends at once",
            "{before:?} {after:?}"
        );
        if after.state == "delivered" {
            let server = self.servers.get(&endpoint_of(report.delivery));
            let has_arrived =
                server.is_some_and(|server| server.accepted.contains_key(&(shard, report.delivery)));
            ensure!(has_arrived, "what is delivered has arrived", "delivery {}", report.delivery);
        }
        let is_retried = after.state == "pending" && after.scheduled_at != before.scheduled_at;
        ensure!(
            !is_retried || after.failed_attempts == before.failed_attempts + 1,
            "every failed attempt is counted",
            "{before:?} {after:?}"
        );
        let has_failed = after.state == "pending" && after.failed_attempts > before.failed_attempts;
        if has_failed {
            let pause = PAUSES.get(report.attempt as usize - 1).copied().unwrap_or(0);
            let asked = attempt.retry_after_ms.unwrap_or(0);
            let asked = asked.min(after.first_at + LONGEST_ASKED - attempt.attempted_at.0);
            let not_before = attempt.attempted_at.plus_millis((pause * 9 / 10).max(asked));
            let latest = attempt.attempted_at.plus_millis(pause.max(asked));
            ensure!(
                after.scheduled_at >= not_before.0,
                "a retry waits as long as its schedule and the endpoint ask",
                "{} instead of {not_before:?}",
                after.scheduled_at
            );
            ensure!(
                after.scheduled_at <= latest.0,
                "a retry waits no longer than its schedule and the endpoint ask",
                "{} instead of {latest:?}",
                after.scheduled_at
            );
            if !is_expedited {
                let key = (report.delivery, report.replay_count);
                self.shards[shard].not_before.insert(key, not_before);
            }
        }
    }
}
