//! The alarm of a shard, as the platform and the Worker's class run it: one step at a time, so that anything may happen
//! in between.

use vtryon_gateway_engine::protocol::delivery::AttemptReport;
use vtryon_webhooks::Millis;

use crate::actors::attempts::{RunningAttempt, Sender};
use crate::checks;
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::violation::ensure;
use crate::world::World;

/// How many connections a run may have at the same time: the platform's limit.
const CONNECTIONS: usize = 6;

/// A run of the alarm.
pub struct Run {
    started: Millis,
    has_succeeded: bool,
    connections: Vec<Connection>,
    /// Whether the endpoints were looked at since the last connection was released.
    has_looked: bool,
}

/// A connection to an endpoint, and the attempt that it carries.
struct Connection {
    endpoint: i64,
    attempt: Option<u64>,
}

impl World {
    /// Begins the runs of all alarms that are due, each a little late at times.
    pub fn ring_alarms(&mut self) {
        for shard in 0..self.shards.len() {
            let now = self.clock(shard);
            let is_due = self.shards[shard].alarm.is_some_and(|at| at <= now);
            if !is_due || self.shards[shard].run.is_some() {
                continue;
            }
            if self.random.chance(self.regime.losses * 4) {
                self.coverage.crash(CrashPoint::Lost(Loss::LateAlarm));
                continue;
            }
            if self.random.chance(self.regime.losses) {
                self.coverage.crash(CrashPoint::Lost(Loss::Alarm));
                self.shards[shard].alarm = None;
                self.shards[shard].is_alarm_lost = true;
                continue;
            }
            self.begin_run(shard);
        }
    }

    fn begin_run(&mut self, shard: usize) {
        self.shards[shard].alarm = None;
        if self.random.chance(self.regime.losses) {
            // The platform runs an alarm at least once.
            self.coverage.crash(CrashPoint::Lost(Loss::DoubledAlarm));
            self.shards[shard].alarm = Some(self.now);
        }
        let started = self.clock(shard);
        self.shards[shard].run =
            Some(Run { started, has_succeeded: true, connections: Vec::new(), has_looked: false });
        let undelivered = checks::undelivered(self, shard);
        let (ranges, last) = (self.open_ranges(shard), self.shards[shard].log.last);
        let begun =
            self.decide(shard, Decision::BeginAlarm, |engine, context| Ok(engine.begin_alarm(context)));
        self.check_ranges(shard, ranges, last);
        checks::note_gone(self, shard);
        checks::of_erased(self, shard);
        checks::of_retention(self, shard, &undelivered);
        checks::note_pruned(self, shard);
        if let (Some(has_succeeded), Some(run)) = (begun.done(), &mut self.shards[shard].run) {
            run.has_succeeded = has_succeeded;
            if has_succeeded {
                self.note_pages(shard);
            }
        }
    }

    /// Lets the run of an alarm go on.
    pub fn advance_run(&mut self, shard: usize) {
        let Some(run) = &self.shards[shard].run else { return };
        let started = run.started;
        let free: Vec<usize> =
            (0..run.connections.len()).filter(|index| run.connections[*index].attempt.is_none()).collect();
        if !run.has_looked {
            self.look_for_endpoints(shard, started);
        } else if let Some(index) = free.first() {
            self.pick_attempt(shard, started, *index);
        } else if run.connections.is_empty() {
            self.end_run(shard, started);
        }
    }

    fn look_for_endpoints(&mut self, shard: usize, started: Millis) {
        let Some(run) = &mut self.shards[shard].run else { return };
        run.has_looked = true;
        let draining: Vec<i64> = run.connections.iter().map(|connection| connection.endpoint).collect();
        let picked = self.decide(shard, Decision::PickEndpoints, |engine, context| {
            engine.pick_endpoints(context, started, &draining)
        });
        let (Some(picked), Some(run)) = (picked.done(), &mut self.shards[shard].run) else {
            return self.fail_run(shard);
        };
        let connections = picked.into_iter().map(|endpoint| Connection { endpoint, attempt: None });
        run.connections.extend(connections);
        ensure!(
            run.connections.len() <= CONNECTIONS,
            "a run has at most six connections",
            "{}",
            run.connections.len()
        );
    }

