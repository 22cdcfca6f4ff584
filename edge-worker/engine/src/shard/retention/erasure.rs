//! Erasure: one task is deleted before its time, as retention deletes it later. Its tombstone stays, and as long as it does,
//! no event of the task is stored again. An erasure has a number of its own, so that live streams tell of it, and exports.

use serde::Serialize;
use vtryon_webhooks::{Digest, Millis};

use super::{delete, tombstones};
use crate::protocol::delivery::DeliveryState;
use crate::shard::deliveries::{self, replays};
use crate::shard::events::rows::{self, StoredTask};
use crate::shard::sequence::{SequenceEntry, floors, task_events};
use crate::shard::{Shard, tombstone_ids};
use crate::storage::database::{Bind, Database, Row};
use crate::text::time;
use crate::{Context, Result};

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
        let Context { db, now, deployment } = *context;
        let Some(task) = rows::find(db, task_id)? else { return Ok(None) };
        let (id, seq) = (tombstone_ids::id(task_id), self.next_seq());
        let (erased_at, (events, deliveries)) = match task.erased_at {
            // Where that was imported, the rows of the task may be left.
            Some(erased_at) => (erased_at, self.erase_left(context, task_id)?),
            None => {
                let end = || {
                    make_tombstone(db, task.no, &id, (seq, now), now)?;
                    // What comes of the task is signed with one of those that are configured now.
                    rows::add_keys(db, &task, &deployment.fingerprints())
                };
                (now, self.erase_rows(context, &task, end)?)
            }
        };
        // Also where it was erased before: the instance that did so may have ended before its sockets were closed.
        self.audience.broadcast_erasure(Digest::of_task(task_id), Some(task_id));
        if task.erased_at.is_none() {
            self.announce_erasure(seq);
        }
        let (task_id, erased_at) = (task_id.to_owned(), time::rfc3339(erased_at));
        Ok(Some(Erasure { task_id, erased_at, events, deliveries }))
    }

    /// Erases the events and deliveries of a task, and what `end` does with its row. Returns how many there were.
    fn erase_rows(
        &mut self,
        context: &Context<'_>,
        task: &StoredTask,
        end: impl Fn() -> Result<()>,
    ) -> Result<(usize, usize)> {
        let db = context.db;
        let events =
            task.last_seq.map_or_else(|| Ok(Vec::new()), |last| task_events::until(context, last))?;
        let deliveries = db.transaction(|| {
            self.totals.add_erased(db, &self.config.settings, &events)?;
            let deliveries = delete_events(db, task, &events)?;
            end()?;
            floors::raise_live_tasks(db)?;
            Ok(deliveries)
        })?;
        self.duplicates.forget(task.no);
        for delivery in &deliveries {
            self.attempts.leases.release(*delivery);
        }
        Ok((events.len(), deliveries.len()))
    }

    /// Erases a task where its erasure was imported.
    pub(crate) fn erase_imported(&mut self, context: &Context<'_>, task_id: &str) -> Result<()> {
        if is_erased(context.db, task_id)? {
            self.erase_left(context, task_id)?;
            self.audience.broadcast_erasure(Digest::of_task(task_id), Some(task_id));
        }
        Ok(())
    }

    /// Erases what is left of a task that has a tombstone. Returns how many events and deliveries that was.
    fn erase_left(&mut self, context: &Context<'_>, task_id: &str) -> Result<(usize, usize)> {
        let db = context.db;
        let Some(left) = rows::find_row(db, task_id)? else { return Ok((0, 0)) };
        // The tombstone has a higher `no`, so deleting this row does not free the highest number.
        self.erase_rows(context, &left, || db.run("DELETE FROM tasks WHERE no = ?", &[Bind::Int(left.no)]))
    }

    /// Notes that an erasure was stored under a number, and tells whoever watches the shard.
    pub(crate) fn announce_erasure(&mut self, seq: i64) {
        self.last_seq = seq;
        self.audience.broadcast(SequenceEntry::erasure(seq), None);
    }
}

/// Returns whether a task was erased.
pub(crate) fn is_erased(db: &dyn Database, task_id: &str) -> Result<bool> {
    const ERASED: &str = "SELECT 1 FROM tasks WHERE task_id = ? AND erased_at IS NOT NULL";
    Ok(db.first(ERASED, &[Bind::Text(&tombstone_ids::id(task_id))], Row::int)?.is_some())
}

/// Finds the erasure with a number: the digest of the task's id, and when it was erased.
pub(crate) fn find(db: &dyn Database, seq: i64) -> Result<Option<(String, Millis)>> {
    const FIND: &str = "SELECT task_id, erased_at FROM tasks WHERE erased_at IS NOT NULL AND last_seq = ?";
    db.first(FIND, &[Bind::Int(seq)], |row| {
        (tombstone_ids::digest_in(&row.text()).to_owned(), Millis(row.int()))
    })
}

/// Deletes events of a task with their deliveries. Returns the deliveries.
fn delete_events(db: &dyn Database, task: &StoredTask, events: &[i64]) -> Result<Vec<i64>> {
    let mut deleted = Vec::new();
    for seq in events {
        for delivery in deliveries::rows::of_event(db, *seq)? {
            if delivery.state == DeliveryState::Pending {
                replays::count(db, &delivery, false)?;
            }
            deleted.push(delivery.no);
        }
        delete(db, *seq)?;
    }
    tombstones::forget_other_events(db, task.no)?;
    Ok(deleted)
}

/// Makes a task's row the tombstone of an erasure, which has a number and was at a time.
pub(super) fn make_tombstone(
    db: &dyn Database,
    task_no: i64,
    id: &str,
    (seq, erased_at): (i64, Millis),
    now: Millis,
) -> Result<()> {
    // Nothing is compared with the statuses any more, and their names are Vtryon's.
    const ERASE: &str = "UPDATE tasks SET task_id = ?, erased_at = ?, last_seq = ?, updated_at = ?,
            open = 0, unknown = '[]', result_url = NULL, failure = NULL
        WHERE no = ?";
    let binds =
        [Bind::Text(id), Bind::Int(erased_at.0), Bind::Int(seq), Bind::Int(now.0), Bind::Int(task_no)];
    db.run(ERASE, &binds)?;
    floors::set_erasures(db, seq)
}
