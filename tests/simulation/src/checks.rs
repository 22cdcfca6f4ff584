//! Invariants, checked against what is stored.

use vtryon_gateway_engine::Context;
use vtryon_gateway_engine::database::{Bind, Value};
use vtryon_gateway_engine::protocol::Content;
use vtryon_gateway_engine::protocol::delivery::{Dispatch, Report, delivery_no, endpoint_of, seq_of};
use vtryon_gateway_engine::protocol::settings::Endpoint;
use vtryon_gateway_engine::shard::Shard;
use vtryon_webhooks::{Digest, Millis, retry};

use crate::database::{integer, text};
use crate::oracle::KnownTask;
use crate::violation::ensure;
use crate::world::World;

/// How much the clocks of objects differ at most, in milliseconds.
pub const SKEW: i64 = 2_000;

/// The state of a delivery, before and after a report.
#[derive(Debug, PartialEq)]
pub struct DeliveryRow {
    state: String,
    failed_attempts: i64,
    replay_count: i64,
    first_at: i64,
    scheduled_at: i64,
}

fn delivery(world: &World, shard: usize, no: i64) -> Option<DeliveryRow> {
    const FIND: &str =
        "SELECT state, failed_attempts, replay_count, first_at, scheduled_at FROM deliveries WHERE no = ?";
    let rows = world.shards[shard].db.rows(FIND, &[Bind::Int(no)]);
    rows.first().map(|row| DeliveryRow {
        state: text(&row[0]).to_owned(),
        failed_attempts: integer(&row[1]),
        replay_count: integer(&row[2]),
        first_at: integer(&row[3]),
        scheduled_at: integer(&row[4]),
    })
}

/// Checks an event that was just stored: its row, its task, and its deliveries.
pub fn of_stored_event(world: &World, shard: usize, content: &Content, body: &[u8], outcome: &str) {
    const EVENT: &str = "SELECT outcome, body FROM events WHERE seq = ?1
        UNION ALL SELECT 'quarantined', body FROM quarantine WHERE no = ?1";
    const TASK: &str = "SELECT stage FROM tasks WHERE task_id = ?";
    const ENDPOINTS: &str = "SELECT endpoint FROM deliveries WHERE no BETWEEN ? AND ? ORDER BY no";
    let object = &world.shards[shard];
    let seq = object.log.last;
    let event = object.db.rows(EVENT, &[Bind::Int(seq)]);
    let is_whole =
        matches!(&event[..], [row] if text(&row[0]) == outcome && row[1] == Value::Blob(body.to_vec()));
    ensure!(is_whole, "an event is stored as it was received, with its outcome", "{seq}: {outcome}");
    let (task_id, status) = match content {
        Content::Status { task_id, status, .. } => (Some(task_id), Some(status.as_str())),
        Content::Other { task_id, .. } => (Some(task_id), None),
        Content::Unreadable { .. } => (None, None),
    };
    if let Some(task_id) = task_id {
        let row = object.db.rows(TASK, &[Bind::Text(task_id)]);
        let stage = row.first().map_or("", |row| text(&row[0]));
        let known = object.oracle.tasks.get(task_id).and_then(|task| task.status.as_deref()).unwrap_or("");
        ensure!(stage == known, "a status never goes back", "{task_id} is {stage:?}, and not {known:?}");
    }
    let range = [Bind::Int(delivery_no(seq, 0)), Bind::Int(delivery_no(seq + 1, 0) - 1)];
    let enqueued = object.db.integers(ENDPOINTS, &range);
    let name = match content {
        Content::Other { name, .. } => name.as_str(),
        Content::Status { .. } | Content::Unreadable { .. } => "generation.status_changed",
    };
    let mut expected: Vec<i64> = object
        .settings
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.options.enabled && takes(endpoint, outcome, name, status))
        .map(|endpoint| endpoint.no)
        .collect();
    expected.sort_unstable();
    ensure!(
        enqueued == expected,
        "an event is enqueued to every endpoint that takes it",
        "{seq} of shard {shard} to {enqueued:?} instead of {expected:?}"
    );
}

