//! Retention: what is older than the configured time goes, but for what is owed, and for what keeps a
//! replayed event from being taken for a new one.
//!
//! Events go from the oldest on, in the order of their numbers, so a floor says how far it has come. The
//! task of the last one is emptied to a tombstone.

use vtryon_webhooks::{Digest, Millis};
use worker::SqlStorage;

use super::conclude::bury;
use super::{TaskShard, deliveries};
use crate::clock;
use crate::config::Config;
use crate::sql::{self, Bind, Row};
use crate::stored;
use crate::wire::delivery::{delivery_no, endpoint_of};

/// How many events, and how many quarantined bodies, one run looks at.
const PAGE: i64 = 200;

/// How long after a run the next one comes, in seconds: at once where there is more to do, else an hour.
const SOON: i64 = 1;
const HOUR: i64 = 3600;

/// Up to which event all have gone, which task is the first that has not, and the same of the quarantine.
pub(super) const PRUNED_TO: &str = "pruned_to";
pub(super) const LIVE_FROM: &str = "live_from";
pub(super) const QUARANTINE_PRUNED_TO: &str = "quarantine_pruned_to";

/// For which set of keys the tombstones were looked through, and how far that has come.
const TOMBS_FOR: &str = "tombstones_for";
const TOMBS_PLACE: &str = "tombstones_place";

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
    /// Lets go of a page of what is too old, and notes when to look again.
    pub(super) fn prune(&self, config: &Config, now: Millis) -> worker::Result<()> {
        if self.next_prune(config)?.is_none_or(|due| due > now) {
            return Ok(());
        }
        let until = now.plus_seconds(-HOUR * i64::from(config.retention_hours));
        let storage = self.state.storage();
        let sql = storage.sql();
        let events = sql::transaction(&storage, || self.prune_events(&sql, until, now))?;
        let quarantine = sql::transaction(&storage, || self.prune_quarantine(&sql, until, now))?;
        let tombstones = sql::transaction(&storage, || drop_tombstones(&sql, config))?;
        let has_more = events || quarantine || tombstones;
        let pause = if has_more { clock::span(SOON) } else { HOUR * 1000 };
        self.memory.prune_at.set(Some(now.plus_millis(pause)));
        Ok(())
    }

    /// Tells when the next thing is too old; none where there is nothing.
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
        let is_outdated = has_tombstones && stored::meta(&sql, TOMBS_FOR)? != Some(mark(&keys(config)));
        let due = if is_outdated { Some(clock::now()) } else { due };
        Ok(due.map(|due| self.memory.prune_at.get().map_or(due, |at| due.max(at))))
    }

    /// Returns whether there may be more to do at once.
    fn prune_events(&self, sql: &SqlStorage, until: Millis, now: Millis) -> worker::Result<bool> {
        const OLD: &str = "SELECT seq, received_at, task_no, digest IS NOT NULL FROM events
            WHERE seq > ? ORDER BY seq LIMIT ?";
        let binds = [Bind::Int(floor(sql, PRUNED_TO)?), Bind::Int(PAGE)];
        let old = sql::all(sql, OLD, &binds, |row| Old {
            seq: row.int(),
            received_at: Millis(row.int()),
            task_no: row.int(),
            is_named: row.int() == 1,
        })?;
        let mut last = None;
        for event in &old {
            if event.received_at >= until || self.is_owed(sql, event.seq, now)? {
                break;
            }
            forget(sql, event)?;
            last = Some(event.seq);
        }
        let Some(last) = last else { return Ok(false) };
        stored::set_meta(sql, PRUNED_TO, last)?;
        // The last number stays, for the next one follows it.
        const REPLAYS: &str =
            "DELETE FROM replayed WHERE delivery < ? AND seq < (SELECT MAX(seq) FROM replayed)";
        sql::run(sql, REPLAYS, &[Bind::Int(delivery_no(last + 1, 0))])?;
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
            if self.is_owed(sql, *no, now)? {
                break;
            }
            forget_deliveries(sql, *no)?;
            sql::run(sql, EMPTY, &[Bind::Int(*no)])?;
            last = Some(*no);
        }
        if let Some(last) = last {
            stored::set_meta(sql, QUARANTINE_PRUNED_TO, last)?;
        }
        Ok(old.len() as i64 == PAGE && last == old.last().copied())
    }

    /// Tells whether something is still owed because of an event. What waits for an endpoint that is
    /// disabled, or whose secret can't be opened, waits no longer than the event is kept.
    fn is_owed(&self, sql: &SqlStorage, seq: i64, now: Millis) -> worker::Result<bool> {
        const PUBLISHED: &str = "SELECT COUNT(*) FROM outbox WHERE seq = ?";
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
                bury(sql, &delivery, now, reason)?;
            }
        }
        Ok(sql::first(sql, PUBLISHED, &[Bind::Int(seq)], Row::int)?.unwrap_or(0) > 0)
    }
}

