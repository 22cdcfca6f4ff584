//! Deletes what is too old: a page of events and quarantined bodies in the order of their numbers, and raises the floor.

use vtryon_webhooks::Millis;

use super::{end_task, forget_body, forget_event};
use crate::log::Log;
use crate::protocol::delivery::endpoint_of;
use crate::shard::config::Config;
use crate::shard::deliveries::{DeliveryReason, end, rows};
use crate::shard::sequence::floors;
use crate::shard::totals::{self, TotalsCheckpoint};
use crate::storage::database::{Bind, Database, Row};
use crate::{Context, Result};

/// How many events and quarantined bodies one run looks at.
const ENTRIES_PER_RUN: i64 = 200;

/// A run that prunes. Deliveries that nobody will attempt end with their events.
#[derive(Clone, Copy)]
pub(crate) struct Pruning<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) config: &'a Config,
    pub(crate) log: &'a Log,
}

/// An event, or a quarantined body, that may go.
struct Old {
    seq: i64,
    received_at: Millis,
    /// `None` for a body.
    task_no: Option<i64>,
    /// The event of its task before it, which goes before it.
    previous: Option<i64>,
}

impl Pruning<'_> {
    /// Deletes a page of what is too old, once its totals are stored. Returns whether there is more to do at once.
    pub(crate) fn prune(&self, totals: &mut TotalsCheckpoint) -> Result<bool> {
        let (first_left, has_more) = self.context.db.transaction(|| self.page(totals))?;
        totals.committed(first_left);
        Ok(has_more)
    }

    /// Returns the number after the last one that was pruned, 0 where none was, and whether there may be more to do.
    fn page(&self, totals: &TotalsCheckpoint) -> Result<(i64, bool)> {
        const OLD: &str = "SELECT * FROM (
                SELECT seq, received_at, task_no, previous FROM events WHERE seq > ?1
                UNION ALL SELECT no, received_at, NULL, NULL FROM quarantine WHERE no > ?1
                ORDER BY 1
            ) LIMIT ?2";
        // A replay has a number of its own, above that of its event: it goes when that is passed.
        const REPLAYS: &str = "DELETE FROM replay_log WHERE seq > ? AND seq <= ?";
        let Context { db, deployment, now } = *self.context;
        let (until, from) = (deployment.retained_since(now), floors::pruned(db)?);
        let rows = deployment.page(ENTRIES_PER_RUN);
        let old = db.all(OLD, &[Bind::Int(from), Bind::Int(rows)], |row| Old {
            seq: row.int(),
            received_at: Millis(row.int()),
            task_no: row.maybe_int(),
            previous: row.maybe_int(),
        })?;
        let too_old: Vec<&Old> = old.iter().take_while(|event| event.received_at < until).collect();
        let Some(last) = too_old.last().map(|event| event.seq) else { return Ok((0, false)) };
        let counted = if totals.is_before(last + 1) { Some(totals.count_to(db, last + 1)?) } else { None };
        let mut deleted = Vec::new();
        for event in &too_old {
            if is_there(db, event.previous)? || self.is_pending(event.seq)? {
                continue;
            }
            match event.task_no {
                Some(task_no) => {
                    forget_event(db, event.seq)?;
                    deleted.push((event.seq, task_no));
                }
                None => forget_body(self.context, event.seq)?,
            }
        }
        // A tombstone is longer than what it replaces, and totals grow: where the database is full, there is room for them
        // only now.
        for (seq, task_no) in deleted {
            end_task(self.context, seq, task_no)?;
        }
        if let Some(counted) = counted {
            totals::put(db, &self.config.settings, last + 1, counted)?;
        }
        floors::set_pruned(db, last)?;
        db.run(REPLAYS, &[Bind::Int(from), Bind::Int(last)])?;
        floors::raise_live_tasks(db)?;
        Ok((last + 1, too_old.len() as i64 == rows))
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
                    None => DeliveryReason::EndpointDeleted,
                    Some(_) if is_enabled => DeliveryReason::SecretUnreadable,
                    Some(_) => DeliveryReason::EndpointDisabled,
                };
                end::dead_letter(context, config, log, &delivery, reason)?;
            }
        }
        Ok(false)
    }
}

/// Returns whether an event is still there, with its body.
pub(crate) fn is_there(db: &dyn Database, seq: Option<i64>) -> Result<bool> {
    const FIND: &str = "SELECT 1 FROM events WHERE seq = ? AND LENGTH(body) > 0";
    Ok(db.first(FIND, &[Bind::MaybeInt(seq)], Row::int)?.is_some())
}
