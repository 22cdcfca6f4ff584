//! Counts rows for `GET /api/metrics`: each number from an index or a key, none beyond a bound.

use vtryon_webhooks::Millis;

use crate::objects::shard::retention::{self, QUARANTINE_PRUNED_TO};
use crate::objects::shard::{TaskShard, deliveries};
use crate::platform::sql::{self, Bind};
use crate::protocol::Counts;

/// Up to where rows are counted one by one: beyond it, it is many.
const MANY: i64 = 10_000;

impl TaskShard {
    pub(in crate::objects::shard) fn counts(&self) -> worker::Result<Counts> {
        const COUNT: &str = "SELECT
            (SELECT COUNT(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_open WHERE open = 1 LIMIT ?1)),
            (SELECT COUNT(*) FROM (SELECT 1 FROM quarantine WHERE no > ?2 LIMIT ?1)),
            (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_due
                WHERE due_at IS NOT NULL LIMIT ?1)),
            (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_dead
                WHERE state = 'dead' LIMIT ?1))";
        let sql = self.state.storage().sql();
        let floor = retention::floor(&sql, QUARANTINE_PRUNED_TO)?;
        let leased = self.memory.leases.borrow().len() as i64;
        let mut oldest_due: Option<Millis> = None;
        let settings = self.settings();
        let endpoints = settings.endpoints.iter().map(|endpoint| &endpoint.no).chain(&settings.deleted);
        for endpoint in endpoints {
            let due_at = deliveries::next_due(&sql, *endpoint)?;
            oldest_due = [oldest_due, due_at].into_iter().flatten().min();
        }
        let counts = sql::first(&sql, COUNT, &[Bind::Int(MANY), Bind::Int(floor)], |row| Counts {
            events: self.memory.last_seq.get().unwrap_or(0),
            open_tasks: row.int(),
            quarantined: row.int(),
            pending: row.int() + leased,
            dead: row.int(),
            oldest_due,
        })?;
        Ok(counts.unwrap_or_default())
    }
}