    fn pick_attempt(&mut self, shard: usize, started: Millis, connection: usize) {
        let Some(run) = &self.shards[shard].run else { return };
        let endpoint = run.connections[connection].endpoint;
        let picked = self.decide(shard, Decision::PickAttempt, |engine, context| {
            engine.pick_attempt(context, endpoint, started)
        });
        let deaths = self.shards[shard].deaths;
        let Some(picked) = picked.done() else {
            if let Some(run) = &mut self.shards[shard].run {
                run.connections.remove(connection);
            }
            return;
        };
        let Some(run) = &mut self.shards[shard].run else { return };
        let Some(picked) = picked else {
            run.connections.remove(connection);
            return;
        };
        let id = self.next_attempt;
        run.connections[connection].attempt = Some(id);
        self.next_attempt += 1;
        self.note(|| format!("shard {shard}: leases {} to itself", picked.dispatch.delivery));
        checks::of_dispatch(self, shard, &picked.dispatch, Some(&picked.body));
        let (dispatch, sender, instance) = (picked.dispatch, Sender::Run(deaths), deaths);
        self.attempts.push(RunningAttempt {
            id,
            shard,
            dispatch,
            sender,
            instance,
            begun: None,
            not_reported_before: Millis(0),
        });
    }

    /// Frees the connection of an attempt that ended without a report.
    pub fn release_connection(&mut self, shard: usize, instance: u32, attempt: u64) {
        if self.shards[shard].deaths != instance {
            return;
        }
        if let Some(run) = &mut self.shards[shard].run {
            run.connections.retain(|connection| connection.attempt != Some(attempt));
            run.has_looked = false;
        }
    }

    /// Records an attempt of a run, where its instance still lives.
    pub fn record_own_attempt(&mut self, shard: usize, instance: u32, attempt: u64, report: &AttemptReport) {
        if self.shards[shard].deaths != instance {
            return;
        }
        let (before, last) = (self.before_report(shard, report), self.shards[shard].log.last);
        let recorded = self.decide(shard, Decision::RecordOwnAttempt, |engine, context| {
            engine.record_own_attempt(context, report)
        });
        let recorded = recorded.done();
        let before = checks::Before { row: &before, last, is_alone: true };
        self.after_report(shard, report, before, recorded.is_some());
        let Some(run) = &mut self.shards[shard].run else { return };
        run.has_looked = false;
        if recorded.is_none() {
            run.connections.retain(|connection| connection.attempt != Some(attempt));
            let endpoint = vtryon_gateway_engine::protocol::delivery::endpoint_of(report.delivery);
            self.decide(shard, Decision::RecordOwnAttempt, |engine, context| {
                engine.cool_down(context, endpoint);
                Ok(())
            });
            return;
        }
        for connection in &mut run.connections {
            if connection.attempt == Some(attempt) {
                connection.attempt = None;
            }
        }
    }

    /// Reports to the directory, and ends the run.
    fn end_run(&mut self, shard: usize, started: Millis) {
        let report =
            self.decide(shard, Decision::EndAlarm, |engine, context| engine.conditions_to_report(context));
        if let Some(report) = report.done().filter(|report| !report.conditions.is_empty()) {
            self.report_conditions(shard, &report);
        }
        if self.shards[shard].run.is_some() {
            let unhealthy = self.decide(shard, Decision::EndAlarm, |engine, context| {
                Ok(engine.unhealthy_endpoints(context, started))
            });
            unhealthy.done().into_iter().flatten().for_each(|endpoint| self.report_unhealthy(endpoint));
        }
        let Some(run) = self.shards[shard].run.take() else { return };
        let ended = self.decide(shard, Decision::EndAlarm, |engine, context| {
            engine.end_alarm(context, !run.has_succeeded);
            Ok(())
        });
        match ended.done() {
            // Unless a statement was refused, which may have been the one that stores late attempts.
            Some(()) if !self.shards[shard].is_alarm_unset => self.shards[shard].recorded.end_run(),
            // The class sets the alarm itself where the engine could not.
            None if self.shards[shard].alarm.is_none() => {
                self.shards[shard].alarm = Some(self.now.plus_seconds(60));
            }
            Some(()) | None => {}
        }
    }

    /// Ends a run of which a part has failed.
    fn fail_run(&mut self, shard: usize) {
        if let Some(run) = &mut self.shards[shard].run {
            run.has_succeeded = false;
        }
    }
}
