//! Counts rows for `GET /api/metrics`: each number from an index or a key, none beyond a bound.

use vtryon_webhooks::Millis;

use crate::Result;
use crate::database::{Bind, Database};
use crate::protocol::Counts;
use crate::shard::retention::{self, QUARANTINE_PRUNED_TO};
use crate::shard::{Shard, deliveries};

/// Up to where rows are counted one by one: beyond it, it is many.
const MANY: i64 = 10_000;

impl Shard {
    /// Returns what can be counted without reading every row.
    ///
    /// # Errors
    /// A fault of the database.
    pub fn counts(&self, db: &dyn Database) -> Result<Counts> {
        const COUNT: &str = "SELECT
            (SELECT COUNT(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_open WHERE open = 1 LIMIT ?1)),
            (SELECT COUNT(*) FROM (SELECT 1 FROM quarantine WHERE no > ?2 LIMIT ?1)),
            (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_due
                WHERE due_at IS NOT NULL LIMIT ?1)),
            (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_dead
                WHERE state = 'dead' LIMIT ?1))";
        let floor = retention::floor(db, QUARANTINE_PRUNED_TO)?;
        let leased = self.leases.count_leased(db)?;
        let mut oldest_due: Option<Millis> = None;
        let settings = &self.settings;
        let endpoints = settings.endpoints.iter().map(|endpoint| &endpoint.no).chain(&settings.deleted);
        for endpoint in endpoints {
            let due_at = deliveries::next_due(db, *endpoint)?;
            oldest_due = [oldest_due, due_at].into_iter().flatten().min();
        }
        let counts = db.first(COUNT, &[Bind::Int(MANY), Bind::Int(floor)], |row| Counts {
            events: self.last_seq,
            open_tasks: row.int(),
            quarantined: row.int(),
            pending: row.int() + leased,
            dead: row.int(),
            oldest_due,
        })?;
        Ok(counts.unwrap_or_default())
    }
}