/// Returns whether an endpoint takes an event, by its filter.
fn takes(endpoint: &Endpoint, outcome: &str, name: &str, status: Option<&str>) -> bool {
    let options = &endpoint.options;
    let is_named = options.events.iter().any(|event| event == name);
    let any_event = options.events.is_empty();
    let is_listed = status.is_some_and(|status| options.statuses.iter().any(|listed| listed == status));
    let includes = |what| options.include.iter().any(|included| included == what);
    match (outcome, status) {
        ("applied", _) => (any_event || is_named) && (options.statuses.is_empty() || is_listed),
        ("unknown", Some(_)) => (any_event || is_named) && (includes("unknown") || is_listed),
        ("unknown", None) => is_named || (includes("unknown") && any_event),
        ("quarantined", _) => includes("quarantined"),
        _ => false,
    }
}

/// Checks an attempt that a shard has just leased.
pub fn of_dispatch(world: &mut World, shard: usize, dispatch: &Dispatch, body: Option<&[u8]>) {
    let now = world.clock(shard);
    let (no, seq) = (dispatch.delivery, seq_of(dispatch.delivery));
    let object = &world.shards[shard];
    let endpoint = object.settings.endpoint(endpoint_of(no)).filter(|endpoint| endpoint.options.enabled);
    ensure!(endpoint.is_some(), "what was deleted or disabled receives nothing more", "delivery {no}");
    let Some(endpoint) = endpoint else { return };
    // The lease is by the Worker's clock where the event has just come.
    let versions =
        |at: Millis| endpoint.secrets_at(at).iter().map(|secret| secret.version).collect::<Vec<_>>();
    let signed_by: Vec<i64> = dispatch.secrets.iter().map(|secret| secret.version).collect();
    let is_signed = [-SKEW, 0, SKEW].iter().any(|skew| versions(now.plus_millis(*skew)) == signed_by);
    ensure!(is_signed, "what was retired signs nothing more", "{signed_by:?} instead of {:?}", versions(now));
    ensure!(
        dispatch.url == endpoint.options.url && dispatch.timeout_seconds == endpoint.options.timeout_seconds,
        "an attempt is made by the settings in force",
        "delivery {no}"
    );
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
    }
    of_leases(world, shard, dispatch, now);
    of_order(world, shard, no, dispatch.replay_count);
    of_schedule(world, shard, dispatch, now);
    of_webhook_id(world, shard, dispatch);
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
    let row = delivery(world, shard, dispatch.delivery);
    let is_next = row.as_ref().is_some_and(|row| {
        row.state == "pending"
            && row.failed_attempts + 1 == i64::from(dispatch.attempt)
            && row.replay_count == dispatch.replay_count
    });
    ensure!(is_next, "an attempt is the next one of a pending delivery", "{row:?}");
}

fn of_webhook_id(world: &mut World, shard: usize, dispatch: &Dispatch) {
    let seq = seq_of(dispatch.delivery);
    let known = world.webhook_ids.entry((shard, seq)).or_insert_with(|| dispatch.webhook_id.clone());
    ensure!(*known == dispatch.webhook_id, "an event has one webhook-id", "event {seq} of shard {shard}");
}

impl World {
    /// Returns the state of a delivery before a report of it is recorded.
    pub fn before_report(&self, shard: usize, report: &Report) -> Option<DeliveryRow> {
        delivery(self, shard, report.delivery)
    }

    /// Checks what a report has made of its delivery.
    pub fn after_report(
        &mut self,
        shard: usize,
        report: &Report,
        before: &Option<DeliveryRow>,
        is_recorded: bool,
    ) {
        let after = delivery(self, shard, report.delivery);
        let (Some(before), Some(after)) = (before, &after) else { return };
        let Some(attempt) = &report.made else { return };
        let is_delivered = attempt.status.is_some_and(|status| (200..300).contains(&status));
        let is_of_round = before.state == "pending" && before.replay_count == report.replay_count;
        if !is_of_round {
            ensure!(before == after, "an ended delivery is not changed by a report", "{before:?} {after:?}");
            return;
        }
        if is_recorded && is_delivered {
            ensure!(after.state == "delivered", "what has arrived is delivered", "{after:?}");
        }
        if after.state == "delivered" {
            let server = self.servers.get(&endpoint_of(report.delivery));
            let has_arrived =
                server.is_some_and(|server| server.accepted.contains_key(&(shard, report.delivery)));
            ensure!(has_arrived, "what is delivered has arrived", "delivery {}", report.delivery);
        }
        let has_failed = after.state == "pending" && after.failed_attempts > before.failed_attempts;
        if has_failed {
            let pause = retry::nominal(report.attempt).unwrap_or(0) * 9 / 10;
            let asked = attempt
                .retry_after_ms
                .unwrap_or(0)
                .min(after.first_at + retry::WINDOW - attempt.attempted_at.0);
            let not_before = attempt.attempted_at.plus_millis(pause.max(asked));
            ensure!(
                after.scheduled_at >= not_before.0,
                "a retry waits as long as its schedule and the endpoint ask",
                "{} instead of {not_before:?}",
                after.scheduled_at
            );
            self.shards[shard].not_before.insert((report.delivery, report.replay_count), not_before);
        }
    }
}

