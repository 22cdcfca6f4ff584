//! Range replays: deliveries of a range are enqueued page by page, and counted as they end.

mod range;

use vtryon_webhooks::Millis;
use worker::SqlStorage;

use super::deliveries::{self, Delivery};
use super::live::LogEntry;
use super::{TaskShard, events};
use crate::platform::sql::{self, Bind, Row};
use crate::protocol::delivery::seq_of;
use crate::protocol::settings::{Endpoint, Replay, ReplayProgress, Settings};

impl TaskShard {
    /// Stores the ranges that are new to this shard, and deletes those that the directory has deleted.
    pub(super) fn accept_replays(&self, sql: &SqlStorage, settings: &Settings) -> worker::Result<()> {
        const ACCEPT: &str = "INSERT INTO replays (id, matched, enqueued, delivered, failed, next_seq)
            VALUES (?, ?, 0, 0, 0, ?)";
        const FORGET: &str = "DELETE FROM replays WHERE id = ?";
        for id in sql::all(sql, "SELECT id FROM replays", &[], Row::text)? {
            if !settings.replays.iter().any(|replay| replay.id == id) {
                sql::run(sql, FORGET, &[Bind::Text(&id)])?;
            }
        }
        for replay in &settings.replays {
            if progress(sql, &replay.id)?.is_some() {
                continue;
            }
            // One whose endpoint is no more is over before it begins.
            let (matched, next_seq) = match settings.endpoint(replay.endpoint) {
                Some(endpoint) => {
                    let last = self.last_seq();
                    let first = range::first(sql, replay, last)?;
                    (range::count(sql, replay, endpoint, first, last)?, Some(first))
                }
                None => (0, None),
            };
            sql::run(sql, ACCEPT, &[Bind::Text(&replay.id), Bind::Int(matched), Bind::MaybeInt(next_seq)])?;
        }
        Ok(())
    }

    /// Restarts a delivery, or makes a pending one due; returns whether it exists.
    pub(super) fn replay(&self, no: i64, now: Millis) -> worker::Result<bool> {
        let sql = self.state.storage().sql();
        if deliveries::find(&sql, no)?.is_none() {
            return Ok(false);
        }
        if !self.is_leased(no, now) {
            let seq = self.next_seq();
            sql::transaction(&self.state.storage(), || {
                deliveries::replay(&sql, no, now, now, None)?;
                note(&sql, seq, no, now)
            })?;
            self.broadcast_replays(seq, &[no]);
            self.wake_for_next()?;
        }
        Ok(true)
    }

    /// Returns how far a range has come.
    pub(super) fn replay_progress(&self, id: &str) -> worker::Result<ReplayProgress> {
        Ok(progress(&self.state.storage().sql(), id)?.unwrap_or_default())
    }

    /// Returns whether a range has a page left to mark.
    pub(super) fn has_replays(&self) -> worker::Result<bool> {
        const OPEN: &str = "SELECT COUNT(*) FROM replays WHERE next_seq IS NOT NULL";
        Ok(sql::first(&self.state.storage().sql(), OPEN, &[], Row::int)?.unwrap_or(0) > 0)
    }

    /// Enqueues the next page of each range; ends a range whose endpoint was deleted.
    pub(super) fn mark_replays(&self, now: Millis) -> worker::Result<()> {
        // What is not enqueued by now is never sent.
        const GIVE_UP: &str = "UPDATE replays SET failed = failed + matched - enqueued, enqueued = matched,
            next_seq = NULL WHERE id = ? AND next_seq IS NOT NULL";
        if !self.has_replays()? {
            return Ok(());
        }
        let storage = self.state.storage();
        let sql = storage.sql();
        let settings = self.settings();
        for replay in &settings.replays {
            let Some(endpoint) = settings.endpoint(replay.endpoint) else {
                sql::run(&sql, GIVE_UP, &[Bind::Text(&replay.id)])?;
                continue;
            };
            let seq = self.next_seq();
            let enqueued = sql::transaction(&storage, || mark_page(&sql, replay, endpoint, seq, now))?;
            self.broadcast_replays(seq, &enqueued);
        }
        Ok(())
    }

