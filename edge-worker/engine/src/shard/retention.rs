//! Retention: events that are older than the configured time are deleted, unless a delivery of them is
//! pending. What recognises a duplicate stays.
//!
//! Events are deleted in the order of their numbers, up to a stored floor. With the last event of a task its
//! row becomes a tombstone. What was imported is older than what was stored before it here: it is deleted once it is too
//! old and all before it is deleted.

pub(crate) mod erasure;
pub(crate) mod imported;
pub(crate) mod tombstones;

use vtryon_webhooks::Millis;

use self::tombstones::is_tombstone;
use super::Shard;
use super::deliveries;
use crate::database::{Bind, Database, Row};
use crate::protocol::delivery::endpoint_of;
use crate::{Context, Result, meta};

/// How many events, and how many quarantined bodies, one run looks at.
const PAGE: i64 = 200;

/// How long after a run the next one comes, in seconds: at once where there is more to do, else an hour.
const SOON: i64 = 1;
const HOUR: i64 = 3600;

/// Up to which event all have gone, which task is the first that has not, and the same of the quarantine.
pub(crate) const PRUNED_TO: &str = "pruned_to";
pub(crate) const LIVE_FROM: &str = "live_from";
pub(crate) const QUARANTINE_PRUNED_TO: &str = "quarantine_pruned_to";

/// The number of the last erasure, above those of all events that were erased: nothing else gets it.
pub(crate) const ERASED_TO: &str = "erased_to";

/// When the next run may prune.
#[derive(Default)]
pub(crate) struct Retention {
    prune_at: Option<Millis>,
}

impl Retention {
    /// Returns when the next event is too old; `None` where there is none.
    pub(crate) fn next_prune(&self, context: &Context<'_>) -> Result<Option<Millis>> {
        const OLDEST: &str = "SELECT MIN(received_at) FROM (
            SELECT * FROM (SELECT received_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1)
            UNION ALL SELECT * FROM (SELECT received_at FROM quarantine WHERE no > ? ORDER BY no LIMIT 1))";
        let Context { db, deployment, now } = *context;
        let (events, quarantine) = (floor(db, PRUNED_TO)?, floor(db, QUARANTINE_PRUNED_TO)?);
        let oldest = db.first(OLDEST, &[Bind::Int(events), Bind::Int(quarantine)], Row::maybe_int)?.flatten();
        let due = oldest.map(|at| Millis(at).plus_seconds(HOUR * i64::from(deployment.retention_hours)));
        // Tombstones are looked through when the keys have changed, where there are any.
        let has_tombstones = events > 0 || quarantine > 0 || floor(db, ERASED_TO)? > 0;
        let is_outdated = has_tombstones && tombstones::are_outdated(db, deployment)?;
        let due = if is_outdated { Some(now) } else { due };
        Ok(due.map(|due| self.prune_at.map_or(due, |at| due.max(at))))
    }

    /// Lets the next run come at once, where it has something to do.
    pub(crate) const fn run_now(&mut self) {
        self.prune_at = None;
    }
}

/// An event that may go.
struct Old {
    seq: i64,
    received_at: Millis,
    task_no: i64,
    /// Whether it is kept once by its content: then its row stays, without its body.
    is_named: bool,
}

/// What was pruned of a page.
#[derive(Default)]
struct Pruned {
    /// The number after the last one that was pruned; 0 where none was.
    first_left: i64,
    /// Whether there may be more to do at once.
    has_more: bool,
}

