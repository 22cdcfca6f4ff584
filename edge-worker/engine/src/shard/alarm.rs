//! The alarm of a shard: set for whatever is due first, and the work that a run of it does.

use vtryon_webhooks::Millis;

use super::{Shard, deliveries};
use crate::{Context, Result};

/// How far ahead the alarm is set for pruning, in seconds. The hourly sweep comes before that, and a second one
/// should the first be missed.
const PRUNE_AHEAD: i64 = 2 * 3600;

/// How long an alarm waits after a run that left something to do, in milliseconds of machine time: its time must not
/// come before the run has ended.
const MIN_ALARM_DELAY_MS: i64 = 250;

/// How long an alarm waits after a run of which a part has failed, in milliseconds of machine time: what has failed
/// would most likely fail again at once.
const DELAY_AFTER_FAILURE_MS: i64 = 5000;

/// How late an alarm may be before it counts as lost, in seconds of machine time. Setting one again that was only
/// late does no harm.
const LOST_AFTER: i64 = 30;

/// When the alarm is set for, as far as this instance knows.
#[derive(Default)]
pub(crate) struct Alarm {
    set_for: Option<Millis>,
    /// Whether the alarm runs: when the run has ended, it is set for whatever is due next.
    is_running: bool,
    /// Whether it could not be set: the next call tries again.
    has_failed: bool,
    /// The time that the shell has not set it for yet.
    wanted: Option<Millis>,
}

impl Alarm {
    /// Sets the alarm unless it is set for an earlier time, or runs.
    pub(crate) fn set(&mut self, at: Millis) {
        if self.is_running || self.set_for.is_some_and(|set_for| set_for <= at) {
            return;
        }
        (self.set_for, self.wanted) = (Some(at), Some(at));
    }

    pub(crate) fn take_wanted(&mut self) -> Option<Millis> {
        self.wanted.take()
    }

    /// Returns whether it is later than it may be, in milliseconds of the clock.
    fn is_lost(&self, now: Millis, lost_after_ms: i64) -> bool {
        !self.is_running && self.set_for.is_some_and(|set_for| set_for.plus_millis(lost_after_ms) < now)
    }
}

impl Shard {
    /// Notes that the alarm could not be set. The next call sets it again.
    pub fn alarm_failed(&mut self) {
        self.alarm.set_for = None;
        self.alarm.has_failed = true;
    }

    /// Begins a run of the alarm: a limited part of each kind of work that needs nothing but the database. No kind
    /// delays another, and no failure stops the others. Returns whether all of it succeeded; faults are effects.
    pub fn begin_alarm(&mut self, context: &Context<'_>) -> bool {
        self.alarm.is_running = true;
        // What an instance that has just been opened wants is this run.
        self.alarm.wanted = None;
        let chores = [
            self.expire_leases(context),
            self.dead_letter_deleted_endpoints(context),
            self.enqueue_replays(context),
            self.prune(context),
        ];
        let before = self.faults.len();
        self.faults.extend(chores.into_iter().filter_map(Result::err));
        self.faults.len() == before
    }

    /// Ends a run of the alarm and sets it for whatever is due next. After a run that failed it waits for a while.
    pub fn end_alarm(&mut self, context: &Context<'_>, has_failed: bool) {
        let totals = self.store_late_totals(context);
        self.faults.extend(totals.err());
        // Only now: an alarm that is set while it runs, for a time before the run has ended, would be lost.
        self.alarm.is_running = false;
        self.alarm.set_for = None;
        self.schedule(context, if has_failed { DELAY_AFTER_FAILURE_MS } else { MIN_ALARM_DELAY_MS });
    }

    /// Sets the alarm for the earliest thing due, where there is one, but not before a pause in milliseconds of
    /// machine time: so that runs of the alarm do not follow each other without a pause.
    pub(crate) fn schedule(&mut self, context: &Context<'_>, pause_ms: i64) {
        let earliest = context.now.plus_millis(context.deployment.stretched(pause_ms));
        self.set_for_next(context, |due_at| due_at.max(earliest));
    }