/// Returns the deliveries and side effects that are owed: none of them may be pruned.
pub fn owed(world: &World, shard: usize) -> Vec<i64> {
    const PENDING: &str = "SELECT no FROM deliveries WHERE state = 'pending' AND reason IS NULL";
    const OUTBOX: &str = "SELECT seq FROM outbox";
    let object = &world.shards[shard];
    let is_enabled = |no: &i64| {
        object.settings.endpoint(endpoint_of(*no)).is_some_and(|endpoint| endpoint.options.enabled)
    };
    let pending = object.db.integers(PENDING, &[]).into_iter().filter(is_enabled).map(seq_of);
    pending.chain(object.db.integers(OUTBOX, &[])).collect()
}

/// Checks what a run of the alarm has pruned.
pub fn of_retention(world: &mut World, shard: usize, owed: &[i64]) {
    const FLOORS: &str = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'pruned_to'), 0),
        COALESCE((SELECT value FROM meta WHERE name = 'quarantine_pruned_to'), 0)";
    const THERE: &str = "SELECT (SELECT COUNT(*) FROM events WHERE seq = ?1)
        + (SELECT COUNT(*) FROM quarantine WHERE no = ?1)";
    let too_old = world.clock(shard).plus_seconds(-3600 * i64::from(world.deployment.retention_hours));
    let object = &mut world.shards[shard];
    let floors = object.db.integers(FLOORS, &[]);
    let last = floors[0].max(floors[1]);
    let before = object.log.pruned_to.min(object.log.quarantine_pruned_to);
    (object.log.pruned_to, object.log.quarantine_pruned_to) = (floors[0], floors[1]);
    for (seq, entry) in object.log.entries.range(before + 1..).take_while(|(seq, _)| **seq <= last) {
        let is_early = entry.delivery.is_none() && object.log.is_pruned(*seq) && entry.received_at > too_old;
        ensure!(!is_early, "nothing is pruned before its time", "event {seq} of shard {shard}");
    }
    for seq in owed {
        let is_there = object.db.integer(THERE, &[Bind::Int(*seq)]) == 1 && !object.log.is_pruned(*seq);
        ensure!(is_there, "nothing that is owed is pruned", "event {seq} of shard {shard}");
    }
}

/// Forgets what the engine has dropped, because no secret that signed it is configured any more.
pub fn forget_dropped(world: &mut World, shard: usize, content: &Content, body: &[u8]) {
    const TASK: &str = "SELECT COUNT(*) FROM tasks WHERE task_id IN (?, ?)";
    const OTHERS: &str = "SELECT COUNT(*) FROM events e JOIN tasks t ON t.no = e.task_no
        WHERE t.task_id IN (?, ?) AND e.digest IS NOT NULL";
    const BODY: &str = "SELECT COUNT(*) FROM quarantine WHERE digest = ?";
    let configured = world.deployment.fingerprints();
    let object = &mut world.shards[shard];
    let is_dropped = |key: &String| !configured.contains(key);
    match content {
        Content::Status { task_id, .. } | Content::Other { task_id, .. } => {
            let is_stale = |task: &KnownTask| task.keys.iter().all(is_dropped);
            if object.oracle.tasks.get(task_id).is_some_and(is_stale) {
                let tombstone = format!("\u{1}{}", Digest::of(task_id.as_bytes()).to_hex());
                let ids = [Bind::Text(task_id), Bind::Text(&tombstone)];
                if object.db.integer(TASK, &ids) == 0 {
                    object.oracle.tasks.remove(task_id);
                    world.coverage.reach("tombstone", "dropped");
                } else if object.db.integer(OTHERS, &ids) == 0 {
                    // The last row of a table stays, for the next one is numbered after it; its other events go.
                    object.oracle.tasks.entry(task_id.clone()).or_default().others.clear();
                }
            }
        }
        Content::Unreadable { .. } => {
            if object.oracle.unreadable.get(body).is_some_and(is_dropped)
                && object.db.integer(BODY, &[Bind::Text(&Digest::of(body).to_hex())]) == 0
            {
                object.oracle.unreadable.remove(body);
            }
        }
    }
}

