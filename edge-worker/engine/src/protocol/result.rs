//! The final result of a task in KV, which keeps it for the readers after the first.

use serde::Deserialize;
use vtryon_webhooks::{Digest, Millis};

use crate::text::{json, time};

/// The shortest time that KV keeps a value for, in seconds.
/// <https://developers.cloudflare.com/kv/api/write-key-value-pairs/#expiring-keys>
const SHORTEST: u64 = 60;

/// Returns the key of a task's final result, by the digest of its id. The prefix leaves room for other things in the same
/// namespace.
pub fn result_key(task: &Digest) -> String {
    format!("result:{}", task.to_hex())
}

/// Returns for how many seconds from now on KV keeps a result, as a shard has answered it: as long as its task is kept.
/// `None` where that is too short.
pub fn seconds_kept(result: &str, retention_seconds: i64, now: Millis) -> Option<u64> {
    #[derive(Deserialize)]
    struct Ending {
        completed_at: String,
    }
    let ending: Ending = json::read(result).ok()?;
    let until = time::parse_rfc3339(&ending.completed_at)?.plus_seconds(retention_seconds);
    let seconds = u64::try_from(until.0 - now.0).ok()? / 1000;
    (seconds >= SHORTEST).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_kept_as_long_as_its_task() {
        const RESULT: &str =
            r#"{"task_id":"task_1","status":"completed","completed_at":"2026-01-01T00:00:00.500Z"}"#;
        let end = Millis(1_767_225_600_500);
        for (passed, kept) in [(0, Some(3600)), (3540, Some(60)), (3541, None), (3600, None), (7200, None)] {
            assert_eq!(seconds_kept(RESULT, 3600, end.plus_seconds(passed)), kept, "after {passed} s");
        }
        for other in ["", "null", "{}", r#"{"completed_at":"yesterday"}"#] {
            assert_eq!(seconds_kept(other, 3600, end), None, "{other}");
        }
    }
}
