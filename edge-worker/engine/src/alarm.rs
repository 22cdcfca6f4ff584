//! The alarm of an object: when it is set for, as far as an instance knows.

use vtryon_webhooks::Millis;

/// How long an alarm waits at least that is set at the end of a run, in milliseconds of machine time: its time must not come
/// before the run has ended.
pub(crate) const MIN_ALARM_DELAY_MS: i64 = 250;

/// How late an alarm may be before it counts as lost, in seconds of machine time. Setting one again that was only
/// late does no harm.
const LOST_AFTER: i64 = 30;

#[derive(Default)]
pub(crate) struct Alarm {
    set_for: Option<Millis>,
    /// Whether it runs: when the run has ended, it is set for whatever is due next.
    is_running: bool,
    /// Whether it could not be set: the next call tries again.
    has_failed: bool,
    /// The time that it has to be set for, and that the shell has not taken yet.
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

    /// Sets it for whatever is due next, or notes that this could not be found out.
    pub(crate) fn set_for_next<E>(&mut self, next: Result<Option<Millis>, E>) -> Result<(), E> {
        self.has_failed = next.is_err();
        next.map(|due_at| due_at.into_iter().for_each(|due_at| self.set(due_at)))
    }

    /// Returns the time that the shell has to set it for.
    pub(crate) const fn take_wanted(&mut self) -> Option<Millis> {
        self.wanted.take()
    }

    /// Notes that a run begins, which an instance that has just been opened may have wanted.
    pub(crate) const fn begin_run(&mut self) {
        (self.is_running, self.wanted) = (true, None);
    }

    /// Notes that the run has ended: it is set for nothing.
    pub(crate) const fn end_run(&mut self) {
        (self.is_running, self.set_for) = (false, None);
    }

    /// Notes that it could not be set.
    pub(crate) const fn failed(&mut self) {
        (self.has_failed, self.set_for) = (true, None);
    }

    /// Forgets when it is set for: it is set again for any time.
    pub(crate) const fn forget(&mut self) {
        self.set_for = None;
    }

    /// Returns whether it has to be set again: it could not be set, or it is lost.
    pub(crate) fn needs_repair(&self, now: Millis, clock_scale: i64) -> bool {
        self.has_failed || self.is_lost(now, clock_scale)
    }

    /// Returns whether it is later than it may be. The clock runs `clock_scale` times faster than the machine.
    pub(crate) fn is_lost(&self, now: Millis, clock_scale: i64) -> bool {
        let is_late = |set_for: Millis| set_for.plus_seconds(LOST_AFTER * clock_scale) < now;
        !self.is_running && self.set_for.is_some_and(is_late)
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
        let mut alarm = Alarm::default();
        alarm.begin_run();
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
            assert_eq!(alarm.is_lost(Millis(now), 1), is_lost, "{why}");
            assert!(!alarm.is_lost(Millis(now), 60), "{why}: the clock is fast");
        }
    }
}
