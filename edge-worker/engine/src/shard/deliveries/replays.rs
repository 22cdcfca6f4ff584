//! Range replays: deliveries of a range are enqueued page by page, and counted as they end.

mod range;

use std::collections::BTreeSet;

use vtryon_webhooks::Millis;

use self::range::RangePage;
use crate::protocol::delivery::DeliveryState;
use crate::protocol::live::MAX_QUEUED;
use crate::protocol::settings::{Endpoint, RangeCount, Replay, ReplayProgress, Settings};
use crate::shard::Shard;
use crate::shard::deliveries::{Delivery, ordering, rows};
use crate::storage::database::{Bind, Database, Row};
use crate::{Context, Result};

impl Shard {
    /// Restarts a delivery, or makes a pending one due, and the one for which it waits; returns whether it exists.
    pub(crate) fn replay(&mut self, context: &Context<'_>, no: i64) -> Result<bool> {
        let (db, now) = (context.db, context.now);
        let Some(delivery) = rows::find(db, no)? else { return Ok(false) };
        if delivery.lease_ends(now).is_none() {
            let seq = self.next_seq();
            self.capacity.check(context, seq)?;
            let task_id = db.transaction(|| {
                if delivery.state == DeliveryState::Pending {
                    ordering::expedite_blocking(db, &delivery, now)?;
                }
                rows::replay(db, no, now, now, None)?;
                note(db, seq, no, now)?;
                self.audience.watched_task(db, no)
            })?;
            self.last_seq = seq;
            self.audience.broadcast_replay(seq, no, task_id.as_deref());
            self.schedule_alarm(context, 0);
        }
        Ok(true)
    }

    /// Enqueues the next page of each range: of all together no more than may be queued for live streams, which they share
    /// evenly. Ends a range whose endpoint was deleted. Where the shard is full, they wait.
    pub(crate) fn enqueue_replays(&mut self, context: &Context<'_>) -> Result<()> {
        // What is not enqueued by now is never sent.
        const FAIL_REST: &str = "UPDATE replays SET failed = failed + matched - enqueued, enqueued = matched,
            next_seq = NULL WHERE id = ? AND next_seq IS NOT NULL";
        let db = context.db;
        let unfinished = unfinished(db)?;
        let settings = &self.config.settings;
        let (mut left, mut waiting) = (MAX_QUEUED, unfinished.len());
        let mut result = Ok(());
        for replay in settings.replays.iter().filter(|replay| unfinished.contains(&replay.id)) {
            let share = left.div_ceil(waiting.max(1));
            waiting = waiting.saturating_sub(1);
            let Some(endpoint) = settings.endpoint(replay.endpoint) else {
                db.run(FAIL_REST, &[Bind::Text(&replay.id)])?;
                continue;
            };
            if share == 0 {
                continue;
            }
            let seq = self.next_seq();
            if let Err(full) = self.capacity.check(context, seq) {
                result = Err(full);
                continue;
            }
            let enqueued = db.transaction(|| {
                let page = enqueue_page(context, replay, endpoint, seq, share)?;
                let with_task = |no| Ok((no, self.audience.watched_task(db, no)?));
                page.into_iter().map(with_task).collect::<Result<Vec<_>>>()
            })?;
            left -= enqueued.len();
            for (seq, (no, task_id)) in (seq..).zip(enqueued) {
                self.last_seq = seq;
                self.audience.broadcast_replay(seq, no, task_id.as_deref());
            }
        }
        result
    }
}

/// Stores the ranges that are new to this shard, ends those that were cancelled, and deletes those that the directory
/// has deleted.
pub(crate) fn accept(db: &dyn Database, settings: &Settings, last_seq: i64) -> Result<()> {
    const ACCEPT: &str = "INSERT INTO replays (id, matched, enqueued, delivered, failed, next_seq)
        VALUES (?, ?, 0, 0, 0, ?)";
    // What is enqueued stays.
    const CANCEL: &str =
        "UPDATE replays SET matched = enqueued, next_seq = NULL WHERE id = ? AND next_seq IS NOT NULL";
    const FORGET: &str = "DELETE FROM replays WHERE id = ?";
    for id in db.all("SELECT id FROM replays", &[], Row::text)? {
        if !settings.replays.iter().any(|replay| replay.id == id) {
            db.run(FORGET, &[Bind::Text(&id)])?;
        }
    }
    for replay in &settings.replays {
        if progress(db, &replay.id)?.is_some() {
            if replay.is_cancelled {
                db.run(CANCEL, &[Bind::Text(&replay.id)])?;
            }
            continue;
        }
        // One whose endpoint is no more, or that was cancelled, is over before it begins.
        let (matched, next_seq) = match settings.endpoint(replay.endpoint) {
            Some(endpoint) if !replay.is_cancelled => {
                let first = range::first(db, replay, last_seq)?;
                let counted = range::count(db, replay, endpoint, first, last_seq)?;
                (counted.matched, Some(first))
            }
            Some(_) | None => (0, None),
        };
        db.run(ACCEPT, &[Bind::Text(&replay.id), Bind::Int(matched), Bind::MaybeInt(next_seq)])?;
    }
    Ok(())
}

