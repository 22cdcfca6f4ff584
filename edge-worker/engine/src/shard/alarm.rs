//! The alarm of a shard: set for whatever is due first, and the work that a run of it does.

use vtryon_webhooks::Millis;

use super::Shard;
use crate::alarm::MIN_ALARM_DELAY_MS;
use crate::protocol::conditions::ShardReport;
use crate::{Context, Result};

/// How far ahead the alarm is set for pruning, in seconds. The hourly sweep comes before that, and a second one
/// should the first be missed.
const PRUNE_AHEAD: i64 = 2 * 3600;

/// How long an alarm waits after a run of which a part has failed, in milliseconds of machine time: what has failed
/// would most likely fail again at once.
const DELAY_AFTER_FAILURE_MS: i64 = 5000;

impl Shard {
    /// Notes that the alarm could not be set. The next call sets it again.
    pub fn alarm_failed(&mut self) {
        self.alarm.failed();
    }

    /// Begins a run of the alarm: a limited part of each kind of work that needs nothing but the database. No kind
    /// delays another, and no failure stops the others. Returns whether all of it succeeded; faults are effects.
    pub fn begin_alarm(&mut self, context: &Context<'_>) -> bool {
        self.alarm.begin_run();
        self.throttle.begin_run();
        let maintenance = [
            self.expire_leases(context),
            self.dead_letter_deleted_endpoints(context),
            self.enqueue_replays(context),
            self.prune(context),
        ];
        let before = self.faults.len();
        self.faults.extend(maintenance.into_iter().filter_map(Result::err));
        self.faults.len() == before
    }

    /// Ends a run of the alarm and sets it for whatever is due next. After a run that failed it waits for a while.
    pub fn end_alarm(&mut self, context: &Context<'_>, has_failed: bool) {
        let stored = self.totals.store_late_attempts(context.db, &self.settings);
        self.faults.extend(stored.err());
        // Only now: an alarm that is set while it runs, for a time before the run has ended, would be lost.
        self.alarm.end_run();
        self.schedule_alarm(context, if has_failed { DELAY_AFTER_FAILURE_MS } else { MIN_ALARM_DELAY_MS });
    }

    /// Returns what a run of the alarm that has `started` reports to the directory.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn conditions_to_report(&mut self, context: &Context<'_>, started: Millis) -> Result<ShardReport> {
        let conditions = self.reports.begin(context)?;
        Ok(ShardReport { unhealthy: self.health.unhealthy(&self.settings, context.now, started), conditions })
    }

    /// Forgets what the directory has stored of a report.
    pub fn confirm_report(&mut self, context: &Context<'_>, report: &ShardReport) -> Result<()> {
        self.reports.confirm(context, &report.conditions)
    }

    /// Sets the alarm for the earliest thing due, where there is one, but not before a delay in milliseconds of machine
    /// time: so that runs of the alarm do not follow each other without a pause.
    pub(crate) fn schedule_alarm(&mut self, context: &Context<'_>, min_delay_ms: i64) {
        let earliest = context.now.plus_millis(context.deployment.machine_millis(min_delay_ms));
        self.set_alarm_for_next(context, |due_at| due_at.max(earliest));
    }

    /// Sets the alarm for a delivery to an endpoint that is due earlier than before, but not before the endpoint may be
    /// attempted.
    pub(crate) fn set_alarm_for_delivery(&mut self, context: &Context<'_>, endpoint: i64, due_at: Millis) {
        self.alarm.set(self.earliest_attempt_at(context, endpoint, due_at));
    }

    /// Sets the alarm again where it could not be set, or is overdue: with every call, since nothing else may wake
    /// this shard.
    pub(crate) fn repair_alarm(&mut self, context: &Context<'_>) {
        if self.alarm.needs_repair(context.now, context.deployment.clock_scale) {
            self.reset_alarm(context);
        }
    }

    /// Sets the alarm again, whatever this instance believes, and for another time than before: the platform does
    /// nothing where the alarm is set for that time already.
    pub(crate) fn reset_alarm(&mut self, context: &Context<'_>) {
        self.alarm.forget();
        let earliest = context.now.plus_millis(context.deployment.machine_millis(MIN_ALARM_DELAY_MS));
        self.set_alarm_for_next(context, |due_at| due_at.max(earliest).plus_millis(1 + context.now.0 % 7));
    }

    fn set_alarm_for_next(&mut self, context: &Context<'_>, at: impl Fn(Millis) -> Millis) {
        let next = self.next_due(context).map(|due_at| due_at.map(at));
        self.faults.extend(self.alarm.set_for_next(next).err());
    }

    /// Returns when the alarm is needed next, for anything.
    pub(crate) fn next_due(&self, context: &Context<'_>) -> Result<Option<Millis>> {
        let mut next = vec![self.leases.next_end(), self.reports.due_at()];
        for endpoint in self.settings.active() {
            next.push(self.next_attempt_at(context, endpoint)?);
        }
        if !self.deleted_endpoints(context.db)?.is_empty() || self.has_replays(context.db)? {
            next.push(Some(context.now));
        }
        let soon = context.now.plus_seconds(PRUNE_AHEAD);
        next.push(self.retention.next_prune(context)?.filter(|due_at| *due_at <= soon));
        Ok(next.into_iter().flatten().min())
    }
}