/// Compares what an instance knows with what a fresh one reads from the same database, now and then.
pub fn of_memory(world: &mut World, shard: usize) {
    world.decisions += 1;
    if !world.decisions.is_multiple_of(16) {
        return;
    }
    let now = world.clock(shard);
    let object = &world.shards[shard];
    let Some(engine) = &object.engine else { return };
    object.db.begin();
    let context = Context { db: &object.db, now, deployment: &world.deployment };
    let fresh = Shard::open(&context, 0, 0).expect("a fresh instance opens");
    object.db.roll_back();
    let differs = engine.differs_from(&fresh);
    ensure!(differs.is_none(), "memory is what a fresh instance restores", "{}", differs.unwrap_or_default());
    of_counters(world, shard);
    of_alarm(world, shard);
}

/// Compares counters with recounts.
fn of_counters(world: &World, shard: usize) {
    const REPLAYS: &str = "SELECT COUNT(*) FROM replays r WHERE enqueued - delivered - failed
        <> (SELECT COUNT(*) FROM deliveries d WHERE d.replay = r.id AND d.state = 'pending') OR enqueued > matched";
    const ORPHANS: &str = "SELECT COUNT(*) FROM deliveries d WHERE state = 'pending'
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = d.no / 65536)
        AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.no = d.no / 65536)";
    const ENDS: &str = "SELECT COUNT(*) FROM deliveries WHERE (state = 'pending') <> (ended_at IS NULL)
        OR (state <> 'pending' AND due_at IS NOT NULL)";
    const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM deliveries WHERE state = 'pending'),
        (SELECT COUNT(*) FROM deliveries WHERE state = 'dead'), (SELECT COUNT(*) FROM tasks WHERE open = 1)";
    let object = &world.shards[shard];
    let db = &object.db;
    if let Some(counted) = object.engine.as_ref().map(|engine| engine.counts(db)) {
        let counted = counted.expect("the counts are read");
        let counted = [counted.pending, counted.dead, counted.open_tasks];
        let recounted = db.integers(COUNTS, &[]);
        ensure!(counted[..] == recounted, "counters equal recounts", "{counted:?} instead of {recounted:?}");
    }
    ensure!(db.integer(REPLAYS, &[]) == 0, "counters equal recounts", "a range replay of shard {shard}");
    ensure!(db.integer(ORPHANS, &[]) == 0, "nothing that is owed is pruned", "a delivery without an event");
    ensure!(db.integer(ENDS, &[]) == 0, "a delivery is pending, or it has ended", "shard {shard}");
}

/// Checks that whatever is due will be done: the alarm is set for it.
fn of_alarm(world: &World, shard: usize) {
    const DUE: &str = "SELECT endpoint, MIN(COALESCE(due_at, leased_until)) FROM deliveries
        WHERE state = 'pending' GROUP BY endpoint";
    const OUTBOX: &str = "SELECT COALESCE(MIN(due_at), -1) FROM outbox";
    // How long an endpoint is paused after a failure, and the pauses between runs.
    const LATEST: i64 = 15_000;
    let object = &world.shards[shard];
    if object.is_unattended || object.run.is_some() {
        return;
    }
    let enabled = |no| object.settings.endpoint(no).is_some_and(|endpoint| endpoint.options.enabled);
    let deliveries = object.db.rows(DUE, &[]).into_iter().filter(|row| enabled(integer(&row[0])));
    let due = deliveries.map(|row| integer(&row[1])).chain([object.db.integer(OUTBOX, &[])]);
    let Some(due) = due.filter(|due| *due >= 0).min() else { return };
    let latest = Millis(due).max(world.clock(shard)).plus_millis(LATEST + 2 * SKEW);
    ensure!(
        object.alarm.is_some_and(|alarm| alarm <= latest),
        "what is due is scheduled",
        "shard {shard}: due at {due}, the alarm is set for {:?}",
        object.alarm
    );
}
