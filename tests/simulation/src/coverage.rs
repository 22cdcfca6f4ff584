//! What a run has reached: a simulation that never loses an answer proves nothing of lost answers.

use std::collections::BTreeMap;

/// Where an instance can die, or a message can be lost. Each has to be reached, or the simulation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashPoint {
    /// A decision of an object that is lost with its instance.
    BeforeCommit(Decision),
    /// A decision that is stored, though its instance dies before it answers.
    AfterCommit(Decision),
    /// A decision of which one statement is refused.
    Refused(Decision),
    /// What a Worker, a network or the platform loses or repeats.
    Lost(Loss),
}

/// Declares an enum, and the list of all its values.
macro_rules! listed {
    ($(#[$about:meta])* $name:ident: $($(#[$note:meta])* $value:ident,)+) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$note])* $value,)+
        }

        impl $name {
            const ALL: &[Self] = &[$(Self::$value),+];
        }
    };
}

listed! {
    /// A decision of an object.
    Decision:
    Store,
    StoreAlert,
    Import,
    Report,
    Query,
    Configure,
    Replay,
    Erase,
    Sweep,
    BeginAlarm,
    PickEndpoints,
    PickAttempt,
    RecordOwnAttempt,
    EndAlarm,
    Subscribe,
    Acknowledge,
    SendBroadcast,
    /// Of the directory.
    Change,
    ConfirmSettings,
}

listed! {
    /// Something that is lost or repeated outside of objects.
    Loss:
    RequestToShard,
    AnswerOfShard,
    Acknowledgement,
    FirstAttempt,
    ReportOfAttempt,
    PromptReport,
    Alarm,
    LateAlarm,
    DoubledAlarm,
    AlarmNotSet,
    Push,
    TokenLookup,
    ReportOfConditions,
    AnswerOfReport,
    Socket,
    Sweep,
}

impl CrashPoint {
    pub fn all() -> Vec<Self> {
        let of_decisions = Decision::ALL.iter().flat_map(|decision| {
            [Self::BeforeCommit(*decision), Self::AfterCommit(*decision), Self::Refused(*decision)]
        });
        of_decisions.chain(Loss::ALL.iter().copied().map(Self::Lost)).collect()
    }
}

/// How often everything was reached.
#[derive(Default)]
pub struct Coverage {
    pub steps: u64,
    pub crash_points: BTreeMap<CrashPoint, u64>,
    /// Outcomes of events, ends of deliveries, answers of endpoints, messages and so on, by kind and name.
    pub reached: BTreeMap<(&'static str, String), u64>,
    /// Statements of the engine.
    pub statements: BTreeMap<&'static str, u64>,
}

impl Coverage {
    pub fn crash(&mut self, point: CrashPoint) {
        *self.crash_points.entry(point).or_default() += 1;
    }

    pub fn reach(&mut self, kind: &'static str, name: &str) {
        *self.reached.entry((kind, name.to_owned())).or_default() += 1;
    }

    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        for (point, count) in other.crash_points {
            *self.crash_points.entry(point).or_default() += count;
        }
        for (reached, count) in other.reached {
            *self.reached.entry(reached).or_default() += count;
        }
        for (statement, count) in other.statements {
            *self.statements.entry(statement).or_default() += count;
        }
    }

    /// Returns the crash points that were never reached.
    pub fn missing(&self) -> Vec<CrashPoint> {
        CrashPoint::all().into_iter().filter(|point| !self.crash_points.contains_key(point)).collect()
    }
}
