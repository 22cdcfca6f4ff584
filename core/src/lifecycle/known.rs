use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::event::Status;

/// The four statuses of the guide, which a task goes through.
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
    /// All of them, in order of rank.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Processing, Self::Completed, Self::Failed];

    /// Tells which stage a status is; a status that we don't know is none.
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

    /// Tells whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Processing => false,
            Self::Completed | Self::Failed => true,
        }
    }

    /// Returns its bit in the stored set.
    pub(super) const fn bit(self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Processing => 2,
            Self::Completed => 4,
            Self::Failed => 8,
        }
    }
}

/// What a task remembers for the decision: where it stands, and every status it has seen.
///
/// `Debug` counts the statuses that we don't know, it does not show them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub(super) stage: Option<Stage>,
    pub(super) seen: u8,
    pub(super) unknown: Vec<String>,
}

impl Known {
    /// Restores what was stored: the parts as the accessors return them.
    pub const fn restore(stage: Option<Stage>, seen: u8, unknown: Vec<String>) -> Self {
        Self { stage, seen, unknown }
    }

    /// Returns where the task stands; none as long as only statuses were seen that we don't know.
    pub const fn stage(&self) -> Option<Stage> {
        self.stage
    }

    /// Returns the stages seen as a set of bits: 1 queued, 2 processing, 4 completed, 8 failed.
    pub const fn seen(&self) -> u8 {
        self.seen
    }

    /// Returns the statuses seen that we don't know, at most [`MAX_UNKNOWN`](super::MAX_UNKNOWN), in order of arrival.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Tells whether both final statuses were seen: the first one stands, the conflict is shown.
    pub const fn is_conflicting(&self) -> bool {
        is_conflicting(self.seen)
    }

    pub(super) const fn has_seen(&self, stage: Stage) -> bool {
        self.seen & stage.bit() != 0
    }
}

/// Tells the same of the set alone, as [`Known::seen`] returns it.
pub const fn is_conflicting(seen: u8) -> bool {
    let both = Stage::Completed.bit() | Stage::Failed.bit();
    seen & both == both
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("stage", &self.stage)
            .field("seen", &self.seen)
            .field("unknown", &self.unknown.len())
            .finish()
    }
}
