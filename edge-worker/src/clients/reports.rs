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
        // Whoever seems to wait from a later time on has begun before the clock went back.
        let is_first = pending.since.remaining(ABANDONED_AFTER + 1, now).is_none();
        if is_first {
            pending.since = now;
        }
        is_first
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> AttemptReport {
        let (leased_until, settings_version) = (Millis(0), 0);
        AttemptReport { delivery: 1, replay_count: 0, attempt: 1, leased_until, settings_version, made: None }
    }

    #[test]
    fn one_request_at_a_time_waits_to_send_the_reports_of_a_shard() {
        for (now, is_first, why) in [
            (10_000, true, "nobody waits"),
            (11_000, false, "somebody waits"),
            (11_001, true, "whoever waited was cut off"),
            (9_000, true, "the clock went back"),
            (9_001, false, "somebody waits by the clock as it is"),
        ] {
            assert_eq!(add(0, report(), Millis(now)), is_first, "{now}: {why}");
        }
        assert_eq!(take(0).len(), 5);
        assert!(!is_pending(0));
        assert!(add(0, report(), Millis(9_002)), "all were taken");
    }
}
