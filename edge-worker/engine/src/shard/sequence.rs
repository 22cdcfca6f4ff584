//! The stored entries in the order of their numbers: events, quarantined bodies, replays, and erasures of tasks.

pub(crate) mod bisection;
pub(crate) mod floors;
pub(crate) mod task_events;

use vtryon_webhooks::Millis;

use crate::Result;
use crate::protocol::delivery::{ENDPOINT_NUMBERS, seq_of};
use crate::storage::database::{Bind, Database, Row};

/// A sequence number, and what it is the number of.
pub(crate) struct SequenceEntry {
    pub(crate) seq: i64,
    /// The delivery that was replayed; else it is an event, a body or an erasure.
    pub(crate) delivery: Option<i64>,
    /// Whether it is that a task was erased.
    pub(crate) is_erasure: bool,
}

impl SequenceEntry {
    /// An event, or a body that can't be read.
    pub(crate) const fn event(seq: i64) -> Self {
        Self { seq, delivery: None, is_erasure: false }
    }

    /// A delivery that is made once more.
    pub(crate) const fn replay(seq: i64, delivery: i64) -> Self {
        Self { seq, delivery: Some(delivery), is_erasure: false }
    }

    /// That a task was erased.
    pub(crate) const fn erasure(seq: i64) -> Self {
        Self { seq, delivery: None, is_erasure: true }
    }

    /// Returns the number of the event that it is about.
    pub(crate) fn event_seq(&self) -> i64 {
        self.delivery.map_or(self.seq, seq_of)
    }

    fn read(row: &mut Row) -> Self {
        Self { seq: row.int(), delivery: row.maybe_int(), is_erasure: row.int() == 1 }
    }
}

/// Lists entries after a number.
pub(crate) fn after(db: &dyn Database, seq: i64, limit: i64) -> Result<Vec<SequenceEntry>> {
    const AFTER: &str = "SELECT * FROM (
            SELECT seq, NULL, 0 FROM events WHERE seq > MAX(?1, ?2)
            UNION ALL SELECT no, NULL, 0 FROM quarantine WHERE no > MAX(?1, ?2)
            UNION ALL SELECT seq, delivery, 0 FROM replay_log WHERE seq > ?1
            UNION ALL SELECT last_seq, NULL, 1 FROM tasks WHERE erased_at IS NOT NULL AND last_seq > ?1
            ORDER BY 1
        ) LIMIT ?3";
    let binds = [Bind::Int(seq), Bind::Int(floors::pruned(db)?), Bind::Int(limit)];
    db.all(AFTER, &binds, SequenceEntry::read)
}

/// Lists entries of a task after a number: its events, found from the last one back to that number, as far as they are not
/// pruned or held, and replays of any of its events.
pub(crate) fn of_task_after(
    db: &dyn Database,
    task_id: &str,
    seq: i64,
    limit: i64,
) -> Result<Vec<SequenceEntry>> {
    const AFTER: &str = "WITH RECURSIVE task_events (seq, previous) AS (
            SELECT seq, previous FROM events
                WHERE seq = (SELECT last_seq FROM tasks WHERE task_id = ?1) AND seq > ?2
            UNION ALL SELECT e.seq, e.previous
                FROM task_events JOIN events e ON e.seq = task_events.previous WHERE e.seq > ?2
        )
        SELECT seq, NULL, 0 FROM task_events
        UNION ALL SELECT r.seq, r.delivery, 0
            FROM replay_log r JOIN events e ON e.seq = r.delivery / CAST(?4 AS INTEGER)
            WHERE r.seq > ?2 AND e.task_no = (SELECT no FROM tasks WHERE task_id = ?1)
        ORDER BY 1 LIMIT ?3";
    let seq = seq.max(floors::pruned(db)?);
    let binds = [Bind::Text(task_id), Bind::Int(seq), Bind::Int(limit), Bind::Int(ENDPOINT_NUMBERS)];
    db.all(AFTER, &binds, SequenceEntry::read)
}

/// Returns the number before the first entry that was stored at a time or later. For imported entries
/// the time is `imported_at`. An erasure is there as long as its tombstone, longer than the events around it.
pub(crate) fn before_time(db: &dyn Database, at: Millis, last: i64) -> Result<i64> {
    // The first one from a number on, wherever the next one is that is still there.
    const STORED: &str = "SELECT * FROM (
            SELECT seq, COALESCE(imported_at, received_at) FROM events WHERE seq >= ?1
            UNION ALL SELECT no, COALESCE(imported_at, received_at) FROM quarantine WHERE no >= ?1
            UNION ALL SELECT seq, replayed_at FROM replay_log WHERE seq >= ?1
            UNION ALL SELECT last_seq, updated_at FROM tasks WHERE erased_at IS NOT NULL AND last_seq >= ?1
            ORDER BY 1
        ) LIMIT 1";
    const FIRST_ERASURE: &str = "SELECT MIN(last_seq) FROM tasks WHERE erased_at IS NOT NULL";
    let left = floors::pruned(db)? + 1;
    let erased = db.first(FIRST_ERASURE, &[], Row::maybe_int)?.flatten();
    let range = erased.map_or(left, |erased| erased.min(left))..last + 1;
    let first = bisection::first_at(range, at, |seq| {
        db.first(STORED, &[Bind::Int(seq)], |row| (row.int(), row.int()))
    })?;
    Ok(first - 1)
}
