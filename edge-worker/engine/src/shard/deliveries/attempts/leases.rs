//! Leases: until when an attempt may be in progress. The row of a delivery has the time.
//!
//! A first attempt of the Worker has no due time meanwhile, so its lease is remembered until it is reported or over. After
//! a restart such leases are found again, from an event on whose number is stored. Leases of the shard's own attempts are
//! not among them: their deliveries are due again when the lease ends.

use std::collections::BTreeMap;

use vtryon_webhooks::Millis;

use crate::protocol::delivery::seq_of;
use crate::shard::deliveries::rows;
use crate::storage::meta;
use crate::{Context, Deployment, Result};

/// How long after an event the Worker may begin its attempts, in seconds of machine time.
const BEGIN_WITHIN_SECONDS: i64 = 5;

/// How long an attempt may go on after its timeout, in seconds of machine time: the beginning of an answer's body is
/// read, after a second signature once more, and the report has to arrive.
const MARGIN_SECONDS: i64 = 15;

/// How long the platform lets a request go on after its answer, in seconds (`waitUntil`), and how much of that the
/// Worker keeps for the beginning of an answer's body and the report.
const AFTER_ANSWER_SECONDS: i64 = 30;
const REPORT_SECONDS: i64 = 5;

/// How long a lease may last at most, in seconds of machine time. Clocks of objects differ a little.
const MAX_LEASE_SECONDS: i64 = 60;

/// How many events the stored number may lag behind: writing it costs a row, and looking through them at a start far
/// less.
const LAG_EVENTS: i64 = 100;

/// The same where none of them was leased, as to an endpoint that is failing.
const IDLE_LAG_EVENTS: i64 = 1000;

/// The name in `meta` of the first event whose deliveries may be leased.
const FLOOR: &str = "leased_from";

/// When the lease of each first attempt of the Worker ends.
#[derive(Default)]
pub(crate) struct WorkerLeases {
    ends: BTreeMap<i64, Millis>,
    /// Whether one was granted since the floor was stored.
    has_granted: bool,
}

/// The lease of an attempt.
#[derive(Clone, Copy)]
pub(crate) struct Lease {
    /// Until when the attempt may begin.
    pub(crate) begin_before: Millis,
    /// When it has certainly ended.
    pub(crate) until: Millis,
}

impl Lease {
    /// Returns the lease that an attempt with a timeout gets now.
    pub(crate) fn from_now(deployment: &Deployment, timeout_seconds: u32, now: Millis) -> Self {
        let after = |seconds| now.plus_millis(deployment.machine_seconds(seconds));
        let begin_before = after(BEGIN_WITHIN_SECONDS);
        Self {
            begin_before,
            until: after(BEGIN_WITHIN_SECONDS + i64::from(timeout_seconds) + MARGIN_SECONDS),
        }
    }
}

/// Returns by when every attempt that was leased until now has certainly ended.
pub(crate) fn all_over_at(deployment: &Deployment, now: Millis) -> Millis {
    now.plus_millis(deployment.machine_seconds(MAX_LEASE_SECONDS))
}

/// Returns whether the Worker has the time for an attempt with a timeout after its answer.
pub(crate) const fn fits_worker(timeout_seconds: u32) -> bool {
    BEGIN_WITHIN_SECONDS + timeout_seconds as i64 + REPORT_SECONDS <= AFTER_ANSWER_SECONDS
}

impl WorkerLeases {
    /// Restores the leases that an earlier instance has granted.
    pub(crate) fn recover(context: &Context<'_>) -> Result<Self> {
        let floor = meta::number(context.db, FLOOR)?;
        let mut leases = Self::default();
        for (delivery, until) in rows::leased(context.db, floor)? {
            leases.grant(delivery, until);
        }
        Ok(leases)
    }

    /// Leases a first attempt to the Worker.
    pub(crate) fn grant(&mut self, delivery: i64, until: Millis) {
        self.has_granted = true;
        self.ends.insert(delivery, until);
    }

    /// Returns the deliveries whose first attempts are leased, and until when: also leases that have ended, and that the
    /// next run of the alarm expires.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i64, Millis)> {
        self.ends.iter().map(|(delivery, end)| (*delivery, *end))
    }

    /// Ends a lease: its attempt was recorded.
    pub(crate) fn release(&mut self, delivery: i64) {
        self.ends.remove(&delivery);
    }

    /// Returns a lease that is stored but missing here, or stored with another end: its delivery would be attempted never, or
    /// twice at once.
    #[cfg(feature = "sqlite")]
    pub(crate) fn missing_from(&self, fresh: &Self) -> Option<String> {
        let differs = |(delivery, end): &(&i64, &Millis)| self.ends.get(delivery) != Some(*end);
        fresh.ends.iter().find(differs).map(|(delivery, _)| format!("the lease of delivery {delivery}"))
    }

    /// Returns the first event of which a delivery is leased.
    pub(crate) fn first_event(&self) -> Option<i64> {
        self.ends.keys().next().map(|delivery| seq_of(*delivery))
    }

    /// Returns when the first lease ends.
    pub(crate) fn next_end(&self) -> Option<Millis> {
        self.ends.values().min().copied()
    }

    /// Returns the deliveries whose leases have ended.
    fn ended(&self, now: Millis) -> Vec<i64> {
        self.ends.iter().filter(|(_, end)| **end <= now).map(|(delivery, _)| *delivery).collect()
    }

    /// Makes deliveries due whose leases have ended without a report, and stores from which event on to look for
    /// leases after a restart. One that can't be made due keeps no other from it.
    pub(crate) fn expire(&mut self, context: &Context<'_>, last_seq: i64) -> Result<()> {
        let db = context.db;
        let mut result = Ok(());
        for delivery in self.ended(context.now) {
            let made_due = make_due(context, delivery);
            if made_due.is_ok() {
                self.release(delivery);
            }
            result = result.and(made_due);
        }
        let lag = if std::mem::take(&mut self.has_granted) { LAG_EVENTS } else { IDLE_LAG_EVENTS };
        let first = self.first_event();
        let floor = first.unwrap_or(last_seq + 1);
        if meta::number(db, FLOOR)? + lag <= floor {
            meta::set(db, FLOOR, floor)?;
        }
        result
    }
}

/// Makes a delivery due that the Worker has leased, unless it has been recorded.
fn make_due(context: &Context<'_>, delivery: i64) -> Result<()> {
    let db = context.db;
    if rows::find(db, delivery)?.is_some_and(|found| found.due_at.is_none()) {
        rows::reschedule(db, delivery, context.now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_until_its_end_or_its_report() {
        let mut leases = WorkerLeases::default();
        leases.grant(1, Millis(10));
        leases.grant(2, Millis(5));
        assert_eq!(leases.next_end(), Some(Millis(5)));
        assert_eq!((leases.ended(Millis(4)), leases.ended(Millis(5))), (vec![], vec![2]));
        leases.release(2);
        assert_eq!(leases.next_end(), Some(Millis(10)));
    }
}
