//! Retention: events that are older than the configured time are deleted, unless a delivery of them is
//! pending. What recognises a duplicate stays.
//!
//! Events are deleted in the order of their numbers, up to a stored floor. Those that a delivery holds stay behind, below
//! the floor, and are deleted later: see [`held`]. With the last event of a task its row becomes a tombstone. What was
//! imported is older than what was stored before it here: it is deleted once it is too old and the floor reaches it.

pub(crate) mod erasure;
mod held;
pub(crate) mod imported;
pub(crate) mod tombstones;

use vtryon_webhooks::Millis;

use self::tombstones::is_tombstone;
use super::{Shard, deliveries, floors};
use crate::database::{Bind, Database, Row};
use crate::protocol::delivery::endpoint_of;
use crate::{Context, Result};

/// How many events, and how many quarantined bodies, one run looks at.
const EVENTS_PER_RUN: i64 = 200;

/// How long after a run the next one comes, in seconds: at once where there is more to do, else an hour.
const SOON: i64 = 1;
const HOUR: i64 = 3600;

/// When the next run may prune.
#[derive(Default)]
pub(crate) struct Retention {
    prune_at: Option<Millis>,
}

impl Retention {
    /// Returns when the next event is too old, or now where one is held; `None` where there is none.
    pub(crate) fn next_prune(&self, context: &Context<'_>) -> Result<Option<Millis>> {
        const OLDEST: &str = "SELECT MIN(received_at) FROM (
            SELECT * FROM (SELECT received_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1)
            UNION ALL SELECT * FROM (SELECT received_at FROM quarantine WHERE no > ? ORDER BY no LIMIT 1))";
        let Context { db, deployment, now } = *context;
        let (events, quarantine) = (floors::events(db)?, floors::quarantine(db)?);
        let oldest = db.first(OLDEST, &[Bind::Int(events), Bind::Int(quarantine)], Row::maybe_int)?.flatten();
        let due = oldest.map(|at| Millis(at).plus_seconds(deployment.retention_seconds()));
        // Tombstones are looked through when the keys have changed, where there are any.
        let has_tombstones = events > 0 || quarantine > 0 || floors::erasures(db)? > 0;
        let is_outdated = has_tombstones && tombstones::are_outdated(db, deployment)?;
        let has_held = held::exist(db, events.max(quarantine))?;
        let due = if is_outdated || has_held { Some(now) } else { due };
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
    /// The event of its task before it, which goes before it.
    previous: Option<i64>,
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
        self.totals.advance(db, &self.settings, self.next_seq(), &self.leases)?;
        let until = deployment.retained_since(now);
        let events = db.transaction(|| self.prune_events(db, until, now))?;
        self.totals.committed(events.first_left);
        let quarantine = db.transaction(|| self.prune_quarantine(db, until, now))?;
        self.totals.committed(quarantine.first_left);
        let held = db.transaction(|| self.prune_held(db, now))?;
        let tombstones = self.scan_tombstones(context)?;
        let has_more = events.has_more || quarantine.has_more || held || tombstones;
        let pause = if has_more { deployment.machine_seconds(SOON) } else { HOUR * 1000 };
        self.retention.prune_at = Some(now.plus_millis(pause));
        Ok(())
    }

    fn prune_events(&self, db: &dyn Database, until: Millis, now: Millis) -> Result<Pruned> {
        const OLD: &str =
            "SELECT seq, received_at, task_no, previous FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        // A replay has a number of its own, above that of its event: it goes when that is passed.
        const REPLAYS: &str = "DELETE FROM replay_log WHERE seq > ? AND seq <= ?";
        let from = floors::events(db)?;
        let old = db.all(OLD, &[Bind::Int(from), Bind::Int(EVENTS_PER_RUN)], |row| Old {
            seq: row.int(),
            received_at: Millis(row.int()),
            task_no: row.int(),
            previous: row.maybe_int(),
        })?;
        let too_old: Vec<&Old> = old.iter().take_while(|event| event.received_at < until).collect();
        let Some(last) = too_old.last().map(|event| event.seq) else { return Ok(Pruned::default()) };
        self.count_totals(db, last)?;
        for event in &too_old {
            if !held::is_there(db, event.previous)? && !self.is_pending(db, event.seq, now)? {
                forget(db, event.seq, event.task_no)?;
            }
        }
        floors::set_events(db, last)?;
        db.run(REPLAYS, &[Bind::Int(from), Bind::Int(last)])?;
        floors::raise_live_tasks(db)?;
        Ok(Pruned { first_left: last + 1, has_more: too_old.len() as i64 == EVENTS_PER_RUN })
    }

    fn prune_quarantine(&self, db: &dyn Database, until: Millis, now: Millis) -> Result<Pruned> {
        const OLD: &str = "SELECT no, received_at FROM quarantine WHERE no > ? ORDER BY no LIMIT ?";
        let binds = [Bind::Int(floors::quarantine(db)?), Bind::Int(EVENTS_PER_RUN)];
        let old = db.all(OLD, &binds, |row| (row.int(), Millis(row.int())))?;
        // Totals are counted first, a page at a time.
        let end = self.totals.page_end(&self.settings, self.next_seq());
        let too_old = old.iter().take_while(|(_, received_at)| *received_at < until).map(|(no, _)| *no);
        let (counted, uncounted): (Vec<i64>, Vec<i64>) = too_old.partition(|no| *no < end);
        let is_full = (counted.len() + uncounted.len()) as i64 == EVENTS_PER_RUN;
        let has_more = is_full || !uncounted.is_empty();
        let Some(last) = counted.last().copied() else { return Ok(Pruned { first_left: 0, has_more }) };
        self.count_totals(db, last)?;
        for no in counted {
            if !self.is_pending(db, no, now)? {
                forget_body(db, no)?;
            }
        }
        floors::set_quarantine(db, last)?;
        Ok(Pruned { first_left: last + 1, has_more })
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
        for (no, is_unreadable) in pending {
            let is_enabled =
                settings.endpoint(endpoint_of(no)).is_some_and(|endpoint| endpoint.options.enabled);
            if is_enabled && !is_unreadable {
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

fn forget_deliveries(db: &dyn Database, seq: i64) -> Result<()> {
    db.run("DELETE FROM deliveries WHERE no BETWEEN ? AND ?", &deliveries::rows::range(seq))
}

/// Deletes an event with its deliveries.
fn delete(db: &dyn Database, seq: i64) -> Result<()> {
    forget_deliveries(db, seq)?;
    db.run("DELETE FROM events WHERE seq = ?", &[Bind::Int(seq)])
}

/// Empties a quarantined body and deletes its deliveries.
fn forget_body(db: &dyn Database, no: i64) -> Result<()> {
    const EMPTY: &str = "UPDATE quarantine SET body = x'', message = '' WHERE no = ?";
    forget_deliveries(db, no)?;
    db.run(EMPTY, &[Bind::Int(no)])
}

/// Deletes an event with its deliveries; with the last one of a task, its row becomes a tombstone. Of an event that is
/// kept once by its content the row stays, without its body.
fn forget(db: &dyn Database, seq: i64, task_no: i64) -> Result<()> {
    const DELETE: &str = "DELETE FROM events WHERE seq = ? AND digest IS NULL";
    const EMPTY: &str = "UPDATE events SET body = x'', previous = NULL WHERE seq = ?";
    const LAST_OF: &str =
        concat!("SELECT task_id FROM tasks WHERE no = ? AND last_seq = ? AND NOT ", is_tombstone!());
    // Where the erasure of the task was imported, its tombstone is there already: what is left is erased.
    const TOMBSTONE: &str = "UPDATE OR IGNORE tasks SET task_id = ?, open = 0, result_url = NULL, failure = NULL, final_at = NULL WHERE no = ?";
    forget_deliveries(db, seq)?;
    db.run(DELETE, &[Bind::Int(seq)])?;
    db.run(EMPTY, &[Bind::Int(seq)])?;
    if let Some(task_id) = db.first(LAST_OF, &[Bind::Int(task_no), Bind::Int(seq)], Row::text)? {
        db.run(TOMBSTONE, &[Bind::Text(&tombstones::id(&task_id)), Bind::Int(task_no)])?;
    }
    Ok(())
}
