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
    /// The version of the settings that it has; a shard of an older version does not say it.
    pub settings_version: Option<i64>,
}

/// What the sweep has found in all shards. A field is `None` where the answers don't decide it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepReport {
    /// Whether a task has stalled in a shard; `None` where not all of them have answered.
    pub has_stalled: Option<bool>,
    /// Whether the storage of a shard is nearly full; `None` where no shard is known to be nearly full, and not all are known
    /// to be below 70 %.
    pub is_nearly_full: Option<bool>,
    /// The lowest and the highest version of the settings among the shards that have answered.
    pub oldest_settings: Option<i64>,
    pub newest_settings: Option<i64>,
}

impl SweepReport {
    /// Makes the report of what was found in each shard; none where a shard has not answered.
    pub fn of(findings: &[Option<SweepFindings>]) -> Self {
        let answered = findings.iter().flatten();
        let is_whole = answered.clone().count() == findings.len();
        let has_stalled = answered.clone().any(|shard| shard.has_stalled);
        let versions = answered.clone().filter_map(|shard| shard.settings_version);
        let fullest = answered.map(|shard| shard.storage_percent).max().unwrap_or(0);
        let is_nearly_full = match fullest {
            NEARLY_FULL.. => Some(true),
            0..RELIEVED if is_whole => Some(false),
            _ => None,
        };
        Self {
            has_stalled: is_whole.then_some(has_stalled),
            is_nearly_full,
            oldest_settings: versions.clone().min(),
            newest_settings: versions.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_all_shards_or_the_fullest_one_say() {
        let shard = |has_stalled, storage_percent| {
            Some(SweepFindings { has_stalled, storage_percent, ..SweepFindings::default() })
        };
        for (why, findings, has_stalled, is_nearly_full) in [
            ("nothing is the matter", [shard(false, 0), shard(false, 69)], Some(false), Some(false)),
            ("one has stalled", [shard(true, 0), shard(false, 0)], Some(true), Some(false)),
            ("one has not answered", [shard(true, 0), None], None, None),
            ("the fullest one counts", [shard(false, 80), shard(false, 1)], Some(false), Some(true)),
            ("between both nothing changes", [shard(false, 79), shard(false, 1)], Some(false), None),
            ("it is relieved below 70", [shard(false, 70), shard(false, 1)], Some(false), None),
            ("one is full, whatever the other is", [shard(false, 100), None], None, Some(true)),
        ] {
            let expected = SweepReport { has_stalled, is_nearly_full, ..SweepReport::default() };
            assert_eq!(SweepReport::of(&findings), expected, "{why}");
        }
    }

    #[test]
    fn a_report_says_which_settings_the_shards_have() {
        let shard = |settings_version| Some(SweepFindings { settings_version, ..SweepFindings::default() });
        for (findings, oldest, newest) in [
            ([shard(Some(3)), shard(Some(3)), None], Some(3), Some(3)),
            ([shard(Some(3)), shard(Some(0)), shard(Some(7))], Some(0), Some(7)),
            ([shard(None), shard(Some(2)), None], Some(2), Some(2)),
            ([shard(None), None, None], None, None),
        ] {
            let report = SweepReport::of(&findings);
            assert_eq!((report.oldest_settings, report.newest_settings), (oldest, newest));
        }
    }
}
