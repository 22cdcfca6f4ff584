//! A shard as the platform runs it: an instance of the engine that may die at any time, its database, and its alarm.

use std::collections::{BTreeMap, VecDeque};

use vtryon_gateway_engine::protocol::metrics::Totals;
use vtryon_gateway_engine::protocol::settings::Settings;
use vtryon_gateway_engine::shard::{Broadcast, Effects, Shard};
use vtryon_gateway_engine::{Context, Deployment, Result};
use vtryon_webhooks::Millis;

use crate::checks;
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::model::ledger::Ledger;
use crate::model::log::Log;
use crate::model::oracle::Oracle;
use crate::platform::alarm::Run;
use crate::platform::database::SimulatedDatabase;
use crate::violation::ensure;
use crate::world::World;

pub struct ShardObject {
    pub db: SimulatedDatabase,
    pub engine: Option<Shard>,
    /// How often an instance has died.
    pub deaths: u32,
    /// What its clock is ahead of the world's, in milliseconds.
    pub skew: i64,
    /// When the platform's alarm is set for.
    pub alarm: Option<Millis>,
    /// The run of the alarm that is in progress.
    pub run: Option<Run>,
    pub broadcasts: VecDeque<Broadcast>,
    /// Whether an alarm was lost: the next hourly sweep sets it again.
    pub is_alarm_lost: bool,
    /// Whether an alarm could not be set, or a statement was refused: the next call sets it.
    pub is_alarm_unset: bool,
    /// What should be stored.
    pub oracle: Oracle,
    pub log: Log,
    pub ledger: Ledger,
    /// The settings that it has accepted last.
    pub settings: Settings,
    /// Before when a delivery must not be attempted again, unless it is expedited: by its number and replay count.
    pub not_before: BTreeMap<(i64, i64), Millis>,
    /// The totals that were counted last.
    pub totals: Totals,
    pub recorded: checks::Recorded,
    /// The attempts at endpoints with a rate.
    pub begun: Vec<BegunAttempt>,
}

/// An attempt that has begun.
pub struct BegunAttempt {
    pub endpoint: i64,
    pub at: Millis,
    /// The instance of the shard: after so many deaths.
    pub instance: u32,
}

/// What became of a decision, as far as its caller can tell.
pub enum Decided<T> {
    Done(T),
    /// It failed, or its instance has died: nobody knows what is stored.
    Unknown,
}

impl<T> Decided<T> {
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Unknown => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    DiesBeforeCommit,
    DiesAfterCommit,
}

impl ShardObject {
    /// Makes a shard that has been called once, so that its tables are there.
    pub fn new(deployment: &Deployment, now: Millis) -> Self {
        let db = SimulatedDatabase::new();
        Shard::open(&Context { db: &db, now, deployment }, 0, 0).expect("an empty shard opens");
        Self {
            db,
            engine: None,
            deaths: 0,
            skew: 0,
            alarm: None,
            run: None,
            broadcasts: VecDeque::new(),
            is_alarm_lost: false,
            is_alarm_unset: false,
            oracle: Oracle::default(),
            log: Log::default(),
            ledger: Ledger::default(),
            settings: Settings::default(),
            not_before: BTreeMap::new(),
            totals: Totals::default(),
            recorded: checks::Recorded::default(),
            begun: Vec::new(),
        }
    }
}

impl ShardObject {
    /// Ends the instance, with its memory.
    pub fn end_instance(&mut self) {
        self.engine = None;
        self.deaths += 1;
        self.recorded = checks::Recorded::default();
    }
}

impl World {
    /// Returns the time by the clock of a shard.
    pub fn clock(&self, shard: usize) -> Millis {
        self.now.plus_millis(self.shards[shard].skew)
    }

