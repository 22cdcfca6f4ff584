//! What a range of times holds. It is found among the numbers by bisection, so that what came long before it costs
//! nothing, and is gone through page by page.

use vtryon_webhooks::Millis;
use vtryon_webhooks::endpoint::Filter;
use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::lifecycle::Outcome;

use crate::protocol::TEST_EVENT;
use crate::protocol::delivery::{delivery_no, endpoint_of, seq_of};
use crate::protocol::settings::{Endpoint, RangeCount, Replay};
use crate::shard::events::{self, import};
use crate::shard::sequence::{before_time, floors};
use crate::storage::database::{Bind, Database, Row};
use crate::text::time::SKEW;
use crate::{Context, Result};

/// How many events, or dead letters, one run of the alarm looks at.
const EVENTS_PER_RUN: i64 = 500;

/// A page of a range.
pub(crate) struct RangePage {
    /// The deliveries, each with the time of its event.
    pub(crate) deliveries: Vec<(i64, Millis)>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<i64>,
}

/// Returns a number that nothing of a range is below, of those up to the last one.
pub(crate) fn first(db: &dyn Database, replay: &Replay, last: i64) -> Result<i64> {
    let before = before_time(db, replay.from.plus_seconds(-SKEW), last)?;
    // Below the floor there may be a delivery that is held.
    Ok(if before > floors::pruned(db)? { before + 1 } else { 0 })
}

/// At most so many rows are counted in advance; `matched` grows as later pages are enqueued.
const COUNTED: i64 = 10_000;

/// Counts what the beginning of a range holds, in a statement for each kind of what is stored.
pub(crate) fn count(
    db: &dyn Database,
    replay: &Replay,
    endpoint: &Endpoint,
    first: i64,
    last: i64,
) -> Result<RangeCount> {
    let last = before_time(db, replay.until.plus_seconds(SKEW), last)?.max(import::last_event(db)?.min(last));
    if replay.all {
        count_events(db, replay, endpoint, first, last)
    } else {
        count_dead(db, replay, first, last)
    }
}

fn count_dead(db: &dyn Database, replay: &Replay, first: i64, last: i64) -> Result<RangeCount> {
    const DEAD: &str =
        "SELECT COUNT(*), COALESCE(SUM(endpoint = ?3 AND created_at >= ?1 AND created_at < ?2), 0)
        FROM (SELECT endpoint, created_at FROM deliveries INDEXED BY deliveries_dead
            WHERE state = 'dead' AND no BETWEEN ?4 AND ?5 ORDER BY no LIMIT ?6)";
    let (first, end) = (Bind::Int(delivery_no(first, 0)), Bind::Int(delivery_no(last + 1, 0)));
    let (from, until) = (Bind::Int(replay.from.0), Bind::Int(replay.until.0));
    let binds = [from, until, Bind::Int(replay.endpoint), first, end, Bind::Int(COUNTED)];
    let counted = db.first(DEAD, &binds, |row| {
        let looked_at = row.int();
        RangeCount { matched: row.int(), is_truncated: looked_at == COUNTED }
    })?;
    Ok(counted.unwrap_or_default())
}

fn count_events(
    db: &dyn Database,
    replay: &Replay,
    endpoint: &Endpoint,
    first: i64,
    last: i64,
) -> Result<RangeCount> {
    const EVENTS: &str = "SELECT received_at, outcome, COALESCE(name, ?4), status FROM events
        WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3";
    const BODIES: &str = "SELECT received_at FROM quarantine
        WHERE no BETWEEN ? AND ? AND LENGTH(body) = bytes ORDER BY no LIMIT ?";
    let filter = endpoint.filter();
    let is_within = |received_at: i64| (replay.from..replay.until).contains(&Millis(received_at));
    let from = first.max(floors::pruned(db)? + 1);
    let binds = [Bind::Int(from), Bind::Int(last), Bind::Int(COUNTED), Bind::Text(STATUS_CHANGED)];
    let events = db.all(EVENTS, &binds, |row| {
        let (is_within, outcome) = (is_within(row.int()), row.text());
        let (name, status) = (row.text(), row.maybe_text());
        is_within && matches(&filter, &outcome, &name, status.as_deref())
    })?;
    let [from, last, most, _] = binds;
    let bodies = if filter.quarantined {
        db.all(BODIES, &[from, last, most], |row| is_within(row.int()))?
    } else {
        Vec::new()
    };
    let looked_at = events.len().max(bodies.len()) as i64;
    let matched = events.into_iter().chain(bodies).filter(|is_matched| *is_matched).count() as i64;
    Ok(RangeCount { matched, is_truncated: looked_at == COUNTED })
}

