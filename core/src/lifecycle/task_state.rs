//! The state of a task: the statuses that it has received.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::event::Status;

/// The four documented statuses that a task goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Accepted.
    Queued,
    /// Rendering.
    Processing,
    /// Finished with a result. Final.
    Completed,
    /// Finished without one. Final.
    Failed,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Processing, Self::Completed, Self::Failed];

    /// Returns the stage of a status; `None` for an unknown one.
    pub const fn of(status: &Status<'_>) -> Option<Self> {
        match status {
            Status::Queued => Some(Self::Queued),
            Status::Processing => Some(Self::Processing),
            Status::Completed => Some(Self::Completed),
            Status::Failed => Some(Self::Failed),
            Status::Other(_) => None,
        }
    }

    /// Returns the name of the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Returns whether no other stage follows.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Processing => false,
            Self::Completed | Self::Failed => true,
        }
    }

    /// Returns the stage's bit in the stored set.
    pub(super) const fn bit(self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Processing => 2,
            Self::Completed => 4,
            Self::Failed => 8,
        }
    }
}

/// The state of a task as far as decisions need it: its current stage and every status that it has received.
///
/// `Debug` shows the number of unknown statuses, not their names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TaskState {
    pub(super) stage: Option<Stage>,
    pub(super) seen: u8,
    pub(super) unknown: Vec<String>,
}

impl TaskState {
    /// Restores a stored state from the parts that the accessors return.
    pub const fn restore(stage: Option<Stage>, seen: u8, unknown: Vec<String>) -> Self {
        Self { stage, seen, unknown }
    }

    /// Returns the current stage; `None` if only unknown statuses were received.
    pub const fn stage(&self) -> Option<Stage> {
        self.stage
    }

    /// Returns the received stages as a set of bits: 1 queued, 2 processing, 4 completed, 8 failed.
    pub const fn seen(&self) -> u8 {
        self.seen
    }

    /// Returns the received unknown statuses in order of arrival, at most [`MAX_UNKNOWN`](super::MAX_UNKNOWN).
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns whether both final statuses were received. The first one stays the task's status.
    pub const fn is_conflicting(&self) -> bool {
        is_conflicting(self.seen)
    }

    pub(super) const fn has_seen(&self, stage: Stage) -> bool {
        self.seen & stage.bit() != 0
    }
}

/// Returns the same for a set of bits as [`TaskState::seen`] returns it.
pub const fn is_conflicting(seen: u8) -> bool {
    let both = Stage::Completed.bit() | Stage::Failed.bit();
    seen & both == both
}

impl fmt::Debug for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskState")
            .field("stage", &self.stage)
            .field("seen", &self.seen)
            .field("unknown", &self.unknown.len())
            .finish()
    }
}
