//! Reports of attempts on their way to their shards. One travels with whatever its shard is asked next, an event for
//! example: that saves a call and a commit. Where nothing is asked for a moment, those that wait are sent together.
//!
//! What waits is lost with its isolate. Then the lease ends, and the attempt is made again under the same `webhook-id`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use vtryon_gateway_engine::protocol::delivery::AttemptReport;
use vtryon_webhooks::Millis;

/// How long a report waits for a call that takes it along.
pub(super) const WAIT: Duration = Duration::from_millis(50);

/// After how many milliseconds nobody is expected to send what waits: the request that waited for it was cut off.
const ABANDONED_AFTER: i64 = 1000;

/// The reports that wait for one shard.
#[derive(Default)]
struct Waiting {
    /// Since when somebody waits to send them.
    since: Millis,
    reports: Vec<AttemptReport>,
}

thread_local! {
    static WAITING: RefCell<BTreeMap<u32, Waiting>> = const { RefCell::new(BTreeMap::new()) };
}

/// Returns whether reports wait for a shard.
pub(super) fn is_waiting(shard: u32) -> bool {
    WAITING.with_borrow(|waiting| waiting.contains_key(&shard))
}

/// Takes what waits for a shard.
pub(super) fn take(shard: u32) -> Vec<AttemptReport> {
    WAITING.with_borrow_mut(|waiting| waiting.remove(&shard)).map_or_else(Vec::new, |taken| taken.reports)
}

/// Lets reports wait again that could not be sent, until another one is.
pub(super) fn put_back(shard: u32, reports: Vec<AttemptReport>) {
    if reports.is_empty() {
        return;
    }
    WAITING.with_borrow_mut(|waiting| waiting.entry(shard).or_default().reports.extend(reports));
}

/// Lets a report wait; returns whether nobody else waits for what is sent to this shard.
pub(super) fn add(shard: u32, report: AttemptReport, now: Millis) -> bool {
    WAITING.with_borrow_mut(|waiting| {
        let waiting = waiting.entry(shard).or_default();
        waiting.reports.push(report);
        let is_first = waiting.since.plus_millis(ABANDONED_AFTER) < now;
        if is_first {
            waiting.since = now;
        }
        is_first
    })
}