/// Returns whether a range has an event for its endpoint. A test event was for one endpoint alone.
fn matches(filter: &Filter, outcome: &str, name: &str, status: Option<&str>) -> bool {
    name != TEST_EVENT
        && Outcome::from_name(outcome).is_some_and(|outcome| filter.matches(outcome, name, status))
}

/// Finds the deliveries of a page of events, at most so many, and where the next page begins; none when there is no more.
pub(crate) fn page(
    context: &Context<'_>,
    replay: &Replay,
    endpoint: &Endpoint,
    from: i64,
    most: usize,
) -> Result<RangePage> {
    let Context { db, deployment, .. } = *context;
    let rows = deployment.page(EVENTS_PER_RUN);
    if replay.all {
        events_page(db, replay, endpoint, from, rows, most)
    } else {
        dead_page(db, replay, from, rows, most)
    }
}

/// Looks at dead letters alone, in the order of their events: at those of all endpoints, which their index does not tell
/// apart.
fn dead_page(db: &dyn Database, replay: &Replay, from: i64, rows: i64, most: usize) -> Result<RangePage> {
    const DEAD: &str = "SELECT no, created_at FROM deliveries INDEXED BY deliveries_dead
        WHERE state = 'dead' AND no >= ? ORDER BY no LIMIT ?";
    let binds = [Bind::Int(delivery_no(from, replay.endpoint)), Bind::Int(rows)];
    let dead = db.all(DEAD, &binds, |row| (row.int(), Millis(row.int())))?;
    let own = dead.iter().copied().filter(|(no, _)| endpoint_of(*no) == replay.endpoint);
    let mut own: Vec<_> = own.take(most).collect();
    let imported = import::last_event(db)?;
    // It goes on after the last one that it has, or else that it has looked at.
    let last = if own.len() == most { own.last() } else { dead.last().filter(|_| dead.len() as i64 == rows) };
    let last =
        last.filter(|(no, received_at)| !is_after(replay, imported, seq_of(*no), *received_at)).copied();
    // That one may be of an endpoint before this one: then it goes on with the same event.
    let next = last.map(|(no, _)| seq_of(no - replay.endpoint) + 1);
    own.retain(|(_, received_at)| (replay.from..replay.until).contains(received_at));
    Ok(RangePage { deliveries: own, next })
}

/// Looks at every event, delivered before or never.
fn events_page(
    db: &dyn Database,
    replay: &Replay,
    endpoint: &Endpoint,
    from: i64,
    rows: i64,
    most: usize,
) -> Result<RangePage> {
    // What was pruned has no body any more.
    const KEPT: &str = "SELECT * FROM (
            SELECT seq FROM events WHERE seq >= ?1 UNION ALL SELECT no FROM quarantine WHERE no >= ?1 ORDER BY 1
        ) LIMIT ?2";
    let from = from.max(floors::pruned(db)? + 1);
    let seqs = db.all(KEPT, &[Bind::Int(from), Bind::Int(rows)], Row::int)?;
    let mut next = (seqs.len() as i64 == rows).then(|| seqs.last().map(|seq| seq + 1)).flatten();
    let filter = endpoint.filter();
    let imported = import::last_event(db)?;
    let mut deliveries = Vec::new();
    for seq in seqs {
        if deliveries.len() == most {
            next = Some(seq);
            break;
        }
        let Some(stored) = events::find_deliverable(db, seq)? else { continue };
        if is_after(replay, imported, seq, stored.received_at) {
            next = None;
            break;
        }
        let name = stored.event().unwrap_or_default();
        let is_matched = matches(&filter, &stored.outcome, name, stored.status.as_deref());
        if is_matched && (replay.from..replay.until).contains(&stored.received_at) {
            deliveries.push((delivery_no(seq, endpoint.no), stored.received_at));
        }
    }
    Ok(RangePage { deliveries, next })
}

/// Returns whether whatever comes after an event is too late for a range. Up to the one that was imported last, the times
/// are in no order.
fn is_after(replay: &Replay, imported: i64, seq: i64, received_at: Millis) -> bool {
    seq > imported && received_at >= replay.until.plus_seconds(SKEW)
}
