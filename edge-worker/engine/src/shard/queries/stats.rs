//! Counts what was received lately for `GET /api/stats`, from rows that exist anyway: nothing is written for
//! it.

use std::collections::BTreeMap;

use vtryon_webhooks::Millis;

use crate::protocol::delivery::delivery_no;
use crate::protocol::stats::{Count, EndpointLoad, LatencyBucket, Stats, bound};
use crate::shard::events::import;
use crate::shard::sequence::before_time;
use crate::storage::database::{Bind, Database, Row};
use crate::{Context, Result};

/// How many events, and how many deliveries, are looked at.
const COUNT_LIMIT: i64 = 10_000;

/// How long storing took, as Workers have reported since this instance has started.
#[derive(Default)]
pub(crate) struct Commits {
    /// How often storing took at most so many milliseconds.
    counts: BTreeMap<i64, u64>,
    slowest_ms: Option<i64>,
}

impl Commits {
    pub(crate) fn note(&mut self, took_ms: Option<i64>) {
        let Some(took_ms) = took_ms else { return };
        *self.counts.entry(bound(took_ms)).or_default() += 1;
        self.slowest_ms = self.slowest_ms.max(Some(took_ms));
    }

    /// Adds what was noted to statistics.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.commits = self.counts.iter().map(|(bound, count)| (*bound, *count)).collect();
        stats.slowest_commit = self.slowest_ms;
    }
}

/// Counts what was received from a time on; of deliveries those to an endpoint, where one is named.
pub(crate) fn stats(
    context: &Context<'_>,
    last_seq: i64,
    from: Millis,
    endpoint: Option<i64>,
) -> Result<Stats> {
    const EVENTS: &str = "SELECT CAST((received_at - ?1) / 60000 AS INTEGER), outcome, COUNT(*) FROM (
            SELECT received_at, outcome FROM events WHERE seq > ?2 AND task_no > 0 ORDER BY seq DESC LIMIT ?3
        ) WHERE received_at >= ?1 GROUP BY 1, 2";
    const QUARANTINED: &str =
        "SELECT CAST((received_at - ?1) / 60000 AS INTEGER), 'quarantined', COUNT(*) FROM (
            SELECT received_at FROM quarantine WHERE no > ?2 ORDER BY no DESC LIMIT ?3
        ) WHERE received_at >= ?1 GROUP BY 1";
    const DELIVERIES: &str = "SELECT CAST((created_at - ?1) / 60000 AS INTEGER), state, COUNT(*) FROM (
            SELECT created_at, state, endpoint FROM deliveries WHERE no >= ?2 ORDER BY no DESC LIMIT ?3
        ) WHERE created_at >= ?1 AND (?4 IS NULL OR endpoint = ?4) GROUP BY 1, 2";
    const LOOKED_AT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE no >= ? LIMIT ?)";
    let db = context.db;
    let start = before_time(db, from, last_seq)?;
    let of_events = [Bind::Int(from.0), Bind::Int(start), Bind::Int(COUNT_LIMIT)];
    let first = Bind::Int(delivery_no(start + 1, 0));
    let of_deliveries = [Bind::Int(from.0), first, Bind::Int(COUNT_LIMIT), Bind::MaybeInt(endpoint)];
    let mut events = counts(db, EVENTS, &of_events)?;
    let quarantined = counts(db, QUARANTINED, &of_events)?;
    let deliveries = counts(db, DELIVERIES, &of_deliveries)?;
    let most = COUNT_LIMIT as u64;
    let is_full = |counts: &[Count]| counts.iter().map(|(.., count)| count).sum::<u64>() >= most;
    let looked_at = db.first(LOOKED_AT, &[first, Bind::Int(COUNT_LIMIT)], Row::int)?;
    // Of what was imported since, nothing may count, and yet it is looked at.
    let is_covered = import::last_event(db)? > start && last_seq - start > COUNT_LIMIT;
    let truncated = is_covered || is_full(&events) || is_full(&quarantined) || looked_at >= Some(COUNT_LIMIT);
    events.extend(quarantined);
    Ok(Stats {
        truncated,
        latency: latency(db, &of_deliveries)?,
        events,
        deliveries,
        load: endpoint.map_or_else(|| Ok(EndpointLoad::default()), |no| load(context, no))?,
        ..Stats::default()
    })
}

/// Counts what is due to an endpoint.
fn load(context: &Context<'_>, endpoint: i64) -> Result<EndpointLoad> {
    const DUE: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_due
        WHERE endpoint = ? AND due_at <= ? LIMIT ?)";
    let binds = [Bind::Int(endpoint), Bind::Int(context.now.0), Bind::Int(COUNT_LIMIT)];
    let due = context.db.first(DUE, &binds, Row::int)?.unwrap_or(0);
    Ok(EndpointLoad { due: due.unsigned_abs(), ..EndpointLoad::default() })
}

fn counts(db: &dyn Database, query: &'static str, binds: &[Bind<'_>]) -> Result<Vec<Count>> {
    db.all(query, binds, |row| (minute(row), row.text(), row.int().unsigned_abs()))
}

/// Sorts what was delivered by how long it took. What was replayed says nothing of that.
fn latency(db: &dyn Database, binds: &[Bind<'_>]) -> Result<Vec<LatencyBucket>> {
    const TOOK: &str = "SELECT CAST((created_at - ?1) / 60000 AS INTEGER), ended_at - created_at FROM (
            SELECT created_at, ended_at, state, replay_count, endpoint FROM deliveries WHERE no >= ?2 ORDER BY no DESC LIMIT ?3
        ) WHERE created_at >= ?1 AND (?4 IS NULL OR endpoint = ?4) AND state = 'delivered' AND replay_count = 0";
    let mut sorted: BTreeMap<(u32, i64), u64> = BTreeMap::new();
    for place in db.all(TOOK, binds, |row| (minute(row), bound(row.int())))? {
        *sorted.entry(place).or_default() += 1;
    }
    Ok(sorted.into_iter().map(|((minute, bound), count)| (minute, bound, count)).collect())
}

fn minute(row: &mut Row) -> u32 {
    let minute = row.int();
    row.checked(u32::try_from(minute).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_counted_by_the_bounds_of_how_long_they_took() {
        let (mut commits, mut stats) = (Commits::default(), Stats::default());
        for took_ms in [Some(1), None, Some(1), Some(700), Some(3)] {
            commits.note(took_ms);
        }
        commits.add_to(&mut stats);
        let mut counted = BTreeMap::from([(bound(1), 2), (bound(700), 1)]);
        *counted.entry(bound(3)).or_default() += 1;
        assert_eq!(stats.commits, counted.into_iter().collect::<Vec<_>>());
        assert_eq!(stats.slowest_commit, Some(700), "not the last one");
    }
}