    /// Sets the alarm for the earliest thing due, which may be later than now: an earlier run would have nothing to do.
    pub(crate) fn wake_for_next(&mut self, context: &Context<'_>) {
        self.set_for_next(context, |due_at| due_at);
    }

    /// Sets the alarm for a delivery to an endpoint that is due earlier than before, but not before the endpoint may be
    /// attempted.
    pub(crate) fn wake_for(&mut self, context: &Context<'_>, endpoint: i64, due_at: Millis) {
        self.alarm.set(self.attempted_from(context, endpoint, due_at));
    }

    /// Sets the alarm again where it could not be set, or is overdue: with every call, since nothing else may wake
    /// this shard.
    pub(crate) fn repair_alarm(&mut self, context: &Context<'_>) {
        let lost_after_ms = context.deployment.span(LOST_AFTER);
        if self.alarm.has_failed || self.alarm.is_lost(context.now, lost_after_ms) {
            self.reset_alarm(context);
        }
    }

    /// Sets the alarm again, whatever this instance believes, and for another time than before: the platform does
    /// nothing where the alarm is set for that time already.
    pub(crate) fn reset_alarm(&mut self, context: &Context<'_>) {
        self.alarm.set_for = None;
        let earliest = context.now.plus_millis(context.deployment.stretched(MIN_ALARM_DELAY_MS));
        self.set_for_next(context, |due_at| due_at.max(earliest).plus_millis(1 + context.now.0 % 7));
    }

    fn set_for_next(&mut self, context: &Context<'_>, at: impl Fn(Millis) -> Millis) {
        match self.next_due(context) {
            Ok(next) => {
                self.alarm.has_failed = false;
                if let Some(due_at) = next {
                    self.alarm.set(at(due_at));
                }
            }
            Err(error) => {
                self.alarm.has_failed = true;
                self.faults.push(error);
            }
        }
    }

    /// Returns when the alarm is needed next, for anything.
    pub(crate) fn next_due(&self, context: &Context<'_>) -> Result<Option<Millis>> {
        let mut next = vec![self.leases.next_end(), self.report_at];
        for endpoint in self.settings.active() {
            next.push(self.next_attempt_at(context, endpoint)?);
        }
        for endpoint in &self.settings.deleted {
            next.push(deliveries::rows::next_due(context.db, *endpoint)?.map(|_| context.now));
        }
        if self.has_replays(context.db)? {
            next.push(Some(context.now));
        }
        let soon = context.now.plus_seconds(PRUNE_AHEAD);
        next.push(self.retention.next_prune(context)?.filter(|due_at| *due_at <= soon));
        Ok(next.into_iter().flatten().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_is_set_for_the_earliest_time() {
        let mut alarm = Alarm::default();
        for (at, wanted) in [(50, Some(50)), (70, None), (50, None), (30, Some(30))] {
            alarm.set(Millis(at));
            assert_eq!(alarm.take_wanted(), wanted.map(Millis), "{at}");
        }
    }

    #[test]
    fn the_shell_sets_it_for_the_last_of_several_wishes() {
        let mut alarm = Alarm::default();
        alarm.set(Millis(50));
        alarm.set(Millis(30));
        assert_eq!(alarm.take_wanted(), Some(Millis(30)));
        assert_eq!(alarm.take_wanted(), None);
    }

    #[test]
    fn a_running_alarm_is_not_set() {
        let mut alarm = Alarm { is_running: true, ..Alarm::default() };
        alarm.set(Millis(30));
        assert_eq!((alarm.take_wanted(), alarm.set_for), (None, None));
    }

    #[test]
    fn an_alarm_is_lost_when_it_is_more_than_30_seconds_late() {
        let set_for = |at| Alarm { set_for: Some(Millis(at)), ..Alarm::default() };
        for (why, alarm, now, is_lost) in [
            ("it is not set", Alarm::default(), 100_000, false),
            ("it is not due", set_for(50_000), 40_000, false),
            ("it is only late", set_for(50_000), 80_000, false),
            ("it is lost", set_for(50_000), 80_001, true),
            ("it runs", Alarm { is_running: true, ..set_for(50_000) }, 80_001, false),
        ] {
            assert_eq!(alarm.is_lost(Millis(now), 30_000), is_lost, "{why}");
        }
    }
}
