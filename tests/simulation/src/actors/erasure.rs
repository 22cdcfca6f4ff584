//! Erasure: administrators have tasks erased, while events, attempts and clients of theirs are on their way.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::Digest;

use crate::actors::worker::NOTHING;
use crate::checks;
use crate::coverage::Decision;
use crate::violation::ensure;
use crate::world::World;

impl World {
    /// Erases a task, or one that was erased before.
    pub fn erase_task(&mut self) {
        let Some((shard, task_id)) = self.task_to_erase() else { return };
        if !self.record_change("DELETE /api/tasks/{task_id}", &task_id) {
            return;
        }
        let before = self.shards[shard].oracle.has_erased(&task_id);
        let request = ShardRequest::Erase { task_id: task_id.clone() };
        let answer = self.call(shard, Decision::Erase, request, &[]).filter(|answer| answer != NOTHING);
        self.note_erased(shard, &task_id);
        let is_erased = self.shards[shard].oracle.has_erased(&task_id);
        ensure!(answer.is_none() || is_erased, "what is confirmed to be erased is erased", "{task_id}");
        self.coverage.reach("erased", if before { "again" } else { "first" });
        self.note(|| format!("shard {shard}: {task_id} is erased: {is_erased}"));
        if !is_erased {
            return;
        }
        checks::of_erased(self, shard);
        if answer.is_some() {
            self.delete_result(&task_id);
        }
        for request in [
            ShardRequest::Task { task_id: task_id.clone() },
            ShardRequest::Result { task_id: task_id.clone() },
        ] {
            let answer = self.call(shard, Decision::Query, request, &[]);
            ensure!(
                answer.as_deref().is_none_or(|answer| answer == NOTHING),
                "nothing of an erased task is shown",
                "{answer:?}"
            );
        }
    }

    /// Chooses any task, or one whose result has to be deleted again.
    fn task_to_erase(&mut self) -> Option<(usize, String)> {
        let left = self.kv.left();
        if !left.is_empty() && self.random.chance(400) {
            let task_id = left[self.random.index(left.len())].clone();
            return Some((self.deployment.shards.shard_of_task(&task_id) as usize, task_id));
        }
        self.any_task()
    }

    /// Chooses a task of any shard.
    pub fn any_task(&mut self) -> Option<(usize, String)> {
        let shard = self.random.index(self.shards.len());
        let known = self.shards[shard].oracle.tasks.len();
        let nth = self.random.index(known.max(1));
        self.shards[shard].oracle.tasks.keys().nth(nth).map(|task_id| (shard, task_id.clone()))
    }

    /// Notes that a task is erased, whether or not anybody has been told.
    pub fn note_erased(&mut self, shard: usize, task_id: &str) {
        const ERASED: &str = "SELECT COUNT(*) FROM tasks WHERE task_id = ? AND erased_at IS NOT NULL";
        const LEFT: &str = "SELECT COUNT(*) FROM tasks WHERE task_id = ?";
        let object = &mut self.shards[shard];
        let tombstone = format!("\u{1}{}", Digest::of(task_id.as_bytes()).to_hex());
        if object.db.integer(ERASED, &[Bind::Text(&tombstone)]) == 0 {
            return;
        }
        let task = object.oracle.tasks.entry(task_id.to_owned()).or_default();
        if !task.is_erased {
            self.kv.note_erased(task_id);
        }
        (task.is_erased, task.is_left) = (true, object.db.integer(LEFT, &[Bind::Text(task_id)]) > 0);
        if !task.is_left {
            object.log.erase(task_id);
        }
    }
}
