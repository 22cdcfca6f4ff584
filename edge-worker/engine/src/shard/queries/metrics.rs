//! Counts rows for `GET /api/metrics`: each number from an index or a key, none beyond a bound.

use vtryon_webhooks::Millis;

use crate::protocol::delivery::{ENDPOINT_NUMBERS, endpoint_of};
use crate::protocol::metrics::{Counts, EndpointCounts, Totals};
use crate::protocol::settings::Settings;
use crate::shard::deliveries;
use crate::shard::deliveries::attempts::leases::WorkerLeases;
use crate::shard::queries::tasks::has_status;
use crate::shard::sequence::floors;
use crate::storage::database::{Bind, Database};
use crate::{Context, Result};

/// Up to where rows of a kind are counted one by one: beyond it, it is many.
const COUNT_LIMIT: i64 = 10_000;

/// Returns what can be counted without reading every row. `totals` are those of the shard.
pub(crate) fn counts(
    context: &Context<'_>,
    settings: &Settings,
    leases: &WorkerLeases,
    totals: Totals,
) -> Result<Counts> {
    const COUNT: &str = concat!(
        "SELECT (SELECT COUNT(*) FROM (
            SELECT stage, unknown FROM tasks INDEXED BY tasks_open WHERE open = 1 LIMIT ?1
        ) WHERE ",
        has_status!(),
        "), (SELECT COUNT(*) FROM (SELECT 1 FROM quarantine WHERE no > ?2 LIMIT ?1))"
    );
    let db = context.db;
    let floor = floors::pruned(db)?;
    let storage_bytes = db.size_bytes()?;
    let counts = db.first(COUNT, &[Bind::Int(COUNT_LIMIT), Bind::Int(floor)], |row| Counts {
        open_tasks: row.int(),
        quarantined: row.int(),
        ..Counts::default()
    })?;
    let mut counts =
        Counts { totals, storage_bytes, largest_shard_bytes: storage_bytes, ..counts.unwrap_or_default() };
    for endpoint in &settings.endpoints {
        let is_active = endpoint.options.is_active();
        counts.endpoints.insert(endpoint.no, EndpointCounts { is_active, ..EndpointCounts::default() });
    }
    counts.totals.attempts.retain(|endpoint, _| counts.endpoints.contains_key(endpoint));
    count_pending(db, leases, &mut counts)?;
    count_dead(db, &mut counts)?;
    Ok(counts)
}

fn count_pending(db: &dyn Database, leases: &WorkerLeases, counts: &mut Counts) -> Result<()> {
    const PENDING: &str = "SELECT COUNT(*), MIN(since) FROM (
        SELECT IIF(replay_count = 0, created_at, COALESCE(first_at, scheduled_at)) AS since
        FROM deliveries INDEXED BY deliveries_due
        WHERE endpoint = CAST(?1 AS INTEGER) AND due_at IS NOT NULL LIMIT ?2)";
    for (delivery, _) in leases.all() {
        if let Some(created_at) = deliveries::rows::leased_since(db, delivery)? {
            counts.endpoint_mut(endpoint_of(delivery)).add(&pending(1, Some(created_at)));
        }
    }
    let endpoints = deliveries::rows::due_endpoints(db)?;
    let mut left = COUNT_LIMIT;
    // Each gets an equal share of the rows that are left: one endpoint that is far behind does not hide another.
    for (endpoint, others) in endpoints.iter().zip((1..=endpoints.len() as i64).rev()) {
        let limit = left / others;
        let found = db.first(PENDING, &[Bind::Int(*endpoint), Bind::Int(limit)], |row| {
            pending(row.int(), row.maybe_int().map(Millis))
        })?;
        let found = found.unwrap_or_default();
        left -= found.pending;
        counts.endpoint_mut(*endpoint).add(&found);
    }
    Ok(())
}

impl Counts {
    /// Returns the counts of an endpoint.
    fn endpoint_mut(&mut self, endpoint: i64) -> &mut EndpointCounts {
        self.endpoints.get_mut(&endpoint).unwrap_or(&mut self.deleted)
    }
}

fn pending(pending: i64, oldest_pending: Option<Millis>) -> EndpointCounts {
    EndpointCounts { pending, oldest_pending, ..EndpointCounts::default() }
}

/// Counts the latest dead letters.
fn count_dead(db: &dyn Database, counts: &mut Counts) -> Result<()> {
    const DEAD: &str = "SELECT no % CAST(?1 AS INTEGER), COUNT(*) FROM (
        SELECT no FROM deliveries INDEXED BY deliveries_dead WHERE state = 'dead' ORDER BY no DESC LIMIT ?2
    ) GROUP BY 1";
    let binds = [Bind::Int(ENDPOINT_NUMBERS), Bind::Int(COUNT_LIMIT)];
    for (endpoint, dead) in db.all(DEAD, &binds, |row| (row.int(), row.int()))? {
        counts.endpoint_mut(endpoint).add(&EndpointCounts { dead, ..EndpointCounts::default() });
    }
    Ok(())
}
