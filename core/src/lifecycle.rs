//! Decides what an event means for its task, from the set of statuses that the task has received.
//!
//! A task goes queued → processing → completed | failed (Vtryon's guide). Events arrive repeated, out of order and late,
//! because Vtryon retries and networks reorder. The decision uses the set of received statuses instead of the last one,
//! so every order of the same events, with any repeats, ends in the same status. The only exception is an
//! [`Outcome::Conflict`], which is reported.

mod task_state;

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::event::Status;

pub use task_state::{Stage, TaskState, is_conflicting};

/// The maximum number of unknown statuses stored per task.
pub const MAX_UNKNOWN: usize = 16;

/// What an event means for its task. Every outcome is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The task's status changes.
    Applied,
    /// The task has received this event before: nothing is stored, and nothing follows.
    Duplicate,
    /// The task has passed this status: the event is stored in the timeline, the task's status stays.
    Late,
    /// The task has the other final status, which stays: the event is stored in the timeline and flagged.
    Conflict,
    /// An unknown status or event: it is stored and delivered to endpoints that ask for it, the task's status stays.
    Unknown,
    /// An unknown status beyond [`MAX_UNKNOWN`]: it is counted, not stored.
    Capped,
    /// A signed body that is not a readable event: its bytes are stored.
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

    /// Parses a stored name; returns `None` for names from newer versions.
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

    /// Returns whether the event is stored. An event that is not stored writes no row.
    pub const fn is_stored(self) -> bool {
        match self {
            Self::Applied | Self::Late | Self::Conflict | Self::Unknown | Self::Quarantined => true,
            Self::Duplicate | Self::Capped => false,
        }
    }
}

/// The decision on one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the event means for the task.
    pub outcome: Outcome,
    /// The new state of the task; `None` if it does not change.
    pub next: Option<TaskState>,
}

impl Step {
    /// Returns whether the task reaches a final status with this event.
    pub fn finishes(&self) -> bool {
        let stage = self.next.as_ref().and_then(TaskState::stage);
        self.outcome == Outcome::Applied && stage.is_some_and(Stage::is_final)
    }
}

/// Decides on an event with a status. `state` is the task's state, `None` for a new task.
///
/// ```
/// use vtryon_webhooks::{Status, lifecycle::{Outcome, step}};
/// let first = step(None, &Status::Completed);
/// assert_eq!(first.outcome, Outcome::Applied);
/// let then = step(first.next.as_ref(), &Status::Processing);
/// assert_eq!(then.outcome, Outcome::Late);
/// ```
pub fn step(state: Option<&TaskState>, status: &Status<'_>) -> Step {
    let mut next = state.cloned().unwrap_or_default();
    let outcome = match Stage::of(status) {
        Some(stage) if next.has_seen(stage) => Outcome::Duplicate,
        Some(stage) => advance(next.stage, stage),
        None => admit(&next.unknown, status.as_str()),
    };
    if !outcome.is_stored() {
        return Step { outcome, next: None };
    }
    match Stage::of(status) {
        Some(stage) => next.seen |= stage.bit(),
        None => next.unknown.push(status.as_str().to_owned()),
    }
    if outcome == Outcome::Applied {
        next.stage = Stage::of(status);
    }
    Step { outcome, next: Some(next) }
}

/// Decides on an event with an unknown name. It is stored once per content and does not change the task's status.
///
/// `stored_before` says whether an event with this content is stored already.
pub fn step_unknown_event(state: Option<&TaskState>, stored_before: bool) -> Step {
    if stored_before {
        return Step { outcome: Outcome::Duplicate, next: None };
    }
    Step { outcome: Outcome::Unknown, next: Some(state.cloned().unwrap_or_default()) }
}

/// Decides from a task's current stage and a stage that it has not received yet.
///
/// The caller has handled duplicates, so equal stages do not occur; the table names them for completeness.
const fn advance(current: Option<Stage>, received: Stage) -> Outcome {
    use Outcome::{Applied, Conflict, Duplicate, Late};
    use Stage::{Completed, Failed, Processing, Queued};
    match (current, received) {
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

/// Decides on an unknown status: each is stored once, at most [`MAX_UNKNOWN`] per task.
fn admit(unknown: &[String], name: &str) -> Outcome {
    if unknown.iter().any(|seen| seen == name) {
        Outcome::Duplicate
    } else if unknown.len() >= MAX_UNKNOWN {
        Outcome::Capped
    } else {
        Outcome::Unknown
    }
}
