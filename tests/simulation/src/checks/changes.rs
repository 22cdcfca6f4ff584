//! What may become of a delivery: why it ends, and when it may go.

use vtryon_gateway_engine::protocol::delivery::{delivery_no, endpoint_of, seq_of};
use vtryon_gateway_engine::protocol::settings::{Endpoint, Settings};
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::Digest;

use crate::model::ledger::{Change, DeliveryRow};
use crate::violation::{ensure, invariant, violated};
use crate::world::World;

/// How long a delivery is held back at most that is due, in milliseconds: for a lease or a pause, by clocks that differ.
const LONGEST_HELD: i64 = 65_000;

/// Checks what a decision has made of a delivery: by the settings before it, or by those that it has stored.
pub fn of_change(world: &World, shard: usize, stored: Option<&Settings>, change: &Change) {
    let Change { no, before, after } = change;
    let found = Found { world, shard, stored, no: *no };
    match (before, after) {
        (Some(before), None) => found.is_gone(before),
        (before, Some(after)) => {
            let is_same_round = before.as_ref().is_some_and(|row| row.replay_count == after.replay_count);
            let has_ended = before.as_ref().is_some_and(|row| is_same_round && !row.is_pending());
            ensure!(!has_ended, "the first end of a delivery stays", "{no}: {after:?} after {before:?}");
            if after.is_pending() {
                found.is_due_in_time(after);
            } else {
                found.has_ended(before.as_ref().filter(|_| is_same_round), after);
            }
        }
        (None, None) => {}
    }
}

/// A delivery that a decision has changed.
struct Found<'a> {
    world: &'a World,
    shard: usize,
    stored: Option<&'a Settings>,
    no: i64,
}

