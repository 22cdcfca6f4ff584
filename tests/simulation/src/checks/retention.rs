//! What was pruned, and what is left of it.

use vtryon_gateway_engine::protocol::Content;
use vtryon_gateway_engine::protocol::delivery::{endpoint_of, seq_of};
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::Digest;

use crate::model::oracle::KnownTask;
use crate::violation::ensure;
use crate::world::World;

/// Returns the events with deliveries that are to be made: none of them may be pruned.
pub fn undelivered(world: &World, shard: usize) -> Vec<i64> {
    const PENDING: &str = "SELECT no FROM deliveries WHERE state = 'pending' AND reason IS NULL";
    let object = &world.shards[shard];
    let is_enabled = |no: &i64| {
        object.settings.endpoint(endpoint_of(*no)).is_some_and(|endpoint| endpoint.options.enabled)
    };
    object.db.integers(PENDING, &[]).into_iter().filter(is_enabled).map(seq_of).collect()
}

/// Checks what a run of the alarm has pruned.
pub fn of_retention(world: &mut World, shard: usize, undelivered: &[i64]) {
    const FLOOR: &str = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'pruned_to'), 0)";
    const THERE: &str = "SELECT (SELECT COUNT(*) FROM events WHERE seq = ?1 AND LENGTH(body) > 0)
        + (SELECT COUNT(*) FROM quarantine WHERE no = ?1 AND LENGTH(body) = bytes)";
    let too_old = world.clock(shard).plus_seconds(-3600 * i64::from(world.deployment.retention_hours));
    let object = &mut world.shards[shard];
    let before = object.log.pruned_to;
    object.log.pruned_to = object.db.integer(FLOOR, &[]);
    let passed = object.log.entries.range(before + 1..).take_while(|(seq, _)| **seq <= object.log.pruned_to);
    for (seq, entry) in passed {
        // What was erased is gone, whatever its time.
        let is_kept = entry.delivery.is_none() && !entry.is_erased && !entry.is_erasure();
        let is_early = is_kept && entry.received_at > too_old;
        ensure!(!is_early, "nothing is pruned before its time", "event {seq} of shard {shard}");
    }
    // Nothing of what was erased is delivered.
    let is_erased = |seq: &i64| object.log.entries.get(seq).is_some_and(|entry| entry.is_erased);
    for seq in undelivered.iter().filter(|seq| !is_erased(seq)) {
        let is_there = object.db.integer(THERE, &[Bind::Int(*seq)]) == 1;
        ensure!(is_there, "what has a pending delivery is not pruned", "event {seq} of shard {shard}");
    }
}

/// Forgets what the engine has dropped, because no secret that signed it is configured any more.
pub fn forget_dropped(world: &mut World, shard: usize, content: &Content, body: &[u8]) {
    const TASK: &str = "SELECT COUNT(*) FROM tasks WHERE task_id IN (?, ?)";
    const OTHERS: &str = "SELECT COUNT(*) FROM events e JOIN tasks t ON t.no = e.task_no
        WHERE t.task_id IN (?, ?) AND e.digest IS NOT NULL";
    const BODY: &str = "SELECT COUNT(*) FROM quarantine WHERE digest = ?";
    let configured = world.deployment.fingerprints();
    let object = &mut world.shards[shard];
    let is_dropped = |key: &String| !configured.contains(key);
    match content {
        Content::Status { task_id, .. } | Content::Other { task_id, .. } => {
            let is_stale = |task: &KnownTask| task.keys.iter().all(is_dropped);
            if object.oracle.tasks.get(task_id).is_some_and(is_stale) {
                let tombstone = format!("\u{1}{}", Digest::of(task_id.as_bytes()).to_hex());
                let ids = [Bind::Text(task_id), Bind::Text(&tombstone)];
                if object.db.integer(TASK, &ids) == 0 {
                    object.oracle.tasks.remove(task_id);
                    world.coverage.reach("tombstone", "dropped");
                } else if object.db.integer(OTHERS, &ids) == 0 {
                    // The last row of a table stays, for the next one is numbered after it; its other events go.
                    object.oracle.tasks.entry(task_id.clone()).or_default().others.clear();
                }
            }
        }
        Content::Unreadable { .. } => {
            if object.oracle.unreadable.get(body).is_some_and(is_dropped)
                && object.db.integer(BODY, &[Bind::Text(&Digest::of(body).to_hex())]) == 0
            {
                object.oracle.unreadable.remove(body);
            }
        }
    }
}
