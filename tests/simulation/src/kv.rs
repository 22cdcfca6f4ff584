//! The key-value store that results are published to. It may fail, and it may store what it does not confirm.

use std::collections::BTreeMap;

use vtryon_gateway_engine::shard::Publication;

use crate::coverage::{CrashPoint, Loss};
use crate::violation::ensure;
use crate::world::World;

/// The status of each task's result, by its key.
pub type Kv = BTreeMap<String, String>;

impl World {
    /// Publishes a result; returns whether that is confirmed.
    pub fn publish(&mut self, shard: usize, result: &Publication) -> bool {
        if self.random.chance(self.regime.kv_failures) {
            self.coverage.crash(CrashPoint::Lost(Loss::Publication));
            return false;
        }
        let value: serde_json::Value = serde_json::from_str(&result.value).expect("a result is JSON");
        let status = value["status"].as_str().unwrap_or_default().to_owned();
        let known = self.shards[shard].oracle.tasks.get(&result.task_id).and_then(|task| task.status.clone());
        ensure!(
            known.as_ref() == Some(&status),
            "the first final status stays",
            "{} is published as {status}, but is {known:?}",
            result.task_id
        );
        self.kv.insert(result.task_id.clone(), status);
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::AnswerOfPublication));
            return false;
        }
        self.coverage.reach("result", "published");
        true
    }
}