    /// Lets a shard decide, and executes the effects in the same commit. The instance may die before the commit or
    /// after it, and one of the statements may be refused.
    pub fn decide<T>(
        &mut self,
        shard: usize,
        decision: Decision,
        decide: impl FnOnce(&mut Shard, &Context<'_>) -> Result<T>,
    ) -> Decided<T> {
        checks::of_recorded(self, shard);
        let fate = self.fate();
        let refused_after = self.random.chance(self.regime.refusals).then(|| self.random.number(0..12));
        let now = self.clock(shard);
        let sockets = self.sockets_of(shard);
        let object = &mut self.shards[shard];
        let alarm = object.alarm;
        object.db.begin();
        if let Some(after) = refused_after {
            object.db.refuse_after(after as u32);
        }
        let context = Context { db: &object.db, now, deployment: &self.deployment };
        let engine = match object.engine.take() {
            Some(engine) => Ok(engine),
            None => Shard::open(&context, sockets, 0),
        };
        let mut decided = None;
        match engine {
            Ok(mut engine) => {
                let result = decide(&mut engine, &context);
                let effects = engine.take_effects();
                object.engine = Some(engine);
                let was_refused = object.db.has_refused(refused_after.is_some());
                if was_refused {
                    self.coverage.crash(CrashPoint::Refused(decision));
                    object.is_alarm_unset = true;
                    object.recorded.lose_track();
                }
                for fault in &effects.faults {
                    ensure!(
                        was_refused,
                        "a decision fails only where the storage does",
                        "{decision:?}: {fault}"
                    );
                }
                let is_executed = self.execute(shard, effects);
                match result {
                    Ok(value) => decided = is_executed.then_some(value),
                    Err(error) => {
                        ensure!(
                            was_refused,
                            "a decision fails only where the storage does",
                            "{decision:?}: {error}"
                        );
                    }
                }
            }
            Err(error) => {
                let was_refused = object.db.has_refused(refused_after.is_some());
                ensure!(
                    was_refused,
                    "a decision fails only where the storage does",
                    "a shard does not open: {error}"
                );
            }
        }
        let is_done = decided.is_some();
        self.note(|| {
            let fate = match fate {
                Fate::Lives => "",
                Fate::DiesBeforeCommit => ", and dies before the commit",
                Fate::DiesAfterCommit => ", and dies after the commit",
            };
            format!("shard {shard}: {decision:?}{}{fate}", if is_done { "" } else { " fails" })
        });
        match fate {
            Fate::Lives => self.shards[shard].db.commit(),
            Fate::DiesBeforeCommit => {
                self.shards[shard].db.roll_back();
                self.shards[shard].alarm = alarm;
                self.coverage.crash(CrashPoint::BeforeCommit(decision));
            }
            Fate::DiesAfterCommit => {
                self.shards[shard].db.commit();
                self.coverage.crash(CrashPoint::AfterCommit(decision));
            }
        }
        self.observe(shard);
        self.observe_deliveries(shard);
        if fate != Fate::Lives {
            self.die(shard);
            return Decided::Unknown;
        }
        checks::of_memory(self, shard);
        decided.map_or(Decided::Unknown, Decided::Done)
    }

    fn fate(&mut self) -> Fate {
        if !self.random.chance(self.regime.deaths) {
            return Fate::Lives;
        }
        self.random.one_of(&[Fate::DiesBeforeCommit, Fate::DiesAfterCommit])
    }

    /// Executes effects; returns whether the alarm could be set.
    fn execute(&mut self, shard: usize, effects: Effects) -> bool {
        let object = &mut self.shards[shard];
        for broadcast in effects.broadcasts {
            if let Some(erased) = broadcast.erased_task() {
                object.broadcasts.retain(|queued| queued.task_id() != Some(erased));
            }
            object.broadcasts.push_back(broadcast);
        }
        let Some(at) = effects.alarm else { return true };
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::AlarmNotSet));
            if let Some(engine) = &mut object.engine {
                engine.alarm_failed();
            }
            object.is_alarm_unset = true;
            return false;
        }
        object.alarm = Some(at);
        true
    }

    /// Ends an instance: its memory is gone, with the run of its alarm. Its sockets may live on.
    pub fn die(&mut self, shard: usize) {
        let now = self.now;
        let object = &mut self.shards[shard];
        object.end_instance();
        object.broadcasts.clear();
        if object.run.take().is_some() {
            // The platform repeats a run that did not end.
            object.alarm = Some(object.alarm.map_or(now.plus_seconds(2), |at| at.min(now.plus_seconds(2))));
            if self.random.chance(self.regime.losses * 4) {
                self.shards[shard].alarm = None;
                self.shards[shard].is_alarm_lost = true;
                self.coverage.crash(CrashPoint::Lost(Loss::Alarm));
            }
        }
        let deaths = self.shards[shard].deaths;
        self.attempts.retain(|attempt| !attempt.is_abandoned(shard, deaths));
        if self.random.chance(500) {
            self.cut_sockets(shard);
        }
    }
}
