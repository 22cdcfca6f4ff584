//! The alarm of a shard: set for whatever is due first, and the work that a run of it does.

use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply;

use super::Shard;
use super::deliveries::replays;
use super::deliveries::schedule::{self, Picked};
use super::retention::held;
use super::retention::pruning::Pruning;
use super::retention::tombstones::ScannedPage;
use crate::alarm::MIN_ALARM_DELAY_MS;
use crate::protocol::delivery::{Attempt, AttemptReport, endpoint_of};
use crate::protocol::directory::conditions::{ConditionReport, UnhealthyEndpoint};
use crate::{Context, Result};

/// How far ahead the alarm is set for pruning, in seconds. The hourly sweep comes before that, and a second one
/// should the first be missed.
const PRUNE_AHEAD: i64 = 2 * 3600;

/// How long an alarm waits after a run of which a part has failed, or where it can't be found out what is due next, in
/// milliseconds of machine time: what has failed would most likely fail again at once.
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
        self.attempts.throttle.begin_run();
        let maintenance = [
            self.attempts.leases.expire(context, self.last_seq),
            schedule::dead_letter_deleted_endpoints(context, &self.config, &self.log),
            self.enqueue_replays(context),
            self.prune(context),
        ];
        let has_succeeded = maintenance.iter().all(Result::is_ok);
        maintenance.into_iter().for_each(|work| self.log.fault(work.err()));
        has_succeeded
    }

    /// Ends a run of the alarm and sets it for whatever is due next. After a run that failed it waits for a while.
    pub fn end_alarm(&mut self, context: &Context<'_>, has_failed: bool) {
        let stored = self.totals.store_late_attempts(context.db, &self.config.settings);
        self.log.fault(stored.err());
        // Only now: whether an alarm comes that is set during a run, for a time before its end, is not documented.
        self.alarm.end_run();
        self.schedule_alarm(context, if has_failed { DELAY_AFTER_FAILURE_MS } else { MIN_ALARM_DELAY_MS });
    }

    /// Assigns free connections to endpoints with due deliveries. `draining` are the endpoints of those in use.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn pick_endpoints(
        &self,
        context: &Context<'_>,
        started: Millis,
        draining: &[i64],
    ) -> Result<Vec<i64>> {
        schedule::pick_endpoints(context, &self.config, &self.attempts, started, draining)
    }

    /// Leases the next attempt to an endpoint, where one can be made in a run that has `started`.
    pub fn pick_attempt(
        &mut self,
        context: &Context<'_>,
        endpoint: i64,
        started: Millis,
    ) -> Result<Option<Picked>> {
        let (config, attempts) = (&self.config, &mut self.attempts);
        schedule::pick_attempt(context, config, attempts, &self.log, endpoint, started)
    }

    /// Records an attempt that this shard has made. An endpoint that has failed cools down.
    pub fn record_own_attempt(&mut self, context: &Context<'_>, report: &AttemptReport) -> Result<()> {
        if report.made.as_ref().and_then(Attempt::reply) != Some(Reply::Delivered) {
            self.cool_down(context, endpoint_of(report.delivery));
        }
        self.record_attempt(context, report)
    }

    /// Lets an endpoint cool down after a failure.
    pub fn cool_down(&mut self, context: &Context<'_>, endpoint: i64) {
        self.attempts.cool_down(context, endpoint);
    }

    /// Returns the conditions that a run of the alarm reports to the directory.
    pub fn conditions_to_report(&mut self, context: &Context<'_>) -> Result<ConditionReport> {
        let conditions = self.reports.begin(context)?;
        Ok(ConditionReport { settings_version: self.config.settings.version, conditions })
    }

    /// Forgets conditions that the directory has stored.
    pub fn confirm_report(&mut self, context: &Context<'_>, report: &ConditionReport) -> Result<()> {
        self.reports.confirm(context, &report.conditions)
    }

    /// Returns the endpoints that should be disabled. A run of the alarm that has `started` reports them after the
    /// conditions, each in a call of its own: the directory asks all shards before it disables one, and conditions that it
    /// does not confirm in time are counted again.
    pub fn unhealthy_endpoints(&self, context: &Context<'_>, started: Millis) -> Vec<UnhealthyEndpoint> {
        self.attempts.health.unhealthy(&self.config.settings, context.now, started)
    }

    /// Sets the alarm for the earliest thing due, where there is one, but not before a delay in milliseconds of machine
    /// time: so that runs of the alarm do not follow each other without a pause.
    pub(crate) fn schedule_alarm(&mut self, context: &Context<'_>, min_delay_ms: i64) {
        let earliest = context.now.plus_millis(context.deployment.machine_millis(min_delay_ms));
        let next = self.next_due(context).map(|due_at| due_at.map(|due_at| due_at.max(earliest)));
        self.set_alarm_for_next(context, next);
    }

    /// Sets the alarm for a delivery to an endpoint that is due earlier than before, but not before the endpoint may be
    /// attempted: not at all while it is paused or disabled.
    pub(crate) fn set_alarm_for_delivery(&mut self, context: &Context<'_>, endpoint: i64, due_at: Millis) {
        if self.config.settings.endpoint(endpoint).is_some_and(|found| !found.options.is_active()) {
            return;
        }
        self.alarm.set(self.attempts.earliest_at(context, &self.config, endpoint, due_at));
    }

    /// Sets the alarm again where it could not be set, or is overdue: with every call, since nothing else may wake
    /// this shard.
    pub(crate) fn repair_alarm(&mut self, context: &Context<'_>) {
        if self.alarm.needs_repair(context.now, context.deployment.clock_scale) {
            self.reset_alarm(context);
        }
    }

    /// Sets the alarm again, whatever this instance believes, and for another time than before: the platform does
    /// nothing where the alarm is set for that time already. Where it can't be found out what is due next, one that is not
    /// lost stays: calls that each put it off would never let it run.
    pub(crate) fn reset_alarm(&mut self, context: &Context<'_>) {
        let next = self.next_due(context);
        if next.is_ok() || self.alarm.is_lost(context.now, context.deployment.clock_scale) {
            self.alarm.forget();
        }
        let earliest = context.now.plus_millis(context.deployment.machine_millis(MIN_ALARM_DELAY_MS));
        let at = |due_at: Millis| due_at.max(earliest).plus_millis(1 + context.now.0 % 7);
        self.set_alarm_for_next(context, next.map(|due_at| due_at.map(at)));
    }

    fn set_alarm_for_next(&mut self, context: &Context<'_>, next: Result<Option<Millis>>) {
        if next.is_err() {
            // No call may come that sets it again.
            let later = context.deployment.machine_millis(DELAY_AFTER_FAILURE_MS);
            self.alarm.set(context.now.plus_millis(later));
        }
        self.log.fault(self.alarm.set_for_next(next).err());
    }

    /// Deletes a page of what is too old, and notes when to look again.
    fn prune(&mut self, context: &Context<'_>) -> Result<()> {
        if !self.retention.is_due(context)? {
            return Ok(());
        }
        let pruning = Pruning { context, config: &self.config, log: &self.log };
        let is_more_old = pruning.prune(&mut self.totals)?;
        let is_more_held = context.db.transaction(|| held::prune(&pruning))?;
        let is_more_to_scan = self.scan_tombstones(context)?;
        self.retention.ran(context, is_more_old || is_more_held || is_more_to_scan);
        Ok(())
    }

    /// Scans a page of tasks, and of bodies that can't be read. Returns whether there is more.
    fn scan_tombstones(&mut self, context: &Context<'_>) -> Result<bool> {
        let Some(page) = ScannedPage::next(context)? else { return Ok(false) };
        for task_id in page.tasks() {
            self.erase_imported(context, task_id)?;
        }
        page.drop_outdated(context)
    }

    /// Returns when the alarm is needed next, for anything.
    pub(crate) fn next_due(&self, context: &Context<'_>) -> Result<Option<Millis>> {
        let settings = &self.config.settings;
        let mut next = vec![self.attempts.leases.next_end(), self.reports.due_at];
        for endpoint in settings.active() {
            next.push(self.attempts.next_at(context, &self.config, endpoint.no)?);
        }
        if !schedule::deleted_endpoints(context.db, settings)?.is_empty()
            || !replays::unfinished(context.db)?.is_empty()
        {
            next.push(Some(context.now));
        }
        let soon = context.now.plus_seconds(PRUNE_AHEAD);
        next.push(self.retention.next_prune(context)?.filter(|due_at| *due_at <= soon));
        Ok(next.into_iter().flatten().min())
    }
}
