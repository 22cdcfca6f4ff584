//! What was erased: that nothing of it is stored, and nothing of it is published.

use serde_json::Value as Json;
use vtryon_gateway_engine::storage::database::Bind;

use crate::violation::ensure;
use crate::world::World;

/// Checks that nothing is stored of the tasks that were erased.
pub fn of_erased(world: &World, shard: usize) {
    const EVENTS: &str =
        "SELECT COUNT(*) FROM events e JOIN tasks t ON t.no = e.task_no WHERE t.erased_at IS NOT NULL";
    const DELIVERIES: &str = "SELECT COUNT(*) FROM deliveries d
        WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = d.no / 65536)
        AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.no = d.no / 65536)";
    const TASKS: &str = "SELECT COUNT(*) FROM tasks WHERE erased_at IS NOT NULL
        AND (SUBSTR(task_id, 1, 1) <> CHAR(1) OR open = 1 OR unknown <> '[]' OR result_url IS NOT NULL
            OR failure IS NOT NULL)";
    let db = &world.shards[shard].db;
    for (what, query) in [("events", EVENTS), ("deliveries", DELIVERIES), ("tasks", TASKS)] {
        let count = db.integer(query, &[]);
        ensure!(count == 0, "nothing of an erased task is stored", "{count} {what} of shard {shard}");
    }
}

/// Notes what is gone after a run of the alarm: rows of tasks whose erasure was imported, and tombstones.
pub fn note_gone(world: &mut World, shard: usize) {
    const LEFT: &str = "SELECT COUNT(*) FROM tasks WHERE task_id = ?";
    const ERASURES: &str = "SELECT last_seq FROM tasks WHERE erased_at IS NOT NULL";
    let object = &mut world.shards[shard];
    for (task_id, task) in &mut object.oracle.tasks {
        if task.is_left && object.db.integer(LEFT, &[Bind::Text(task_id)]) == 0 {
            task.is_left = false;
            object.log.erase(task_id);
            world.coverage.reach("erased", "imported");
        }
    }
    let there = object.db.integers(ERASURES, &[]);
    let erasures = object.log.entries.iter_mut().filter(|(_, entry)| entry.is_erasure());
    for (_, entry) in erasures.filter(|(seq, _)| !there.contains(seq)) {
        entry.is_erased = true;
    }
}

/// Checks a message to a live client.
pub fn of_message(world: &World, shard: usize, message: &Json) {
    let of_snapshot = message["tasks"].as_array().into_iter().flatten();
    let about = [message, &message["task"]].into_iter().chain(of_snapshot);
    // The state of a task without events says nothing: the tombstone may have been dropped.
    let told = about.filter(|about| about["seq"] != 0);
    for task_id in told.filter_map(|about| about["task_id"].as_str()) {
        let is_erased = world.shards[shard].oracle.has_deleted(task_id);
        ensure!(!is_erased, "nothing of an erased task is published", "{message}");
    }
}