impl Shard {
    /// Deletes a page of what is too old, and notes when to look again.
    pub(crate) fn prune(&mut self, context: &Context<'_>) -> Result<()> {
        let Context { db, deployment, now } = *context;
        if self.retention.next_prune(context)?.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.advance_totals(db)?;
        let until = now.plus_seconds(-HOUR * i64::from(deployment.retention_hours));
        let events = db.transaction(|| self.prune_events(db, until, now))?;
        self.totals.committed(events.first_left);
        let quarantine = db.transaction(|| self.prune_quarantine(db, until, now))?;
        self.totals.committed(quarantine.first_left);
        let tombstones = self.look_through(context)?;
        let has_more = events.has_more || quarantine.has_more || tombstones;
        let pause = if has_more { deployment.span(SOON) } else { HOUR * 1000 };
        self.retention.prune_at = Some(now.plus_millis(pause));
        Ok(())
    }

    fn prune_events(&self, db: &dyn Database, until: Millis, now: Millis) -> Result<Pruned> {
        const OLD: &str = "SELECT seq, received_at, task_no, digest IS NOT NULL FROM events
            WHERE seq > ? ORDER BY seq LIMIT ?";
        // A replay has a number of its own, above that of its event: it goes when that is passed.
        const REPLAYS: &str = "DELETE FROM replay_log WHERE seq > ? AND seq <= ?";
        let from = floor(db, PRUNED_TO)?;
        let old = db.all(OLD, &[Bind::Int(from), Bind::Int(PAGE)], |row| Old {
            seq: row.int(),
            received_at: Millis(row.int()),
            task_no: row.int(),
            is_named: row.int() == 1,
        })?;
        let mut last = None;
        for event in &old {
            if event.received_at >= until || self.is_pending(db, event.seq, now)? {
                break;
            }
            last = Some(event.seq);
        }
        let Some(last) = last else { return Ok(Pruned::default()) };
        self.count_totals(db, last)?;
        old.iter().filter(|event| event.seq <= last).try_for_each(|event| forget(db, event))?;
        meta::set(db, PRUNED_TO, last)?;
        db.run(REPLAYS, &[Bind::Int(from), Bind::Int(last)])?;
        raise_live_floor(db)?;
        let has_more = old.len() as i64 == PAGE && old.last().is_some_and(|event| event.seq == last);
        Ok(Pruned { first_left: last + 1, has_more })
    }

    fn prune_quarantine(&self, db: &dyn Database, until: Millis, now: Millis) -> Result<Pruned> {
        const OLD: &str = "SELECT no, received_at FROM quarantine WHERE no > ? ORDER BY no LIMIT ?";
        const EMPTY: &str = "UPDATE quarantine SET body = x'', message = '' WHERE no = ?";
        let binds = [Bind::Int(floor(db, QUARANTINE_PRUNED_TO)?), Bind::Int(PAGE)];
        let old = db.all(OLD, &binds, |row| (row.int(), Millis(row.int())))?;
        // Totals are counted first, a page at a time.
        let end = self.totals_page_end();
        let (mut last, mut is_cut) = (None, false);
        for (no, received_at) in &old {
            if *received_at >= until || self.is_pending(db, *no, now)? {
                break;
            }
            if *no >= end {
                is_cut = true;
                break;
            }
            last = Some(*no);
        }
        let Some(last) = last else { return Ok(Pruned { first_left: 0, has_more: is_cut }) };
        self.count_totals(db, last)?;
        for (no, _) in old.iter().filter(|(no, _)| *no <= last) {
            forget_deliveries(db, *no)?;
            db.run(EMPTY, &[Bind::Int(*no)])?;
        }
        meta::set(db, QUARANTINE_PRUNED_TO, last)?;
        let is_full = old.len() as i64 == PAGE && old.last().is_some_and(|(no, _)| *no == last);
        Ok(Pruned { first_left: last + 1, has_more: is_cut || is_full })
    }

    /// Adds events up to the last one that is about to be pruned to the stored totals.
    fn count_totals(&self, db: &dyn Database, last: i64) -> Result<()> {
        if self.totals.is_before(last + 1) {
            self.totals.write(db, &self.settings, last + 1)?;
        }
        Ok(())
    }

