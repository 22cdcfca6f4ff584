//! Retention: events that are older than the configured time are deleted, unless a delivery or side effect of
//! them is pending. What recognises a duplicate stays.
//!
//! Events are deleted in the order of their numbers, up to a stored floor. With the last event of a task its
//! row becomes a tombstone.

mod tombstones;

use vtryon_webhooks::{Digest, Millis};
use worker::SqlStorage;

use super::record_attempt::dead_letter;
use super::{TaskShard, deliveries};
use crate::config::Config;
use crate::platform::sql::{self, Bind, Row};
use crate::platform::{clock, migrations};
use crate::protocol::delivery::endpoint_of;

/// How many events, and how many quarantined bodies, one run looks at.
const PAGE: i64 = 200;

/// How long after a run the next one comes, in seconds: at once where there is more to do, else an hour.
const SOON: i64 = 1;
const HOUR: i64 = 3600;

/// Up to which event all have gone, which task is the first that has not, and the same of the quarantine.
pub(super) const PRUNED_TO: &str = "pruned_to";
pub(super) const LIVE_FROM: &str = "live_from";
pub(super) const QUARANTINE_PRUNED_TO: &str = "quarantine_pruned_to";

/// Names a task that was pruned: no id of a task begins with a control character.
pub(super) fn tombstone(task_id: &str) -> String {
    format!("\u{1}{}", Digest::of(task_id.as_bytes()).to_hex())
}

pub(super) fn is_tombstone(task_id: &str) -> bool {
    task_id.starts_with('\u{1}')
}

/// An event that may go.
struct Old {
    seq: i64,
    received_at: Millis,
    task_no: i64,
    /// Whether it is kept once by its content: then its row stays, without its body.
    is_named: bool,
}

impl TaskShard {
    /// Deletes a page of what is too old, and notes when to look again.
    pub(super) fn prune(&self, config: &Config, now: Millis) -> worker::Result<()> {
        if self.next_prune(config)?.is_none_or(|due| due > now) {
            return Ok(());
        }
        let until = now.plus_seconds(-HOUR * i64::from(config.retention_hours));
        let storage = self.state.storage();
        let sql = storage.sql();
        let events = sql::transaction(&storage, || self.prune_events(&sql, until, now))?;
        let quarantine = sql::transaction(&storage, || self.prune_quarantine(&sql, until, now))?;
        let tombstones = sql::transaction(&storage, || tombstones::drop_page(&sql, config))?;
        let has_more = events || quarantine || tombstones;
        let pause = if has_more { clock::span(SOON) } else { HOUR * 1000 };
        self.memory.prune_at.set(Some(now.plus_millis(pause)));
        Ok(())
    }

    /// Returns when the next event is too old; `None` where there is none.
    pub(super) fn next_prune(&self, config: &Config) -> worker::Result<Option<Millis>> {
        const OLDEST: &str = "SELECT MIN(received_at) FROM (
            SELECT * FROM (SELECT received_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1)
            UNION ALL SELECT * FROM (SELECT received_at FROM quarantine WHERE no > ? ORDER BY no LIMIT 1))";
        let sql = self.state.storage().sql();
        let (events, quarantine) = (floor(&sql, PRUNED_TO)?, floor(&sql, QUARANTINE_PRUNED_TO)?);
        let oldest =
            sql::first(&sql, OLDEST, &[Bind::Int(events), Bind::Int(quarantine)], Row::maybe_int)?.flatten();
        let due = oldest.map(|at| Millis(at).plus_seconds(HOUR * i64::from(config.retention_hours)));
        // Tombstones are looked through when the keys have changed, where there are any.
        let has_tombstones = events > 0 || quarantine > 0;
        let is_outdated = has_tombstones && tombstones::are_outdated(&sql, config)?;
        let due = if is_outdated { Some(clock::now()) } else { due };
        Ok(due.map(|due| self.memory.prune_at.get().map_or(due, |at| due.max(at))))
    }

    /// Returns whether there may be more to do at once.
    fn prune_events(&self, sql: &SqlStorage, until: Millis, now: Millis) -> worker::Result<bool> {
        const OLD: &str = "SELECT seq, received_at, task_no, digest IS NOT NULL FROM events
            WHERE seq > ? ORDER BY seq LIMIT ?";
        // The outbox has no index by event, so it is looked through once for a page; it is short.
        const FIRST_SIDE_EFFECT: &str = "SELECT MIN(seq) FROM outbox";
        // A replay has a number of its own, above that of its event: it goes when that is passed.
        const REPLAYS: &str = "DELETE FROM replay_log WHERE seq > ? AND seq <= ?";
        let from = floor(sql, PRUNED_TO)?;
        let old = sql::all(sql, OLD, &[Bind::Int(from), Bind::Int(PAGE)], |row| Old {
            seq: row.int(),
            received_at: Millis(row.int()),
            task_no: row.int(),
            is_named: row.int() == 1,
        })?;
        let first_side_effect =
            sql::first(sql, FIRST_SIDE_EFFECT, &[], Row::maybe_int)?.flatten().unwrap_or(i64::MAX);
        let mut last = None;
        for event in &old {
            if event.received_at >= until
                || event.seq >= first_side_effect
                || self.is_pending(sql, event.seq, now)?
            {
                break;
            }
            forget(sql, event)?;
            last = Some(event.seq);
        }
        let Some(last) = last else { return Ok(false) };
        migrations::set_meta(sql, PRUNED_TO, last)?;
        sql::run(sql, REPLAYS, &[Bind::Int(from), Bind::Int(last)])?;
        raise_live_floor(sql)?;
        Ok(old.len() as i64 == PAGE && old.last().is_some_and(|event| event.seq == last))
    }

    fn prune_quarantine(&self, sql: &SqlStorage, until: Millis, now: Millis) -> worker::Result<bool> {
        const OLD: &str = "SELECT no FROM quarantine WHERE no > ? AND received_at < ? ORDER BY no LIMIT ?";
        const EMPTY: &str = "UPDATE quarantine SET body = x'', message = '' WHERE no = ?";
        let binds = [Bind::Int(floor(sql, QUARANTINE_PRUNED_TO)?), Bind::Int(until.0), Bind::Int(PAGE)];
        let old = sql::all(sql, OLD, &binds, Row::int)?;
        let mut last = None;
        for no in &old {
            if self.is_pending(sql, *no, now)? {
                break;
            }
            forget_deliveries(sql, *no)?;
            sql::run(sql, EMPTY, &[Bind::Int(*no)])?;
            last = Some(*no);
        }
        if let Some(last) = last {
            migrations::set_meta(sql, QUARANTINE_PRUNED_TO, last)?;
        }
        Ok(old.len() as i64 == PAGE && last == old.last().copied())
    }

    /// Returns whether a delivery of an event is pending. Deliveries that wait for a disabled endpoint, or
    /// whose secret cannot be opened, end with their event.
    fn is_pending(&self, sql: &SqlStorage, seq: i64, now: Millis) -> worker::Result<bool> {
        const PENDING: &str = "SELECT no, reason IS NOT NULL FROM deliveries
            WHERE no BETWEEN ? AND ? AND state = 'pending'";
        let settings = self.settings();
        let pending = sql::all(sql, PENDING, &deliveries::range(seq), |row| (row.int(), row.int() == 1))?;
        for (no, is_held) in pending {
            let is_enabled = settings.endpoint(endpoint_of(no)).is_some_and(|endpoint| endpoint.enabled);
            if is_enabled && !is_held {
                return Ok(true);
            }
            if let Some(delivery) = deliveries::find(sql, no)? {
                let reason = if is_enabled { "secret_unreadable" } else { "endpoint_disabled" };
                dead_letter(sql, &delivery, now, reason)?;
            }
        }
        Ok(false)
    }
}

