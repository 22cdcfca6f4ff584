//! What the hourly sweep finds in the shards, and what it reports of all of them.

use serde::{Deserialize, Serialize};

/// From how much of what an object may store on its storage is nearly full, and below how much it is not any more, in
/// percent: what lies between changes nothing.
const NEARLY_FULL: u64 = 80;
const RELIEVED: u64 = 70;

/// What the sweep finds in a shard.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepFindings {
    /// Whether a task has not ended and has had no event for long.
    pub has_stalled: bool,
    /// How much of what an object may store is stored, in percent.
    pub storage_percent: u64,
}

/// What the sweep has found in all shards. What they do not say is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepReport {
    /// Whether a task has stalled in a shard; none where not all of them have answered.
    pub has_stalled: Option<bool>,
    /// Whether the storage of a shard is nearly full; none where none is known to be, and not all are known not to be.
    pub is_nearly_full: Option<bool>,
}

impl SweepReport {
    /// Makes the report of what was found in each shard; none where a shard has not answered.
    pub fn of(findings: &[Option<SweepFindings>]) -> Self {
        let answered = findings.iter().flatten();
        let is_whole = answered.clone().count() == findings.len();
        let has_stalled = answered.clone().any(|shard| shard.has_stalled);
        let fullest = answered.map(|shard| shard.storage_percent).max().unwrap_or(0);
        let is_nearly_full = match fullest {
            NEARLY_FULL.. => Some(true),
            0..RELIEVED if is_whole => Some(false),
            _ => None,
        };
        Self { has_stalled: is_whole.then_some(has_stalled), is_nearly_full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_all_shards_or_the_fullest_one_say() {
        let shard = |has_stalled, storage_percent| Some(SweepFindings { has_stalled, storage_percent });
        for (why, findings, has_stalled, is_nearly_full) in [
            ("nothing is the matter", [shard(false, 0), shard(false, 69)], Some(false), Some(false)),
            ("one has stalled", [shard(true, 0), shard(false, 0)], Some(true), Some(false)),
            ("one has not answered", [shard(true, 0), None], None, None),
            ("the fullest one counts", [shard(false, 80), shard(false, 1)], Some(false), Some(true)),
            ("between both nothing changes", [shard(false, 79), shard(false, 1)], Some(false), None),
            ("it is relieved below 70", [shard(false, 70), shard(false, 1)], Some(false), None),
            ("one is full, whatever the other is", [shard(false, 100), None], None, Some(true)),
        ] {
            assert_eq!(SweepReport::of(&findings), SweepReport { has_stalled, is_nearly_full }, "{why}");
        }
    }
}