    /// Returns whether a delivery of an event is pending. Deliveries that wait for a disabled endpoint, or
    /// whose secret cannot be opened, end with their event.
    fn is_pending(&self, db: &dyn Database, seq: i64, now: Millis) -> Result<bool> {
        const PENDING: &str = "SELECT no, reason IS NOT NULL FROM deliveries
            WHERE no BETWEEN ? AND ? AND state = 'pending'";
        let settings = &self.settings;
        let pending = db.all(PENDING, &deliveries::rows::range(seq), |row| (row.int(), row.int() == 1))?;
        for (no, is_held) in pending {
            let is_enabled =
                settings.endpoint(endpoint_of(no)).is_some_and(|endpoint| endpoint.options.enabled);
            if is_enabled && !is_held {
                return Ok(true);
            }
            if let Some(delivery) = deliveries::rows::find(db, no)? {
                let reason = if is_enabled { "secret_unreadable" } else { "endpoint_disabled" };
                self.dead_letter(db, &delivery, now, reason)?;
            }
        }
        Ok(false)
    }
}

pub(crate) fn floor(db: &dyn Database, name: &str) -> Result<i64> {
    Ok(meta::get(db, name)?.unwrap_or(0))
}

fn forget_deliveries(db: &dyn Database, seq: i64) -> Result<()> {
    db.run("DELETE FROM deliveries WHERE no BETWEEN ? AND ?", &deliveries::rows::range(seq))
}

/// Deletes an event with its deliveries.
fn delete(db: &dyn Database, seq: i64) -> Result<()> {
    forget_deliveries(db, seq)?;
    db.run("DELETE FROM events WHERE seq = ?", &[Bind::Int(seq)])
}

/// Deletes an event with its deliveries; with the last one of a task, its row becomes a tombstone.
fn forget(db: &dyn Database, event: &Old) -> Result<()> {
    const EMPTY: &str = "UPDATE events SET body = x'', previous = NULL WHERE seq = ?";
    const LAST_OF: &str = "SELECT task_id FROM tasks WHERE no = ? AND last_seq = ?";
    // Where the erasure of the task was imported, its tombstone is there already: what is left is erased.
    const TOMBSTONE: &str = "UPDATE OR IGNORE tasks SET task_id = ?, open = 0, result_url = NULL, failure = NULL, final_at = NULL WHERE no = ?";
    if event.is_named {
        forget_deliveries(db, event.seq)?;
        db.run(EMPTY, &[Bind::Int(event.seq)])?;
    } else {
        delete(db, event.seq)?;
    }
    let binds = [Bind::Int(event.task_no), Bind::Int(event.seq)];
    if let Some(task_id) = db.first(LAST_OF, &binds, Row::text)? {
        db.run(TOMBSTONE, &[Bind::Text(&tombstones::id(&task_id)), Bind::Int(event.task_no)])?;
    }
    Ok(())
}

/// Notes which task is the first that was not pruned, so that no listing looks at those before it.
fn raise_live_floor(db: &dyn Database) -> Result<()> {
    const FIRST: &str =
        concat!("SELECT no FROM tasks WHERE no >= ? AND NOT ", is_tombstone!(), " ORDER BY no LIMIT 1");
    const NEXT: &str = "SELECT COALESCE(MAX(no), 0) + 1 FROM tasks";
    let known = floor(db, LIVE_FROM)?;
    let first = match db.first(FIRST, &[Bind::Int(known)], Row::int)? {
        None => db.first(NEXT, &[], Row::int)?,
        found => found,
    };
    match first {
        Some(first) if first > known => meta::set(db, LIVE_FROM, first),
        Some(_) | None => Ok(()),
    }
}

/// Lists a pruned task again.
pub(crate) fn lower_live_floor(db: &dyn Database, task_no: i64) -> Result<()> {
    if floor(db, LIVE_FROM)? > task_no {
        meta::set(db, LIVE_FROM, task_no)?;
    }
    Ok(())
}