pub(super) fn floor(sql: &SqlStorage, name: &str) -> worker::Result<i64> {
    Ok(migrations::meta(sql, name)?.unwrap_or(0))
}

fn forget_deliveries(sql: &SqlStorage, seq: i64) -> worker::Result<()> {
    sql::run(sql, "DELETE FROM deliveries WHERE no BETWEEN ? AND ?", &deliveries::range(seq))
}

/// Deletes an event; with the last one of a task, its row becomes a tombstone.
fn forget(sql: &SqlStorage, event: &Old) -> worker::Result<()> {
    const DELETE: &str = "DELETE FROM events WHERE seq = ?";
    const EMPTY: &str = "UPDATE events SET body = x'', previous = NULL WHERE seq = ?";
    const LAST_OF: &str = "SELECT task_id FROM tasks WHERE no = ? AND last_seq = ?";
    const TOMBSTONE: &str =
        "UPDATE tasks SET task_id = ?, open = 0, result_url = NULL, failure = NULL WHERE no = ?";
    forget_deliveries(sql, event.seq)?;
    sql::run(sql, if event.is_named { EMPTY } else { DELETE }, &[Bind::Int(event.seq)])?;
    let binds = [Bind::Int(event.task_no), Bind::Int(event.seq)];
    if let Some(task_id) = sql::first(sql, LAST_OF, &binds, Row::text)? {
        sql::run(sql, TOMBSTONE, &[Bind::Text(&tombstone(&task_id)), Bind::Int(event.task_no)])?;
    }
    Ok(())
}

/// Notes which task is the first that was not pruned, so that no listing looks at those before it.
fn raise_live_floor(sql: &SqlStorage) -> worker::Result<()> {
    const FIRST: &str =
        "SELECT no FROM tasks WHERE no >= ? AND SUBSTR(task_id, 1, 1) <> CHAR(1) ORDER BY no LIMIT 1";
    const NEXT: &str = "SELECT COALESCE(MAX(no), 0) + 1 FROM tasks";
    let known = floor(sql, LIVE_FROM)?;
    let first = match sql::first(sql, FIRST, &[Bind::Int(known)], Row::int)? {
        None => sql::first(sql, NEXT, &[], Row::int)?,
        found => found,
    };
    match first {
        Some(first) if first > known => migrations::set_meta(sql, LIVE_FROM, first),
        Some(_) | None => Ok(()),
    }
}

/// Lists a pruned task again.
pub(super) fn lower_live_floor(sql: &SqlStorage, task_no: i64) -> worker::Result<()> {
    if floor(sql, LIVE_FROM)? > task_no {
        migrations::set_meta(sql, LIVE_FROM, task_no)?;
    }
    Ok(())
}
