//! The stored entries in the order of their numbers: events, quarantined bodies, and replays.

use vtryon_webhooks::Millis;
use worker::SqlStorage;

use crate::objects::shard::retention::{self, PRUNED_TO, QUARANTINE_PRUNED_TO};
use crate::platform::sql::{self, Bind, Row};
use crate::protocol::delivery::seq_of;

/// A sequence number, and what it is the number of.
pub(in crate::objects::shard) struct LogEntry {
    pub(super) seq: i64,
    /// The delivery that was replayed; else it is an event or a body.
    pub(super) delivery: Option<i64>,
}

impl LogEntry {
    /// An event, or a body that can't be read.
    pub(in crate::objects::shard) const fn event(seq: i64) -> Self {
        Self { seq, delivery: None }
    }

    /// A delivery that is made once more.
    pub(in crate::objects::shard) const fn replay(seq: i64, delivery: i64) -> Self {
        Self { seq, delivery: Some(delivery) }
    }

    /// Returns the number of the event that it is about.
    pub(super) fn of(&self) -> i64 {
        self.delivery.map_or(self.seq, seq_of)
    }

    fn read(row: &mut Row) -> Self {
        Self { seq: row.int(), delivery: row.maybe_int() }
    }
}

/// Lists entries after a number.
pub(super) fn after(sql: &SqlStorage, seq: i64, limit: i64) -> worker::Result<Vec<LogEntry>> {
    const AFTER: &str = "SELECT * FROM (
            SELECT seq, NULL FROM events WHERE seq > MAX(?1, ?2)
            UNION ALL SELECT no, NULL FROM quarantine WHERE no > MAX(?1, ?3)
            UNION ALL SELECT seq, delivery FROM replay_log WHERE seq > ?1
            ORDER BY 1
        ) LIMIT ?4";
    let (events, quarantine) = floors(sql)?;
    let binds = [Bind::Int(seq), Bind::Int(events), Bind::Int(quarantine), Bind::Int(limit)];
    sql::all(sql, AFTER, &binds, LogEntry::read)
}

/// Lists entries of a task after a number: its events from the last one back, and their replays.
pub(super) fn of_task_after(
    sql: &SqlStorage,
    task_id: &str,
    seq: i64,
    limit: i64,
) -> worker::Result<Vec<LogEntry>> {
    const AFTER: &str = "WITH RECURSIVE line (seq, previous) AS (
            SELECT seq, previous FROM events WHERE seq = (SELECT last_seq FROM tasks WHERE task_id = ?1)
            UNION ALL
            SELECT e.seq, e.previous FROM line JOIN events e ON e.seq = line.previous LIMIT 10000
        ) SELECT seq, NULL FROM line WHERE seq > ?2
        UNION ALL SELECT r.seq, r.delivery FROM replay_log r JOIN line ON line.seq = r.delivery / 65536
            WHERE r.seq > ?2
        ORDER BY 1 LIMIT ?3";
    sql::all(sql, AFTER, &[Bind::Text(task_id), Bind::Int(seq), Bind::Int(limit)], LogEntry::read)
}

/// Returns the last number that was pruned.
pub(super) fn floor(sql: &SqlStorage) -> worker::Result<i64> {
    let (events, quarantine) = floors(sql)?;
    Ok(events.max(quarantine))
}

fn floors(sql: &SqlStorage) -> worker::Result<(i64, i64)> {
    Ok((retention::floor(sql, PRUNED_TO)?, retention::floor(sql, QUARANTINE_PRUNED_TO)?))
}

/// Returns the number before the first entry that was stored at a time or later, by bisection: numbers are given
/// in the order of arrival, but for the little that clocks differ.
pub(in crate::objects::shard) fn before_time(sql: &SqlStorage, at: Millis, last: i64) -> worker::Result<i64> {
    // The first one from a number on, wherever the next one is that is still there.
    const RECEIVED: &str = "SELECT * FROM (
            SELECT seq, received_at FROM events WHERE seq >= ?1
            UNION ALL SELECT no, received_at FROM quarantine WHERE no >= ?1
            UNION ALL SELECT seq, replayed_at FROM replay_log WHERE seq >= ?1
            ORDER BY 1
        ) LIMIT 1";
    let (mut low, mut high) = (retention::floor(sql, PRUNED_TO)? + 1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = sql::first(sql, RECEIVED, &[Bind::Int(middle)], |row| (row.int(), row.int()))?;
        match found {
            Some((seq, received_at)) if received_at < at.0 => low = seq + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low - 1)
}
