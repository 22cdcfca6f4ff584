//! Erasure: one task is deleted before its time, as retention deletes it later. Its tombstone stays, and as long as it does,
//! no event of the task is stored again.

use serde::Serialize;
use vtryon_webhooks::Millis;

use super::{ERASED_TO, Old, floor, forget, raise_live_floor, tombstones};
use crate::database::{Bind, Database, Row};
use crate::shard::Shard;
use crate::shard::deliveries::{self, DeliveryState, replays};
use crate::shard::events::rows::{self, Task};
use crate::shard::events::walk::walk;
use crate::{Context, Result, meta, time};

/// How many events of a task one statement finds.
const PAGE: i64 = 1000;

/// What was erased of a task.
#[derive(Serialize)]
pub(crate) struct Erasure {
    task_id: String,
    erased_at: String,
    /// How many events and deliveries were erased; none where the task had been erased, or pruned, before.
    events: usize,
    deliveries: usize,
}

impl Shard {
    /// Erases a task: its events, its result and its deliveries. Returns `None` where no event of it has arrived.
    pub(crate) fn erase(&mut self, context: &Context<'_>, task_id: &str) -> Result<Option<Erasure>> {
        let Context { db, now, .. } = *context;
        let Some(task) = rows::find(db, task_id)? else { return Ok(None) };
        let (erased_at, events, erased) = match task.erased_at {
            Some(erased_at) => (erased_at, Vec::new(), Vec::new()),
            None => {
                let events = events_of(db, &task)?;
                let erased = db.transaction(|| {
                    self.totals.keep(db, &self.settings, &events)?;
                    erase(db, &task, &events, now)
                })?;
                (now, events, erased)
            }
        };
        self.duplicates.forget(task.no);
        for delivery in &erased {
            self.leases.release(*delivery);
        }
        // Also where it was erased before: the instance that did so may have ended before its sockets were closed.
        self.broadcast_erasure(task_id);
        let (task_id, erased_at) = (task_id.to_owned(), time::rfc3339(erased_at));
        Ok(Some(Erasure { task_id, erased_at, events: events.len(), deliveries: erased.len() }))
    }
}

/// Returns whether a task was erased.
pub(crate) fn is_erased(db: &dyn Database, task_id: &str) -> Result<bool> {
    const ERASED: &str = "SELECT 1 FROM tasks WHERE task_id = ? AND erased_at IS NOT NULL";
    Ok(db.first(ERASED, &[Bind::Text(&tombstones::id(task_id))], Row::int)?.is_some())
}

/// Finds the numbers of a task's events, from the last one back to the first.
fn events_of(db: &dyn Database, task: &Task) -> Result<Vec<i64>> {
    const FOLLOW: &str = walk!("?", "?", "SELECT seq, previous FROM line");
    let mut events = Vec::new();
    let mut next = task.last_seq;
    while let Some(from) = next {
        let binds = [Bind::Int(from), Bind::Int(PAGE)];
        let page = db.all(FOLLOW, &binds, |row| (row.int(), row.maybe_int()))?;
        let is_full = page.len() as i64 == PAGE;
        next = page.last().filter(|_| is_full).and_then(|(_, previous)| *previous);
        events.extend(page.into_iter().map(|(seq, _)| seq));
    }
    Ok(events)
}

/// Deletes events with their deliveries and makes the task's row a tombstone. Returns the deliveries.
fn erase(db: &dyn Database, task: &Task, events: &[i64], now: Millis) -> Result<Vec<i64>> {
    // Nothing is compared with the statuses any more, and their names are Vtryon's.
    const ERASE: &str = "UPDATE tasks SET erased_at = ?, unknown = '[]' WHERE no = ?";
    let mut erased = Vec::new();
    for seq in events {
        for delivery in deliveries::rows::of_event(db, *seq)? {
            if delivery.state == DeliveryState::Pending {
                replays::count(db, &delivery, false)?;
            }
            erased.push(delivery.no);
        }
        forget(db, &Old { seq: *seq, received_at: now, task_no: task.no, is_named: false })?;
    }
    tombstones::forget_named(db, task.no)?;
    db.run(ERASE, &[Bind::Int(now.0), Bind::Int(task.no)])?;
    if let Some(last) = task.last_seq {
        meta::set(db, ERASED_TO, last.max(floor(db, ERASED_TO)?))?;
    }
    raise_live_floor(db)?;
    Ok(erased)
}