/// Counts what a range would replay, as far as a range is counted when it begins.
pub(crate) fn count_range(
    db: &dyn Database,
    settings: &Settings,
    replay: &Replay,
    last_seq: i64,
) -> Result<RangeCount> {
    let Some(endpoint) = settings.endpoint(replay.endpoint) else {
        return Ok(RangeCount::default());
    };
    let first = range::first(db, replay, last_seq)?;
    range::count(db, replay, endpoint, first, last_seq)
}

/// Returns the ids of the ranges of which there is more to enqueue.
pub(crate) fn unfinished(db: &dyn Database) -> Result<BTreeSet<String>> {
    const UNFINISHED: &str = "SELECT id FROM replays WHERE next_seq IS NOT NULL";
    Ok(db.all(UNFINISHED, &[], Row::text)?.into_iter().collect())
}

/// Stores that a delivery is replayed, for live streams.
fn note(db: &dyn Database, seq: i64, delivery: i64, now: Millis) -> Result<()> {
    const NOTE: &str = "INSERT INTO replay_log (seq, delivery, replayed_at) VALUES (?, ?, ?)";
    db.run(NOTE, &[Bind::Int(seq), Bind::Int(delivery), Bind::Int(now.0)])
}

/// Counts a delivery of a range that has ended.
pub(crate) fn count(db: &dyn Database, delivery: &Delivery, delivered: bool) -> Result<()> {
    const COUNT: &str = "UPDATE replays SET delivered = delivered + ?, failed = failed + ? WHERE id = ?";
    let Some(replay) = &delivery.replay else { return Ok(()) };
    let binds = [Bind::Int(delivered.into()), Bind::Int((!delivered).into()), Bind::Text(replay)];
    db.run(COUNT, &binds)
}

/// Returns how far a range has come; none where the shard does not have it.
pub(crate) fn progress(db: &dyn Database, id: &str) -> Result<Option<ReplayProgress>> {
    const FIND: &str =
        "SELECT matched, enqueued, delivered, failed, next_seq IS NULL FROM replays WHERE id = ?";
    db.first(FIND, &[Bind::Text(id)], |row| ReplayProgress {
        matched: row.int(),
        enqueued: row.int(),
        delivered: row.int(),
        failed: row.int(),
        is_enqueued: row.int() == 1,
    })
}

/// Enqueues the next page of a range, at most so many. Returns its deliveries, which have the numbers from `seq` on.
fn enqueue_page(
    context: &Context<'_>,
    replay: &Replay,
    endpoint: &Endpoint,
    seq: i64,
    most: usize,
) -> Result<Vec<i64>> {
    const NEXT: &str = "SELECT next_seq FROM replays WHERE id = ? AND next_seq IS NOT NULL";
    const LEAVE_OTHER_RANGE: &str =
        "UPDATE replays SET matched = matched - 1, enqueued = enqueued - 1 WHERE id =
        (SELECT replay FROM deliveries WHERE no = ? AND state = 'pending' AND replay <> ?)";
    const ADVANCE: &str = "UPDATE replays SET enqueued = enqueued + ?1, next_seq = ?2,
        matched = IIF(?2 IS NULL, enqueued + ?1, MAX(matched, enqueued + ?1)) WHERE id = ?3";
    let (db, now) = (context.db, context.now);
    let Some(from) = db.first(NEXT, &[Bind::Text(&replay.id)], Row::int)? else {
        return Ok(Vec::new());
    };
    let RangePage { deliveries, next } = range::page(context, replay, endpoint, from, most)?;
    for (seq, (no, received_at)) in (seq..).zip(&deliveries) {
        // What is pending as part of another range is part of this one from here on.
        db.run(LEAVE_OTHER_RANGE, &[Bind::Int(*no), Bind::Text(&replay.id)])?;
        rows::replay(db, *no, *received_at, now, Some(&replay.id))?;
        note(db, seq, *no, now)?;
    }
    db.run(ADVANCE, &[Bind::Int(deliveries.len() as i64), Bind::MaybeInt(next), Bind::Text(&replay.id)])?;
    Ok(deliveries.into_iter().map(|(no, _)| no).collect())
}