impl Found<'_> {
    /// A delivery goes with its event: where that is too old and no delivery is to be made, or was erased.
    fn is_gone(&self, before: &DeliveryRow) {
        let is_to_be_made = before.is_pending() && before.reason.is_empty() && self.is_registered(is_enabled);
        ensure!(
            self.is_erased() || (self.is_too_old() && self.is_below_floor() && !is_to_be_made),
            "every delivery that was enqueued is stored",
            "{} is gone: {before:?}",
            self.no
        );
    }

    fn has_ended(&self, before: Option<&DeliveryRow>, after: &DeliveryRow) {
        let is_right = match &*after.state {
            "delivered" => self.is_accepted(),
            "superseded" => self.is_superseded(after),
            "dead" => self.is_dead(before, after),
            state => {
                violated(invariant!("a delivery has one of four states"), format!("{} is {state}", self.no))
            }
        };
        ensure!(
            is_right,
            "a delivery ends for a reason that holds",
            "{}: {after:?} after {before:?}",
            self.no
        );
    }

    /// Nothing holds a delivery back but its schedule, a lease, the pause after a secret that can't be opened, and the
    /// deliveries of its task before it.
    fn is_due_in_time(&self, row: &DeliveryRow) {
        let looked_at = |row: &DeliveryRow| row.due_at.max(row.leased_until);
        ensure!(looked_at(row) > 0, "a pending delivery is due, or it is leased", "{}: {row:?}", self.no);
        let object = &self.world.shards[self.shard];
        let soon = self.world.clock(self.shard).0.max(self.world.now.0) + LONGEST_HELD;
        let latest = row.scheduled_at.max(soon);
        if looked_at(row) <= latest {
            return;
        }
        let (seq, endpoint) = (seq_of(self.no), endpoint_of(self.no));
        let task_id = object.log.entries.get(&seq).and_then(|entry| entry.task_id.as_ref());
        let of_task = object.log.entries.range(..seq).filter(|(_, entry)| entry.task_id.as_ref() == task_id);
        let before = of_task.filter_map(|(seq, _)| object.ledger.rows.get(&delivery_no(*seq, endpoint)));
        let before = before.filter(|row| row.is_pending() && row.replay_count == 0);
        let is_held = task_id.is_some() && before.map(looked_at).any(|until| looked_at(row) <= until);
        ensure!(
            is_held && row.replay_count == 0,
            "nothing holds a delivery back but its schedule",
            "{}: {row:?} instead of {latest}",
            self.no
        );
    }

    fn is_dead(&self, before: Option<&DeliveryRow>, after: &DeliveryRow) -> bool {
        let answers = self.world.shards[self.shard].ledger.answers.get(&(self.no, after.replay_count));
        match &*after.reason {
            // The first attempt, and five retries.
            "exhausted" => {
                before.is_some_and(|before| before.failed_attempts == 5)
                    && after.failed_attempts == 6
                    && answers.is_some_and(|answers| answers.failures >= 6)
            }
            "aborted_by_receiver" => answers.is_some_and(|answers| answers.has_aborted),
            "endpoint_deleted" => self.is_deleted(),
            "endpoint_disabled" => self.is_too_old() && !self.is_registered(is_enabled),
            "secret_unreadable" => {
                self.is_too_old() && before.is_some_and(|before| !before.reason.is_empty())
            }
            "pruned" => self.is_too_old() && self.is_below_floor() && !self.has_body(),
            reason => violated(
                invariant!("a delivery dies for a reason that is known"),
                format!("{}: {reason}", self.no),
            ),
        }
    }

    fn is_accepted(&self) -> bool {
        let server = self.world.servers.get(&endpoint_of(self.no));
        server.is_some_and(|server| server.accepted.contains_key(&(self.shard, self.no)))
    }

    /// Returns whether the endpoint wants the latest status alone, and a newer one of the task was enqueued to it.
    fn is_superseded(&self, after: &DeliveryRow) -> bool {
        let (seq, endpoint) = (seq_of(self.no), endpoint_of(self.no));
        let object = &self.world.shards[self.shard];
        let Some(own) = object.log.entries.get(&seq) else { return false };
        let is_newer = |(seq, entry): (&i64, &crate::model::log::Entry)| {
            entry.is_applied()
                && entry.task_id == own.task_id
                && object.ledger.rows.contains_key(&delivery_no(*seq, endpoint))
        };
        own.is_applied()
            && after.replay_count == 0
            && self.is_registered(|endpoint| endpoint.options.order != "all")
            && object.log.entries.range(seq + 1..).any(is_newer)
    }

    /// Returns whether the endpoint is registered no more, by what was stored last.
    fn is_deleted(&self) -> bool {
        let settings = self.stored.unwrap_or(&self.world.shards[self.shard].settings);
        settings.endpoint(endpoint_of(self.no)).is_none()
    }

    /// Returns whether the endpoint is registered, as it is asked for.
    fn is_registered(&self, is_wanted: impl Fn(&Endpoint) -> bool) -> bool {
        let endpoint = endpoint_of(self.no);
        let before = &self.world.shards[self.shard].settings;
        let mut settings = [Some(before), self.stored].into_iter().flatten();
        settings.any(|settings| settings.endpoint(endpoint).is_some_and(&is_wanted))
    }

    fn is_erased(&self) -> bool {
        const TOMBSTONE: &str = "SELECT COUNT(*) FROM tasks WHERE task_id = ? AND erased_at IS NOT NULL";
        let object = &self.world.shards[self.shard];
        let entry = object.log.entries.get(&seq_of(self.no));
        let Some(task_id) = entry.and_then(|entry| entry.task_id.as_deref()) else { return false };
        let tombstone = format!("\u{1}{}", Digest::of(task_id.as_bytes()).to_hex());
        object.oracle.has_erased(task_id) || object.db.integer(TOMBSTONE, &[Bind::Text(&tombstone)]) == 1
    }

    fn is_too_old(&self) -> bool {
        let World { shards, deployment, .. } = self.world;
        let since = self.world.clock(self.shard).plus_seconds(-3600 * i64::from(deployment.retention_hours));
        shards[self.shard].log.entries.get(&seq_of(self.no)).is_some_and(|entry| entry.received_at <= since)
    }

    fn is_below_floor(&self) -> bool {
        const FLOOR: &str = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'pruned_to'), 0)";
        seq_of(self.no) <= self.world.shards[self.shard].db.integer(FLOOR, &[])
    }

    fn has_body(&self) -> bool {
        const BODY: &str = "SELECT (SELECT COUNT(*) FROM events WHERE seq = ?1 AND LENGTH(body) > 0)
            + (SELECT COUNT(*) FROM quarantine WHERE no = ?1 AND LENGTH(body) > 0)";
        self.world.shards[self.shard].db.integer(BODY, &[Bind::Int(seq_of(self.no))]) > 0
    }
}

const fn is_enabled(endpoint: &Endpoint) -> bool {
    endpoint.options.enabled
}
