//! What an instance knows, counts and has scheduled.

use std::collections::BTreeMap;

use vtryon_gateway_engine::Context;
use vtryon_gateway_engine::protocol::metrics::{AttemptTotals, Counts, Totals};
use vtryon_gateway_engine::shard::Shard;
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::Millis;

use super::{SKEW, limits, of_erased};
use crate::model::ledger::Range;
use crate::platform::database::{integer, text};
use crate::platform::object::ShardObject;
use crate::violation::ensure;
use crate::world::World;

/// How many decisions pass between two looks at what an instance knows.
const PAUSE: u64 = 16;

/// Compares what an instance counts with the attempts that it has recorded, before it decides on anything more.
pub fn of_recorded(world: &mut World, shard: usize) {
    if !(world.decisions + 1).is_multiple_of(4 * PAUSE) {
        return;
    }
    let Some(Counts { totals, .. }) = counts(world, shard) else { return };
    let object = &mut world.shards[shard];
    object.recorded.check(&totals);
}

/// Compares what an instance knows with what a fresh one reads from the same database, now and then.
pub fn of_memory(world: &mut World, shard: usize) {
    world.decisions += 1;
    if !world.decisions.is_multiple_of(PAUSE) {
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
    if let Some(counted) = counts(world, shard) {
        of_counters(world, shard, &counted);
        of_totals(world, shard, counted.totals);
    }
    of_erased(world, shard);
    of_alarm(world, shard);
}

/// Compares counters with recounts.
fn of_counters(world: &World, shard: usize, counted: &Counts) {
    const REPLAYS: &str = "SELECT COUNT(*) FROM replays r WHERE enqueued - delivered - failed
        <> (SELECT COUNT(*) FROM deliveries d WHERE d.replay = r.id AND d.state = 'pending') OR enqueued > matched";
    const ORPHANS: &str = "SELECT COUNT(*) FROM deliveries d WHERE state = 'pending'
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = d.no / 65536)
        AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.no = d.no / 65536)";
    const ENDS: &str = "SELECT COUNT(*) FROM deliveries WHERE (state = 'pending') <> (ended_at IS NULL)
        OR (state <> 'pending' AND due_at IS NOT NULL)";
    const COUNTS: &str = "SELECT (SELECT COUNT(*) FROM deliveries WHERE state = 'pending'),
        (SELECT COUNT(*) FROM deliveries WHERE state = 'dead'), (SELECT COUNT(*) FROM tasks
        WHERE open = 1 AND (stage IS NOT NULL OR unknown <> '[]'))";
    const OPEN: &str = "SELECT COUNT(*) FROM replays WHERE id = ? AND next_seq IS NOT NULL";
    let object = &world.shards[shard];
    let db = &object.db;
    for replay in object.settings.replays.iter().filter(|replay| replay.is_cancelled) {
        let is_over = db.integer(OPEN, &[Bind::Text(&replay.id)]) == 0;
        ensure!(is_over, "what was cancelled enqueues nothing more", "{}", replay.id);
    }
    let counted = [counted.pending(), counted.dead(), counted.open_tasks];
    let recounted = db.integers(COUNTS, &[]);
    ensure!(counted[..] == recounted, "counters equal recounts", "{counted:?} instead of {recounted:?}");
    ensure!(db.integer(REPLAYS, &[]) == 0, "counters equal recounts", "a range replay of shard {shard}");
    of_ranges(object);
    ensure!(
        db.integer(ORPHANS, &[]) == 0,
        "what has a pending delivery is not pruned",
        "a delivery without an event"
    );
    ensure!(db.integer(ENDS, &[]) == 0, "a delivery is pending, or it has ended", "shard {shard}");
}