pub(super) fn floor(sql: &SqlStorage, name: &str) -> worker::Result<i64> {
    Ok(stored::meta(sql, name)?.unwrap_or(0))
}

fn forget_deliveries(sql: &SqlStorage, seq: i64) -> worker::Result<()> {
    sql::run(sql, "DELETE FROM deliveries WHERE no BETWEEN ? AND ?", &deliveries::range(seq))
}

/// Removes an event; with the last one of a task, what is left of the task is its tombstone.
fn forget(sql: &SqlStorage, event: &Old) -> worker::Result<()> {
    const DELETE: &str = "DELETE FROM events WHERE seq = ?";
    const EMPTY: &str = "UPDATE events SET body = x'', previous = NULL WHERE seq = ?";
    const LAST_OF: &str = "SELECT task_id FROM tasks WHERE no = ? AND head = ?";
    const BURY: &str =
        "UPDATE tasks SET task_id = ?, open = 0, result_url = NULL, failure = NULL WHERE no = ?";
    forget_deliveries(sql, event.seq)?;
    sql::run(sql, if event.is_named { EMPTY } else { DELETE }, &[Bind::Int(event.seq)])?;
    let binds = [Bind::Int(event.task_no), Bind::Int(event.seq)];
    if let Some(task_id) = sql::first(sql, LAST_OF, &binds, Row::text)? {
        sql::run(sql, BURY, &[Bind::Text(&tombstone(&task_id)), Bind::Int(event.task_no)])?;
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
        Some(first) if first > known => stored::set_meta(sql, LIVE_FROM, first),
        Some(_) | None => Ok(()),
    }
}

/// Shows a task again that was pruned.
pub(super) fn lower_live_floor(sql: &SqlStorage, task_no: i64) -> worker::Result<()> {
    if floor(sql, LIVE_FROM)? > task_no {
        stored::set_meta(sql, LIVE_FROM, task_no)?;
    }
    Ok(())
}

/// Drops a page of the tombstones whose keys are configured no more: nothing can be signed with them that
/// would be taken. Returns whether there is more.
fn drop_tombstones(sql: &SqlStorage, config: &Config) -> worker::Result<bool> {
    const PAGE_OF: &str =
        "SELECT no, key, SUBSTR(task_id, 1, 1) = CHAR(1) FROM tasks WHERE no > ? ORDER BY no LIMIT ?";
    let keys = keys(config);
    let mark = mark(&keys);
    if stored::meta(sql, TOMBS_FOR)? == Some(mark) {
        return Ok(false);
    }
    let place = floor(sql, TOMBS_PLACE)?;
    let page = sql::all(sql, PAGE_OF, &[Bind::Int(place), Bind::Int(PAGE)], |row| {
        (row.int(), row.text(), row.int() == 1)
    })?;
    for (no, key, is_tombstone) in &page {
        if *is_tombstone && !key.split(' ').any(|key| keys.iter().any(|known| known == key)) {
            // The last one stays, for the next task is numbered after it.
            const DROP: &str = "DELETE FROM tasks WHERE no = ? AND no < (SELECT MAX(no) FROM tasks)";
            sql::run(sql, DROP, &[Bind::Int(*no)])?;
            sql::run(sql, "DELETE FROM events WHERE task_no = ? AND digest IS NOT NULL", &[Bind::Int(*no)])?;
        }
    }
    let last = page.last().map(|(no, ..)| *no);
    if page.len() as i64 == PAGE {
        stored::set_meta(sql, TOMBS_PLACE, last.unwrap_or(place))?;
        return Ok(true);
    }
    let pruned_to = floor(sql, QUARANTINE_PRUNED_TO)?;
    for (no, key) in
        sql::all(sql, "SELECT no, key FROM quarantine WHERE no <= ?", &[Bind::Int(pruned_to)], |row| {
            (row.int(), row.text())
        })?
    {
        if !keys.contains(&key) {
            const DROP: &str =
                "DELETE FROM quarantine WHERE no = ? AND no < (SELECT MAX(no) FROM quarantine)";
            sql::run(sql, DROP, &[Bind::Int(no)])?;
        }
    }
    stored::set_meta(sql, TOMBS_PLACE, 0)?;
    stored::set_meta(sql, TOMBS_FOR, mark)?;
    Ok(false)
}

/// Returns the fingerprints of the configured secrets.
fn keys(config: &Config) -> Vec<String> {
    config.verifier.keys().iter().map(|key| key.fingerprint().to_string()).collect()
}

/// Names a set of keys by a number: 48 bits, for what the table holds is exact below 2^53.
fn mark(keys: &[String]) -> i64 {
    let digest = Digest::of(keys.join(" ").as_bytes());
    digest.as_bytes().iter().take(6).fold(0, |mark, byte| mark << 8 | i64::from(*byte))
}
