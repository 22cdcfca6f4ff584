//! What an event means for its task: a pure decision over the set of statuses the task has seen.
//!
//! A task goes queued → processing → completed | failed (Vtryon's guide). Events arrive repeated,
//! out of order and late, for Vtryon retries and networks reorder. Deciding by the set of statuses
//! seen, instead of by the last one, makes the outcome independent of all that: every order of the
//! same events, with any repeats, ends in the same status, but for a [`Outcome::Conflict`], which is
//! reported as such.

mod known;

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::event::Status;

pub use known::{Known, Stage, is_conflicting};

/// How many statuses that we don't know a task keeps: a bound on what one task can store.
pub const MAX_UNKNOWN: usize = 16;

/// What an event is to its task. Each of them is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The task moves on.
    Applied,
    /// The task has had this event: nothing is stored, and nothing follows from it.
    Duplicate,
    /// The task is past it: kept in the timeline, the status stays.
    Late,
    /// The other final status: the first one stays, this one is kept in the timeline and flagged.
    Conflict,
    /// A status or an event that we don't know: kept and passed on, the status stays.
    Unknown,
    /// One more unknown status than a task keeps: counted, not kept.
    Capped,
    /// A signed body that can't be read: kept raw.
    Quarantined,
}

impl Outcome {
    /// Returns the name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Conflict => "conflict",
            Self::Unknown => "unknown",
            Self::Capped => "capped",
            Self::Quarantined => "quarantined",
        }
    }

    /// Reads a stored name; returns `None` for names from newer versions.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Applied,
            Self::Duplicate,
            Self::Late,
            Self::Conflict,
            Self::Unknown,
            Self::Capped,
            Self::Quarantined,
        ]
        .into_iter()
        .find(|outcome| outcome.as_str() == name)
    }

    /// Tells whether the event is kept; one that is not writes no row.
    pub const fn is_kept(self) -> bool {
        match self {
            Self::Applied | Self::Late | Self::Conflict | Self::Unknown | Self::Quarantined => true,
            Self::Duplicate | Self::Capped => false,
        }
    }
}

/// What must happen later because of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SideEffect {
    /// The final result becomes readable worldwide.
    PublishResult,
}

impl SideEffect {
    /// Returns the name, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublishResult => "publish_result",
        }
    }

    /// Reads a stored name; one that a later version has stored is none of ours.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::PublishResult].into_iter().find(|effect| effect.as_str() == name)
    }
}

/// The decision on one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the event is.
    pub outcome: Outcome,
    /// What the task remembers from now on; none when it remembers nothing new.
    pub next: Option<Known>,
    /// The side effect, to be stored in the same commit as `next`.
    pub side_effect: Option<SideEffect>,
}

impl Step {
    /// Tells whether the task has come to its end with this event.
    pub fn finishes(&self) -> bool {
        let stage = self.next.as_ref().and_then(Known::stage);
        self.outcome == Outcome::Applied && stage.is_some_and(Stage::is_final)
    }
}

/// Decides on a status that a task is told; `known` is none for a task never heard of.
///
/// ```
/// use vtryon_webhooks::{Status, lifecycle::{Outcome, step}};
/// let first = step(None, &Status::Completed);
/// assert_eq!(first.outcome, Outcome::Applied);
/// let then = step(first.next.as_ref(), &Status::Processing);
/// assert_eq!(then.outcome, Outcome::Late);
/// ```
pub fn step(known: Option<&Known>, status: &Status<'_>) -> Step {
    let mut next = known.cloned().unwrap_or_default();
    let outcome = match Stage::of(status) {
        Some(stage) if next.has_seen(stage) => Outcome::Duplicate,
        Some(stage) => advance(next.stage, stage),
        None => admit(&next.unknown, status.as_str()),
    };
    if !outcome.is_kept() {
        return Step { outcome, next: None, side_effect: None };
    }
    match Stage::of(status) {
        Some(stage) => next.seen |= stage.bit(),
        None => next.unknown.push(status.as_str().to_owned()),
    }
    if outcome == Outcome::Applied {
        next.stage = Stage::of(status);
    }
    let step = Step { outcome, next: Some(next), side_effect: None };
    if step.finishes() { Step { side_effect: Some(SideEffect::PublishResult), ..step } } else { step }
}

/// Decides on an event by a name that we don't know: it is kept once by its content, and moves nothing.
pub fn other(known: Option<&Known>, kept_before: bool) -> Step {
    let outcome = once(kept_before, Outcome::Unknown);
    let next = outcome.is_kept().then(|| known.cloned().unwrap_or_default());
    Step { outcome, next, side_effect: None }
}

/// Decides on a body that can't be read: it is kept once by its bytes.
pub const fn unreadable(kept_before: bool) -> Outcome {
    once(kept_before, Outcome::Quarantined)
}

const fn once(kept_before: bool, outcome: Outcome) -> Outcome {
    if kept_before { Outcome::Duplicate } else { outcome }
}

/// The table: where a task stands, and a stage that it has not seen yet.
///
/// A pair on the diagonal can't come up, since where a task stands it has been; it is a duplicate.
const fn advance(stands: Option<Stage>, told: Stage) -> Outcome {
    use Outcome::{Applied, Conflict, Duplicate, Late};
    use Stage::{Completed, Failed, Processing, Queued};
    match (stands, told) {
        (None, Queued) => Applied,
        (None, Processing) => Applied,
        (None, Completed) => Applied,
        (None, Failed) => Applied,
        (Some(Queued), Queued) => Duplicate,
        (Some(Queued), Processing) => Applied,
        (Some(Queued), Completed) => Applied,
        (Some(Queued), Failed) => Applied,
        (Some(Processing), Queued) => Late,
        (Some(Processing), Processing) => Duplicate,
        (Some(Processing), Completed) => Applied,
        (Some(Processing), Failed) => Applied,
        (Some(Completed), Queued) => Late,
        (Some(Completed), Processing) => Late,
        (Some(Completed), Completed) => Duplicate,
        (Some(Completed), Failed) => Conflict,
        (Some(Failed), Queued) => Late,
        (Some(Failed), Processing) => Late,
        (Some(Failed), Completed) => Conflict,
        (Some(Failed), Failed) => Duplicate,
    }
}

/// Admits a status that we don't know, once, and only so many.
fn admit(unknown: &[String], name: &str) -> Outcome {
    if unknown.iter().any(|seen| seen == name) {
        Outcome::Duplicate
    } else if unknown.len() >= MAX_UNKNOWN {
        Outcome::Capped
    } else {
        Outcome::Unknown
    }
}