    /// Broadcasts replays, which have the numbers from `seq` on.
    fn broadcast_replays(&self, seq: i64, deliveries: &[i64]) {
        for (seq, no) in (seq..).zip(deliveries) {
            self.memory.last_seq.set(Some(seq));
            if !self.memory.has_subscribers.get() {
                continue;
            }
            let task = events::find_deliverable(&self.state.storage().sql(), seq_of(*no)).ok().flatten();
            self.broadcast(LogEntry::replay(seq, *no), task.and_then(|stored| stored.task_id).as_deref());
        }
    }
}

/// Stores that a delivery is replayed, for live streams.
fn note(sql: &SqlStorage, seq: i64, delivery: i64, now: Millis) -> worker::Result<()> {
    const NOTE: &str = "INSERT INTO replay_log (seq, delivery, replayed_at) VALUES (?, ?, ?)";
    sql::run(sql, NOTE, &[Bind::Int(seq), Bind::Int(delivery), Bind::Int(now.0)])
}

/// Counts a delivery of a range that has ended.
pub(super) fn count(sql: &SqlStorage, delivery: &Delivery, delivered: bool) -> worker::Result<()> {
    const COUNT: &str = "UPDATE replays SET delivered = delivered + ?, failed = failed + ? WHERE id = ?";
    let Some(replay) = &delivery.replay else { return Ok(()) };
    let binds = [Bind::Int(delivered.into()), Bind::Int((!delivered).into()), Bind::Text(replay)];
    sql::run(sql, COUNT, &binds)
}

fn progress(sql: &SqlStorage, id: &str) -> worker::Result<Option<ReplayProgress>> {
    const FIND: &str =
        "SELECT matched, enqueued, delivered, failed, next_seq IS NULL FROM replays WHERE id = ?";
    sql::first(sql, FIND, &[Bind::Text(id)], |row| ReplayProgress {
        matched: row.int(),
        enqueued: row.int(),
        delivered: row.int(),
        failed: row.int(),
        is_enqueued: row.int() == 1,
    })
}

/// Enqueues the next page of a range. Returns its deliveries, which have the numbers from `seq` on.
fn mark_page(
    sql: &SqlStorage,
    replay: &Replay,
    endpoint: &Endpoint,
    seq: i64,
    now: Millis,
) -> worker::Result<Vec<i64>> {
    const NEXT: &str = "SELECT next_seq FROM replays WHERE id = ? AND next_seq IS NOT NULL";
    const LEAVE: &str = "UPDATE replays SET matched = matched - 1, enqueued = enqueued - 1 WHERE id =
        (SELECT replay FROM deliveries WHERE no = ? AND state = 'pending' AND replay <> ?)";
    const ADVANCE: &str = "UPDATE replays SET enqueued = enqueued + ?1, next_seq = ?2,
        matched = IIF(?2 IS NULL, enqueued + ?1, MAX(matched, enqueued + ?1)) WHERE id = ?3";
    let Some(from) = sql::first(sql, NEXT, &[Bind::Text(&replay.id)], Row::int)? else {
        return Ok(Vec::new());
    };
    let (page, next) = range::page(sql, replay, endpoint, from)?;
    for (seq, (no, received_at)) in (seq..).zip(&page) {
        // What is pending as part of another range is part of this one from here on.
        sql::run(sql, LEAVE, &[Bind::Int(*no), Bind::Text(&replay.id)])?;
        deliveries::replay(sql, *no, *received_at, now, Some(&replay.id))?;
        note(sql, seq, *no, now)?;
    }
    sql::run(sql, ADVANCE, &[Bind::Int(page.len() as i64), Bind::MaybeInt(next), Bind::Text(&replay.id)])?;
    Ok(page.into_iter().map(|(no, _)| no).collect())
}
