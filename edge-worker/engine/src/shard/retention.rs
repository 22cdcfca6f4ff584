//! Retention: events that are older than the configured time are deleted, unless a delivery of them is
//! pending. What recognises a duplicate stays.
//!
//! Events and quarantined bodies are deleted in the one order of their numbers, up to a stored floor. Those that a
//! delivery holds stay behind, below the floor, and are deleted later: see [`held`]. With the last event of a task its row
//! becomes a tombstone. What was imported is older than what was stored before it here: it is deleted once it is too old
//! and the floor reaches it.

pub(crate) mod erasure;
pub(crate) mod held;
pub(crate) mod imported;
pub(crate) mod pruning;
pub(crate) mod tombstones;

use vtryon_webhooks::Millis;

use super::deliveries;
use super::sequence::floors;
use super::tombstone_ids::{self, is_tombstone};
use crate::storage::database::{Bind, Database, Row};
use crate::{Context, Result};

/// How long after a run the next one comes, in seconds: at once where there is more to do, else an hour.
const SOON: i64 = 1;
const HOUR: i64 = 3600;

/// When the next run may prune.
#[derive(Default)]
pub(crate) struct Retention {
    prune_at: Option<Millis>,
}

impl Retention {
    /// Returns when the next event or body is too old, or now where one is held; `None` where there is none.
    pub(crate) fn next_prune(&self, context: &Context<'_>) -> Result<Option<Millis>> {
        // The first by its number, not by its time: what is older waits for it.
        const FIRST: &str = "SELECT * FROM (
                SELECT seq, received_at FROM events WHERE seq > ?1
                UNION ALL SELECT no, received_at FROM quarantine WHERE no > ?1
                ORDER BY 1
            ) LIMIT 1";
        let Context { db, deployment, now } = *context;
        let pruned = floors::pruned(db)?;
        let first = db.first(FIRST, &[Bind::Int(pruned)], |row| (row.int(), Millis(row.int())))?;
        let due = first.map(|(_, received_at)| received_at.plus_seconds(deployment.retention_seconds()));
        // Tombstones are looked through when the keys have changed, where there are any.
        let has_tombstones = pruned > 0 || floors::erasures(db)? > 0;
        let is_outdated = has_tombstones && tombstones::are_outdated(db, deployment)?;
        let has_held = held::exist(db, pruned)?;
        let due = if is_outdated || has_held { Some(now) } else { due };
        Ok(due.map(|due| self.prune_at.map_or(due, |at| due.max(at))))
    }

    /// Returns whether a run is due.
    pub(crate) fn is_due(&self, context: &Context<'_>) -> Result<bool> {
        Ok(self.next_prune(context)?.is_some_and(|due| due <= context.now))
    }

    /// Notes that a run has ended, and whether it has left something to do at once.
    pub(crate) const fn ran(&mut self, context: &Context<'_>, has_more: bool) {
        let pause = if has_more { context.deployment.machine_seconds(SOON) } else { HOUR * 1000 };
        self.prune_at = Some(context.now.plus_millis(pause));
    }

    /// Lets the next run come at once, where it has something to do.
    pub(crate) const fn run_now(&mut self) {
        self.prune_at = None;
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

/// Empties a quarantined body and deletes its deliveries; deletes it where the secret that signed it is configured no more.
fn forget_body(context: &Context<'_>, no: i64) -> Result<()> {
    const EMPTY: &str = "UPDATE quarantine SET body = x'', message = '' WHERE no = ? RETURNING key";
    let Context { db, deployment, .. } = *context;
    forget_deliveries(db, no)?;
    let key = db.first(EMPTY, &[Bind::Int(no)], Row::text)?;
    key.map_or(Ok(()), |key| tombstones::drop_body(db, &deployment.fingerprints(), no, &key))
}

/// Deletes an event with its deliveries. Of one that is kept once by its content the row stays, without its body.
/// [`end_task`] has to follow.
fn forget_event(db: &dyn Database, seq: i64) -> Result<()> {
    const DELETE: &str = "DELETE FROM events WHERE seq = ? AND digest IS NULL";
    const EMPTY: &str = "UPDATE events SET body = x'', previous = NULL WHERE seq = ?";
    forget_deliveries(db, seq)?;
    db.run(DELETE, &[Bind::Int(seq)])?;
    db.run(EMPTY, &[Bind::Int(seq)])
}

/// Makes the row of a task a tombstone where the event that was deleted is its last one. Neither the row nor what is left of
/// the task's events stays where no secret that signed them is configured any more.
fn end_task(context: &Context<'_>, seq: i64, task_no: i64) -> Result<()> {
    const LAST_OF: &str =
        concat!("SELECT task_id, key FROM tasks WHERE no = ? AND last_seq = ? AND NOT ", is_tombstone!());
    // Where the erasure of the task was imported, its tombstone is there already: what is left is erased.
    const TOMBSTONE: &str = "UPDATE OR IGNORE tasks SET task_id = ?, open = 0, result_url = NULL, failure = NULL, final_at = NULL WHERE no = ?";
    let Context { db, deployment, .. } = *context;
    let last_of = [Bind::Int(task_no), Bind::Int(seq)];
    if let Some((task_id, key)) = db.first(LAST_OF, &last_of, |row| (row.text(), row.text()))? {
        db.run(TOMBSTONE, &[Bind::Text(&tombstone_ids::id(&task_id)), Bind::Int(task_no)])?;
        tombstones::drop_task(db, &deployment.fingerprints(), task_no, &key)?;
    }
    Ok(())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::shard::testing;

    /// An event at 10 seconds, which is stored for an hour.
    const EVENT: &str = "INSERT INTO events (seq, task_no, received_at, outcome, key, body)
        VALUES (1, 1, 10000, 'applied', '', x'00')";
    const TOO_OLD: Millis = Millis(3_610_000);

    #[test]
    fn a_run_is_due_when_the_oldest_event_is_too_old_and_after_the_pause() -> Result<()> {
        let (db, deployment) = (&testing::database()?, &testing::deployment()?);
        let at = |now: i64| Context { db, deployment, now: Millis(now) };
        let mut retention = Retention::default();
        assert_eq!(retention.next_prune(&at(0))?, None, "nothing is stored");
        (db as &dyn Database).run(EVENT, &[])?;
        assert_eq!(retention.next_prune(&at(0))?, Some(TOO_OLD));
        assert!(!retention.is_due(&at(TOO_OLD.0 - 1))? && retention.is_due(&at(TOO_OLD.0))?);
        for (has_more, now, next) in [
            (true, 0, TOO_OLD.0),
            (true, TOO_OLD.0, TOO_OLD.0 + SOON * 1000),
            (false, TOO_OLD.0, TOO_OLD.0 + HOUR * 1000),
        ] {
            retention.ran(&at(now), has_more);
            assert_eq!(retention.next_prune(&at(now))?, Some(Millis(next)), "after a run at {now}");
        }
        retention.run_now();
        assert_eq!(retention.next_prune(&at(0))?, Some(TOO_OLD));
        Ok(())
    }

    #[test]
    fn an_old_body_is_not_due_before_the_event_that_came_here_before_it() -> Result<()> {
        const BODY: &str =
            "INSERT INTO quarantine (no, digest, received_at, code, message, key, bytes, body, cumulative_bytes)
            VALUES (2, '', 0, '', '', '', 1, x'00', 1)";
        let (db, deployment) = (&testing::database()?, &testing::deployment()?);
        let context = Context { db, deployment, now: Millis(0) };
        [EVENT, BODY].into_iter().try_for_each(|stored| (db as &dyn Database).run(stored, &[]))?;
        assert_eq!(Retention::default().next_prune(&context)?, Some(TOO_OLD));
        Ok(())
    }

    #[test]
    fn what_a_delivery_holds_and_tombstones_of_other_keys_are_looked_at_now() -> Result<()> {
        const HELD: &str =
            "INSERT INTO deliveries (no, endpoint, state, created_at, scheduled_at, failed_attempts,
            replay_count, attempts) VALUES (65537, 1, 'pending', 0, 0, 0, 0, '[]')";
        let (db, deployment) = (&testing::database()?, &testing::deployment()?);
        let context = Context { db, deployment, now: Millis(5) };
        let retention = Retention::default();
        floors::set_pruned(db, 1)?;
        assert_eq!(retention.next_prune(&context)?, Some(context.now), "for the keys of the deployment");
        let page = tombstones::ScannedPage::next(&context)?.ok_or("nothing is to be scanned")?;
        assert!(!page.drop_outdated(&context)?);
        assert_eq!(retention.next_prune(&context)?, None);
        (db as &dyn Database).run(HELD, &[])?;
        assert_eq!(retention.next_prune(&context)?, Some(context.now), "a delivery is left below the floor");
        Ok(())
    }
}
