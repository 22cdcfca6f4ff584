//! The attempts that an instance of a shard has recorded: each has to be counted once.

use std::collections::BTreeMap;

use vtryon_gateway_engine::protocol::delivery::{AttemptReport, endpoint_of};
use vtryon_gateway_engine::protocol::metrics::{AttemptTotals, Totals};

use crate::model::ledger::DeliveryRow;
use crate::violation::ensure;

/// How much is known of what an instance has recorded.
#[derive(Default, PartialEq, Eq)]
enum Track {
    /// Something may have been recorded that nobody has seen, or that is counted later.
    Lost,
    /// All that was recorded is counted.
    #[default]
    Begins,
    Kept,
}

/// What one instance has recorded.
#[derive(Default)]
pub struct Recorded {
    track: Track,
    /// By endpoint: how many were counted when the track began, and how many were recorded since.
    before: BTreeMap<i64, i64>,
    since: BTreeMap<i64, i64>,
    /// How many of these may be counted only when the run of the alarm ends.
    late: BTreeMap<i64, i64>,
}

impl Recorded {
    /// Notes a report, by what it has made of its delivery; it is not known where others may have done so too.
    pub fn note(
        &mut self,
        report: &AttemptReport,
        before: Option<&DeliveryRow>,
        after: Option<&DeliveryRow>,
        is_known: bool,
    ) {
        let (Some(attempt), Some(before)) = (&report.made, before) else { return };
        if !before.is_pending() || before.replay_count != report.replay_count {
            return;
        }
        let is_current = before.failed_attempts + 1 == i64::from(report.attempt)
            && before.leased_until == report.leased_until.0;
        if !is_known || after.is_none_or(|after| after.replay_count != before.replay_count) {
            self.track = Track::Lost;
        } else if is_current || attempt.status == Some(200) {
            if self.track == Track::Begins {
                self.track = Track::Lost;
            }
            let endpoint = endpoint_of(report.delivery);
            *self.since.entry(endpoint).or_default() += 1;
            *self.late.entry(endpoint).or_default() += 1;
        }
    }

    /// Notes that a statement was refused: nobody knows what was recorded.
    pub const fn lose_track(&mut self) {
        self.track = Track::Lost;
    }

    /// Notes that a run of the alarm has ended: all that was recorded is counted by then.
    pub fn end_run(&mut self) {
        self.late.clear();
        if self.track == Track::Lost {
            self.track = Track::Begins;
        }
    }

    /// Compares the totals of an instance with what it has recorded.
    pub fn check(&mut self, totals: &Totals) {
        let count = |totals: &AttemptTotals| totals.delivered + totals.refused + totals.unanswered;
        let counted = totals.attempts.iter().map(|(endpoint, totals)| (*endpoint, count(totals)));
        if self.track == Track::Begins {
            *self = Self { track: Track::Kept, before: counted.collect(), ..Self::default() };
            return;
        }
        if self.track == Track::Lost {
            return;
        }
        for (endpoint, counted) in counted {
            let of = |counts: &BTreeMap<i64, i64>| counts.get(&endpoint).copied().unwrap_or_default();
            let most = of(&self.before) + of(&self.since);
            ensure!(
                (most - of(&self.late)..=most).contains(&counted),
                "each attempt is counted once",
                "{counted} at endpoint {endpoint} instead of {most}"
            );
        }
    }
}