/// Compares the counters of range replays with what has become of their deliveries.
fn of_ranges(object: &ShardObject) {
    const RANGES: &str = "SELECT id, enqueued, delivered, failed FROM replays";
    for row in object.db.rows(RANGES, &[]) {
        let none = Range::default();
        let Range { enqueued, delivered, failed, unseen } =
            object.ledger.ranges.get(text(&row[0])).unwrap_or(&none);
        let counted = [&row[1], &row[2], &row[3]].map(integer);
        // What is not enqueued because its endpoint is deleted has failed; and so has what went in the same decision.
        let left_out = counted[0] - enqueued;
        ensure!(
            left_out >= -unseen
                && (*delivered..=delivered + unseen).contains(&counted[1])
                && counted[1] + counted[2] == delivered + failed + unseen + left_out,
            "counters equal recounts",
            "the range {}: {counted:?} instead of {enqueued}, {delivered}, {failed}, and {unseen} unseen",
            text(&row[0])
        );
    }
}

/// Checks that no total falls, whatever has died, and that each event is counted once.
fn of_totals(world: &mut World, shard: usize, totals: Totals) {
    // As many events as can be counted at a time, with the deliveries of each.
    const COUNTED: &str = "SELECT COALESCE((SELECT counted_to FROM totals), 1)";
    let object = &world.shards[shard];
    let rows = 1 + object.settings.endpoints.len() as i64;
    if object.log.last < object.db.integer(COUNTED, &[]) + 10_000 / rows {
        let counted: BTreeMap<_, _> = totals.events.iter().filter(|(_, count)| **count > 0).collect();
        let is_equal = counted.into_iter().eq(&object.log.totals);
        ensure!(is_equal, "each event is counted once", "{:?}, not {:?}", totals.events, object.log.totals);
    }
    let object = &mut world.shards[shard];
    let before = std::mem::replace(&mut object.totals, totals);
    let after = &object.totals;
    for (event, count) in &before.events {
        let now = after.events.get(event);
        let is_kept = now.is_some_and(|now| now >= count);
        ensure!(is_kept, "no total falls", "{event:?}: {now:?} after {count}");
    }
    for (endpoint, attempts) in &before.attempts {
        // Those of a deleted endpoint are dropped.
        let Some(now) = after.attempts.get(endpoint) else { continue };
        let counted = |totals: &AttemptTotals| [totals.delivered, totals.refused, totals.unanswered];
        let has_fallen = counted(now).iter().zip(counted(attempts)).any(|(now, before)| *now < before);
        ensure!(!has_fallen, "no total falls", "attempts at {endpoint}: {now:?} after {attempts:?}");
    }
}

/// Returns what an instance counts; none where there is no instance.
fn counts(world: &World, shard: usize) -> Option<Counts> {
    let object = &world.shards[shard];
    let context = Context { db: &object.db, now: world.clock(shard), deployment: &world.deployment };
    object.engine.as_ref().map(|engine| engine.counts(&context).expect("the counts are read"))
}

/// Checks that whatever is due will be done: the alarm is set for it.
fn of_alarm(world: &World, shard: usize) {
    const DUE: &str = "SELECT endpoint, MIN(COALESCE(due_at, leased_until)) FROM deliveries
        WHERE state = 'pending' GROUP BY endpoint";
    // How long an endpoint cools down after a failure, and the pauses between runs.
    const LATEST: i64 = 15_000;
    let object = &world.shards[shard];
    if object.is_alarm_lost || object.is_alarm_unset || object.run.is_some() {
        return;
    }
    let active = |no| object.settings.endpoint(no).is_some_and(|endpoint| endpoint.options.is_active());
    let deliveries = object.db.rows(DUE, &[]).into_iter().filter(|row| active(integer(&row[0])));
    let due = deliveries.map(|row| (integer(&row[1]), limits::latest(world, shard, integer(&row[0]))));
    let due = due.filter(|(due, _)| *due >= 0).map(|(due, latest)| (latest.max(Millis(due)), due));
    let Some((latest, due)) = due.min() else { return };
    let latest = latest.plus_millis(LATEST + 2 * SKEW);
    ensure!(
        object.alarm.is_some_and(|alarm| alarm <= latest),
        "what is due is scheduled",
        "shard {shard}: due at {due}, the alarm is set for {:?}",
        object.alarm
    );
}
