//! The deliveries of a shard, as they were after each decision: whatever becomes of one is seen, and held to the rules.

use std::collections::{BTreeMap, BTreeSet};

use vtryon_gateway_engine::protocol::settings::Settings;
use vtryon_gateway_engine::storage::database::{Bind, Value};

use crate::checks;
use crate::platform::database::{integer, text};
use crate::platform::object::ShardObject;
use crate::violation::ensure;
use crate::world::World;

/// A delivery, as it is stored. What is null is -1, or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRow {
    pub state: String,
    pub reason: String,
    pub due_at: i64,
    pub leased_until: i64,
    pub scheduled_at: i64,
    pub first_at: i64,
    pub failed_attempts: i64,
    pub replay_count: i64,
    /// The range replay that it is part of.
    pub replay: String,
}

impl DeliveryRow {
    pub fn is_pending(&self) -> bool {
        self.state == "pending"
    }

    fn read(row: &[Value]) -> Self {
        Self {
            state: text(&row[0]).to_owned(),
            reason: text(&row[1]).to_owned(),
            due_at: integer(&row[2]),
            leased_until: integer(&row[3]),
            scheduled_at: integer(&row[4]),
            first_at: integer(&row[5]),
            failed_attempts: integer(&row[6]),
            replay_count: integer(&row[7]),
            replay: text(&row[8]).to_owned(),
        }
    }
}

/// What endpoints have answered to the attempts at a delivery since a replay.
#[derive(Default)]
pub struct Answers {
    pub failures: i64,
    pub has_aborted: bool,
}

/// All deliveries that a shard has enqueued, but for those that were pruned or erased by the rules.
#[derive(Default)]
pub struct Ledger {
    pub rows: BTreeMap<i64, DeliveryRow>,
    /// What endpoints have answered, by delivery and replay count.
    pub answers: BTreeMap<(i64, i64), Answers>,
    /// The states that each has had.
    pub states: BTreeMap<i64, BTreeSet<String>>,
    /// Those that were pending and replayed in the same decision: they may have had a state that nobody has seen.
    pub replayed_at_once: BTreeSet<i64>,
    /// What has become of the deliveries of each range replay.
    pub ranges: BTreeMap<String, Range>,
}

/// What has become of the deliveries of a range replay.
#[derive(Debug, Default)]
pub struct Range {
    pub enqueued: i64,
    pub delivered: i64,
    pub failed: i64,
    /// Those that went on in the same decision: they have ended and were replayed once more, or they have gone, and may
    /// have left for another range before.
    pub unseen: i64,
}

impl Ledger {
    /// Counts a change for the range replays that the delivery was and is part of.
    fn count(&mut self, change: &Change) {
        if let Some(row) = &change.after {
            self.states.entry(change.no).or_default().insert(row.state.clone());
            let pending = change.before.as_ref().filter(|before| before.is_pending());
            if pending.is_some_and(|before| before.replay_count != row.replay_count) {
                self.replayed_at_once.insert(change.no);
            }
        }
        let after = change.after.as_ref();
        let pending = change.before.as_ref().filter(|row| row.is_pending() && !row.replay.is_empty());
        let goes_on = pending.zip(after).is_some_and(|(before, after)| {
            before.replay_count == after.replay_count && before.replay == after.replay
        });
        if let Some(before) = pending {
            let range = self.ranges.entry(before.replay.clone()).or_default();
            match after {
                Some(after) if goes_on => range.end(after),
                // It has left for another range.
                Some(after) if before.replay_count == after.replay_count => range.enqueued -= 1,
                Some(_) | None => range.unseen += 1,
            }
        }
        if let Some(after) = after.filter(|row| !row.replay.is_empty() && !goes_on) {
            let range = self.ranges.entry(after.replay.clone()).or_default();
            range.enqueued += 1;
            range.end(after);
        }
    }
}

impl Range {
    /// Counts a delivery, if it has ended.
    fn end(&mut self, row: &DeliveryRow) {
        match &*row.state {
            "pending" => {}
            "delivered" => self.delivered += 1,
            _ => self.failed += 1,
        }
    }
}

/// What a decision has made of a delivery.
pub struct Change {
    pub no: i64,
    pub before: Option<DeliveryRow>,
    pub after: Option<DeliveryRow>,
}

impl World {
    /// Reads what a decision has made of deliveries, and checks each change.
    pub fn observe_deliveries(&mut self, shard: usize) {
        const FIND: &str =
            "SELECT state, reason, due_at, leased_until, scheduled_at, first_at, failed_attempts,
            replay_count, replay FROM deliveries WHERE no = ?";
        let ShardObject { db, ledger, .. } = &mut self.shards[shard];
        let mut changes = Vec::new();
        for no in db.written_deliveries() {
            let after = db.rows(FIND, &[Bind::Int(no)]).first().map(|row| DeliveryRow::read(row));
            let before = match &after {
                Some(row) => ledger.rows.insert(no, row.clone()),
                None => ledger.rows.remove(&no),
            };
            if before != after {
                let change = Change { no, before, after };
                ledger.count(&change);
                changes.push(change);
            }
        }
        if changes.is_empty() {
            return;
        }
        let stored = self.newly_stored_settings(shard);
        for change in &changes {
            match &change.after {
                Some(row) => self.coverage.reach("delivery", format!("{} {}", row.state, row.reason).trim()),
                None => self.coverage.reach("delivery", "gone"),
            }
            checks::of_change(self, shard, stored.as_ref(), change);
        }
    }

    /// Returns the settings that a decision has just stored, if it has.
    fn newly_stored_settings(&self, shard: usize) -> Option<Settings> {
        const STORED: &str = "SELECT doc FROM settings WHERE version > ?";
        let object = &self.shards[shard];
        let stored = object.db.rows(STORED, &[Bind::Int(object.settings.version)]);
        stored.first().map(|row| serde_json::from_str(text(&row[0])).expect("settings are JSON"))
    }

    /// Checks that each delivery that was enqueued, and not pruned or erased since, is there.
    pub fn check_ledger(&self, shard: usize) {
        let ShardObject { db, ledger, .. } = &self.shards[shard];
        let stored = db.integers("SELECT no FROM deliveries ORDER BY no", &[]);
        let is_equal = stored.iter().eq(ledger.rows.keys());
        ensure!(
            is_equal,
            "every delivery that was enqueued is stored",
            "{} of {}",
            stored.len(),
            ledger.rows.len()
        );
    }
}
