//! What a range of times holds. It is found among the numbers by bisection, so that what came long before it costs
//! nothing, and is gone through page by page.

use vtryon_webhooks::Millis;
use vtryon_webhooks::lifecycle::Outcome;

use crate::Result;
use crate::database::{Bind, Database, Row};
use crate::protocol::TEST_EVENT;
use crate::protocol::delivery::{delivery_no, seq_of};
use crate::protocol::settings::{Endpoint, Replay};
use crate::shard::events;
use crate::shard::live::log::before_time;
use crate::shard::retention::{self, PRUNED_TO, QUARANTINE_PRUNED_TO};

/// How many events one run of the alarm looks at.
const PAGE: i64 = 500;

/// How far the clocks of two machines may differ, in seconds. Numbers are given in the order of arrival but for that
/// much, so a range of times is found among them.
const SKEW: i64 = 60;

/// A page of a range: deliveries with the time of their event, and where the next page begins, if there is one.
type Found = (Vec<(i64, Millis)>, Option<i64>);

/// Returns a number that nothing of a range is below, of those up to the last one.
pub(crate) fn first(db: &dyn Database, replay: &Replay, last: i64) -> Result<i64> {
    let before = before_time(db, replay.from.plus_seconds(-SKEW), last)?;
    // Below all stored events there may be a quarantined body that is stored longer: its delivery is pending.
    Ok(if before > retention::floor(db, PRUNED_TO)? { before + 1 } else { 0 })
}

/// How many events, bodies or dead letters are looked at to count a range: what is beyond counts when it is enqueued.
const COUNTED: i64 = 10_000;

/// Counts what the beginning of a range holds, in one statement: at most so many, for what the endpoint's filter leaves
/// out is known when a page is enqueued. In the end it is what was enqueued.
pub(crate) fn count(
    db: &dyn Database,
    replay: &Replay,
    endpoint: &Endpoint,
    first: i64,
    last: i64,
) -> Result<i64> {
    const DEAD: &str =
        "SELECT COUNT(*) FROM (SELECT endpoint, created_at FROM deliveries INDEXED BY deliveries_dead
            WHERE state = 'dead' AND no BETWEEN ?4 AND ?5 ORDER BY no LIMIT ?6)
        WHERE endpoint = ?3 AND created_at >= ?1 AND created_at < ?2";
    const ALL: &str = "SELECT (SELECT COUNT(*) FROM (SELECT received_at, outcome FROM events
                WHERE seq BETWEEN MAX(?3, ?5 + 1) AND ?4 ORDER BY seq LIMIT ?9)
            WHERE received_at >= ?1 AND received_at < ?2
            AND (outcome = 'applied' OR (outcome = 'unknown' AND ?6)))
        + IIF(?7, (SELECT COUNT(*) FROM (SELECT received_at FROM quarantine
                WHERE no BETWEEN MAX(?3, ?8 + 1) AND ?4 ORDER BY no LIMIT ?9)
            WHERE received_at >= ?1 AND received_at < ?2), 0)";
    let last = before_time(db, replay.until.plus_seconds(SKEW), last)?;
    let (from, until) = (Bind::Int(replay.from.0), Bind::Int(replay.until.0));
    let filter = endpoint.filter();
    let takes_unknown = filter.unknown || !filter.events.is_empty() || !filter.statuses.is_empty();
    let count = if replay.all {
        let binds = [
            from,
            until,
            Bind::Int(first),
            Bind::Int(last),
            Bind::Int(retention::floor(db, PRUNED_TO)?),
            Bind::Int(takes_unknown.into()),
            Bind::Int(filter.quarantined.into()),
            Bind::Int(retention::floor(db, QUARANTINE_PRUNED_TO)?),
            Bind::Int(COUNTED),
        ];
        db.first(ALL, &binds, Row::int)?
    } else {
        let (first, end) = (Bind::Int(delivery_no(first, 0)), Bind::Int(delivery_no(last + 1, 0)));
        let binds = [from, until, Bind::Int(replay.endpoint), first, end, Bind::Int(COUNTED)];
        db.first(DEAD, &binds, Row::int)?
    };
    Ok(count.unwrap_or(0))
}

/// Finds the deliveries of a page of events, and where the next page begins; none when there is no more.
pub(crate) fn page(db: &dyn Database, replay: &Replay, endpoint: &Endpoint, from: i64) -> Result<Found> {
    if replay.all { events_page(db, replay, endpoint, from) } else { dead_page(db, replay, from) }
}

/// Looks at dead letters alone, in the order of their events.
fn dead_page(db: &dyn Database, replay: &Replay, from: i64) -> Result<Found> {
    const DEAD: &str = "SELECT no, created_at FROM deliveries INDEXED BY deliveries_dead
        WHERE state = 'dead' AND endpoint = ? AND no >= ? ORDER BY no LIMIT ?";
    let binds = [Bind::Int(replay.endpoint), Bind::Int(delivery_no(from, 0)), Bind::Int(PAGE)];
    let mut dead = db.all(DEAD, &binds, |row| (row.int(), Millis(row.int())))?;
    let last =
        dead.last().filter(|(_, received_at)| dead.len() as i64 == PAGE && !is_after(replay, *received_at));
    let next = last.map(|(no, _)| seq_of(*no) + 1);
    dead.retain(|(_, received_at)| (replay.from..replay.until).contains(received_at));
    Ok((dead, next))
}

/// Looks at every event, delivered before or never.
fn events_page(db: &dyn Database, replay: &Replay, endpoint: &Endpoint, from: i64) -> Result<Found> {
    // What was pruned has no body any more.
    const KEPT: &str =
        "SELECT * FROM (SELECT seq FROM events WHERE seq >= ?1 AND seq > ?3 ORDER BY seq LIMIT ?2)
        UNION ALL SELECT * FROM (SELECT no FROM quarantine WHERE no >= ?1 AND no > ?4 ORDER BY no LIMIT ?2)
        ORDER BY 1 LIMIT ?2";
    let events_floor = retention::floor(db, PRUNED_TO)?;
    let quarantine_floor = retention::floor(db, QUARANTINE_PRUNED_TO)?;
    let binds = [Bind::Int(from), Bind::Int(PAGE), Bind::Int(events_floor), Bind::Int(quarantine_floor)];
    let seqs = db.all(KEPT, &binds, Row::int)?;
    let mut next = (seqs.len() as i64 == PAGE).then(|| seqs.last().map(|seq| seq + 1)).flatten();
    let filter = endpoint.filter();
    let mut page = Vec::new();
    for seq in seqs {
        let Some(stored) = events::find_deliverable(db, seq)? else { continue };
        if is_after(replay, stored.received_at) {
            next = None;
            break;
        }
        let Some(outcome) = Outcome::from_name(&stored.outcome) else { continue };
        let is_taken = filter.matches(outcome, stored.event().unwrap_or_default(), stored.status.as_deref());
        // A test event was for one endpoint alone.
        let is_test = stored.event() == Some(TEST_EVENT);
        if is_taken && !is_test && (replay.from..replay.until).contains(&stored.received_at) {
            page.push((delivery_no(seq, endpoint.no), stored.received_at));
        }
    }
    Ok((page, next))
}

/// Returns whether whatever comes after an event, by its time, is too late for a range.
fn is_after(replay: &Replay, received_at: Millis) -> bool {
    received_at >= replay.until.plus_seconds(SKEW)
}
