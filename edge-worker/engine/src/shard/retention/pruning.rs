//! Deletes what is too old: a page of events and of quarantined bodies, and raises their floors.

use vtryon_webhooks::Millis;

use super::{forget, forget_body};
use crate::log::Log;
use crate::protocol::delivery::endpoint_of;
use crate::shard::config::Config;
use crate::shard::deliveries::{end, rows};
use crate::shard::sequence::floors;
use crate::shard::totals::TotalsCheckpoint;
use crate::storage::database::{Bind, Database, Row};
use crate::{Context, Result};

/// How many events, and how many quarantined bodies, one run looks at.
const EVENTS_PER_RUN: i64 = 200;

/// A run that prunes. Deliveries that nobody will attempt end with their events.
#[derive(Clone, Copy)]
pub(crate) struct Pruning<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) config: &'a Config,
    pub(crate) log: &'a Log,
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

impl Pruning<'_> {
    /// Deletes a page of what is too old, once its totals are stored. Returns whether there is more to do at once.
    pub(crate) fn prune(&self, totals: &mut TotalsCheckpoint, next_seq: i64) -> Result<bool> {
        let Context { db, deployment, now } = *self.context;
        let until = deployment.retained_since(now);
        let events = db.transaction(|| self.events(totals, until))?;
        totals.committed(events.first_left);
        let quarantine = db.transaction(|| self.quarantine(totals, next_seq, until))?;
        totals.committed(quarantine.first_left);
        Ok(events.has_more || quarantine.has_more)
    }

    fn events(&self, totals: &TotalsCheckpoint, until: Millis) -> Result<Pruned> {
        const OLD: &str =
            "SELECT seq, received_at, task_no, previous FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        // A replay has a number of its own, above that of its event: it goes when that is passed.
        const REPLAYS: &str = "DELETE FROM replay_log WHERE seq > ? AND seq <= ?";
        let Context { db, deployment, .. } = *self.context;
        let (from, rows) = (floors::events(db)?, deployment.page(EVENTS_PER_RUN));
        let old = db.all(OLD, &[Bind::Int(from), Bind::Int(rows)], |row| Old {
            seq: row.int(),
            received_at: Millis(row.int()),
            task_no: row.int(),
            previous: row.maybe_int(),
        })?;
        let too_old: Vec<&Old> = old.iter().take_while(|event| event.received_at < until).collect();
        let Some(last) = too_old.last().map(|event| event.seq) else { return Ok(Pruned::default()) };
        self.count_totals(totals, last)?;
        for event in &too_old {
            if !is_there(db, event.previous)? && !self.is_pending(event.seq)? {
                forget(self.context, event.seq, event.task_no)?;
            }
        }
        floors::set_events(db, last)?;
        db.run(REPLAYS, &[Bind::Int(from), Bind::Int(last)])?;
        floors::raise_live_tasks(db)?;
        Ok(Pruned { first_left: last + 1, has_more: too_old.len() as i64 == rows })
    }

    fn quarantine(&self, totals: &TotalsCheckpoint, next_seq: i64, until: Millis) -> Result<Pruned> {
        const OLD: &str = "SELECT no, received_at FROM quarantine WHERE no > ? ORDER BY no LIMIT ?";
        let Context { db, deployment, .. } = *self.context;
        let rows = deployment.page(EVENTS_PER_RUN);
        let binds = [Bind::Int(floors::quarantine(db)?), Bind::Int(rows)];
        let old = db.all(OLD, &binds, |row| (row.int(), Millis(row.int())))?;
        // Totals are counted first, a page at a time.
        let end = totals.page_end(&self.config.settings, next_seq);
        let too_old = old.iter().take_while(|(_, received_at)| *received_at < until).map(|(no, _)| *no);
        let (counted, uncounted): (Vec<i64>, Vec<i64>) = too_old.partition(|no| *no < end);
        let is_full = (counted.len() + uncounted.len()) as i64 == rows;
        let has_more = is_full || !uncounted.is_empty();
        let Some(last) = counted.last().copied() else { return Ok(Pruned { first_left: 0, has_more }) };
        self.count_totals(totals, last)?;
        for no in counted {
            if !self.is_pending(no)? {
                forget_body(self.context, no)?;
            }
        }
        floors::set_quarantine(db, last)?;
        Ok(Pruned { first_left: last + 1, has_more })
    }

    /// Adds events up to the last one that is about to be pruned to the stored totals.
    fn count_totals(&self, totals: &TotalsCheckpoint, last: i64) -> Result<()> {
        if totals.is_before(last + 1) {
            totals.write(self.context.db, &self.config.settings, last + 1)?;
        }
        Ok(())
    }

    /// Returns whether a delivery of an event is pending. Deliveries that wait for a disabled or deleted endpoint, or
    /// whose secret cannot be opened, end with their event.
    pub(super) fn is_pending(&self, seq: i64) -> Result<bool> {
        const PENDING: &str = "SELECT no, reason IS NOT NULL FROM deliveries
            WHERE no BETWEEN ? AND ? AND state = 'pending'";
        let Self { context, config, log } = *self;
        let (db, settings) = (context.db, &config.settings);
        let pending = db.all(PENDING, &rows::range(seq), |row| (row.int(), row.int() == 1))?;
        for (no, is_unreadable) in pending {
            let is_enabled =
                settings.endpoint(endpoint_of(no)).is_some_and(|endpoint| endpoint.options.enabled);
            if is_enabled && !is_unreadable {
                return Ok(true);
            }
            if let Some(delivery) = rows::find(db, no)? {
                let reason = match settings.endpoint(endpoint_of(no)) {
                    None => "endpoint_deleted",
                    Some(_) if is_enabled => "secret_unreadable",
                    Some(_) => "endpoint_disabled",
                };
                end::dead_letter(context, config, log, &delivery, reason)?;
            }
        }
        Ok(false)
    }
}

/// Returns whether an event is still there, with its body.
fn is_there(db: &dyn Database, seq: Option<i64>) -> Result<bool> {
    const FIND: &str = "SELECT 1 FROM events WHERE seq = ? AND LENGTH(body) > 0";
    Ok(db.first(FIND, &[Bind::MaybeInt(seq)], Row::int)?.is_some())
}
