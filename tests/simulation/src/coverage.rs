//! What a run has reached: a simulation that never loses an answer proves nothing of lost answers.

use std::collections::{BTreeMap, BTreeSet};

use vtryon_gateway_engine::protocol::live::close;

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
    /// What KV does, or is told that it has not done.
    Kv,
    /// The Worker of somebody who reads a result.
    Reader,
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

    /// Names what has to be reached, and never was: crash points, and what is listed below.
    pub fn missing(&self) -> Vec<String> {
        let is_missing = |point: &CrashPoint| !self.crash_points.contains_key(point);
        let points = CrashPoint::all().into_iter().filter(is_missing).map(|point| format!("{point:?}"));
        let listed = REQUIRED.iter().flat_map(|(kind, names)| names.iter().map(move |name| (*kind, *name)));
        let names = listed.filter(|(kind, name)| !self.reached.contains_key(&(*kind, (*name).to_owned())));
        let names = names.map(|(kind, name)| format!("{kind} {name}"));
        let reached: BTreeSet<String> =
            self.statements.keys().map(|statement| in_one_line(statement)).collect();
        let statements =
            STATEMENTS.lines().filter(|statement| !reached.contains(*statement)).map(str::to_owned);
        points.chain(names).chain(statements).collect()
    }

    /// Returns the statements that were reached and are not listed, but those that make tables, and how often they were.
    pub fn unlisted(&self) -> Vec<(String, u64)> {
        let listed: BTreeSet<&str> = STATEMENTS.lines().collect();
        let reached = self.statements.iter().map(|(statement, count)| (in_one_line(statement), *count));
        let is_unlisted = |(statement, _): &(String, u64)| {
            !statement.starts_with("CREATE ") && !listed.contains(&**statement)
        };
        reached.filter(is_unlisted).collect()
    }
}

fn in_one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The statements of the engine that a simulation has to execute, in one line each.
const STATEMENTS: &str = include_str!("statements.txt");

/// What else has to be reached, by kind and name.
const REQUIRED: &[(&str, &[&str])] = &[
    ("outcome", &["applied", "capped", "conflict", "duplicate", "late", "quarantined", "unknown"]),
    ("entry", &["alert", "applied", "conflict", "erased", "late", "quarantined", "replay", "unknown"]),
    (
        "delivery",
        &[
            "dead aborted_by_receiver",
            "dead endpoint_deleted",
            "dead exhausted",
            "delivered",
            "gone",
            "pending",
            "pending secret_unreadable",
            "superseded",
        ],
    ),
    (
        "alert",
        &[
            "gateway.delivery_dead",
            "gateway.endpoint_created",
            "gateway.endpoint_disabled",
            "gateway.endpoint_enabled",
            "gateway.endpoint_failing",
            "gateway.endpoint_moved",
            "gateway.endpoint_recovered",
            "gateway.event_quarantined",
            "gateway.refusals_stopped",
            "gateway.rotation_due",
            "gateway.rotation_finished",
            "gateway.signatures_refused",
            "gateway.storage_nearly_full",
            "gateway.tasks_resumed",
            "gateway.tasks_stalled",
            "gateway.token_created",
        ],
    ),
    ("message", &["delivery", "erased", "event", "gap", "ready", "replay", "snapshot", "update"]),
    (
        "closed",
        &[close::BEHIND.reason, close::EXPIRED.reason, close::TASK_ENDED.reason, close::TASK_ERASED.reason],
    ),
    ("result", &["deleted again", "deleted for good", "from KV", "from the shard", "none"]),
    ("stream", &["erased", "of a task that was pruned", "opened", "opened since a time", "over", "resumed"]),
    ("limit", &["attempts in flight", "attempts per second"]),
    (
        "page",
        &[
            "held_looked_at",
            "of a range",
            "of dead letters",
            "of what is too old",
            "tombstones_bodies_place",
            "tombstones_place",
        ],
    ),
    ("posted", &["acknowledged", "not acknowledged"]),
    ("imported", &["applied", "conflict", "duplicate", "late", "quarantined", "unknown"]),
    ("imported erasure", &["duplicate", "erased"]),
    ("erased", &["again", "first", "imported"]),
    ("tombstone", &["dropped"]),
    (
        "endpoint",
        &[
            "Aborts",
            "Accepts",
            "AsksToWait",
            "Disconnects",
            "Fails",
            "Hangs",
            "IsGone",
            "KnowsPreviousSecret",
            "Redirects",
        ],
    ),
    ("disabled", &["failing", "gone"]),
    (
        "done",
        &[
            "cancel a range",
            "change",
            "delete",
            "register",
            "replay a delivery",
            "replay a range",
            "retire",
            "rotate",
        ],
    ),
    ("answered", &["200", "201", "202"]),
    (
        "recorded",
        &[
            "DELETE /api/endpoints/{endpoint_id}",
            "DELETE /api/replays/{replay_id}",
            "DELETE /api/tasks/{task_id}",
            "DELETE /api/tokens/{token_id}",
            "PATCH /api/endpoints/{endpoint_id}",
            "POST /api/deliveries/{delivery_id}/replay",
            "POST /api/endpoints",
            "POST /api/endpoints/{endpoint_id}/retire",
            "POST /api/endpoints/{endpoint_id}/rotate",
            "POST /api/import",
            "POST /api/replay",
            "POST /api/tokens",
        ],
    ),
    ("token", &["created", "let in", "let in once more", "listed", "refused", "revoked"]),
    ("search", &["found", "nothing"]),
    ("instance", &["evicted"]),
    ("deployment", &["rotated"]),
    ("later version", &["configure", "store_event"]),
    ("refused", &["another number of shards"]),
    ("changed jurisdiction", &["nothing is stored yet", "refused"]),
];
