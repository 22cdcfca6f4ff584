//! Reports of attempts on their way to their shards. One travels with whatever its shard is asked next, an event for
//! example: that saves a call and a commit. Where nothing is asked for a moment, those that wait are sent together.
//!
//! What waits is lost with its isolate, and what is on its way with a request that the platform cancels. Then the lease
//! ends, and the attempt is made again under the same `webhook-id`.

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
struct PendingReports {
    /// Since when somebody waits to send them.
    since: Millis,
    reports: Vec<AttemptReport>,
}

thread_local! {
    static PENDING: RefCell<BTreeMap<u32, PendingReports>> = const { RefCell::new(BTreeMap::new()) };
}

/// Returns whether reports wait for a shard.
pub(super) fn is_pending(shard: u32) -> bool {
    PENDING.with_borrow(|pending| pending.contains_key(&shard))
}

/// Takes what waits for a shard.
pub(super) fn take(shard: u32) -> Vec<AttemptReport> {
    PENDING.with_borrow_mut(|pending| pending.remove(&shard)).map_or_else(Vec::new, |taken| taken.reports)
}

/// Lets reports wait again that could not be sent, until another one is.
pub(super) fn put_back(shard: u32, reports: Vec<AttemptReport>) {
    if reports.is_empty() {
        return;
    }
    PENDING.with_borrow_mut(|pending| pending.entry(shard).or_default().reports.extend(reports));
}

/// Queues a report. Returns whether the caller has to send the queue, because nobody else is about to.
pub(super) fn add(shard: u32, report: AttemptReport, now: Millis) -> bool {
    PENDING.with_borrow_mut(|pending| {
        let pending = pending.entry(shard).or_default();
        pending.reports.push(report);
        let is_first = pending.since.plus_millis(ABANDONED_AFTER) < now;
        if is_first {
            pending.since = now;
        }
        is_first
    })
}
