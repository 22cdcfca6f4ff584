//! Work that goes on page by page: what a page of a range has to enqueue, and what is left for the next one.

use std::collections::BTreeSet;

use vtryon_gateway_engine::protocol::delivery::{delivery_no, endpoint_of, seq_of};
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::storage::database::Bind;

use crate::checks;
use crate::platform::database::{integer, text};
use crate::violation::ensure;
use crate::world::World;

/// A range before its next page is enqueued.
pub struct OpenRange {
    replay: Replay,
    /// Where the page begins.
    from: i64,
    /// The deliveries that it may have, by what was stored before.
    deliveries: BTreeSet<i64>,
}

impl World {
    /// Returns the ranges of a shard that have a page left to enqueue.
    pub fn open_ranges(&self, shard: usize) -> Vec<OpenRange> {
        const OPEN: &str = "SELECT id, next_seq FROM replays WHERE next_seq IS NOT NULL";
        let object = &self.shards[shard];
        let mut open = Vec::new();
        for row in object.db.rows(OPEN, &[]) {
            let (id, from) = (text(&row[0]), integer(&row[1]));
            let replay = object.settings.replays.iter().find(|replay| replay.id == id);
            if let Some(replay) = replay.filter(|replay| object.settings.endpoint(replay.endpoint).is_some())
            {
                let deliveries = self.deliveries_of(shard, replay, from);
                open.push(OpenRange { replay: replay.clone(), from, deliveries });
            }
        }
        open
    }

    /// Finds the deliveries of a range from a number on.
    fn deliveries_of(&self, shard: usize, replay: &Replay, from: i64) -> BTreeSet<i64> {
        let object = &self.shards[shard];
        let Some(endpoint) = object.settings.endpoint(replay.endpoint) else { return BTreeSet::new() };
        let times = replay.from..replay.until;
        let mut found = BTreeSet::new();
        for (seq, entry) in object.log.entries.range(from..) {
            let no = delivery_no(*seq, replay.endpoint);
            let is_event = entry.delivery.is_none() && !entry.is_erasure() && !entry.is_alert;
            let has_erased = |task_id: &String| object.oracle.has_erased(task_id);
            let is_erased = entry.is_erased || entry.task_id.as_ref().is_some_and(has_erased);
            if !is_event || is_erased || !times.contains(&entry.received_at) {
                continue;
            }
            let is_dead = object.ledger.rows.get(&no).is_some_and(|row| row.state == "dead");
            let is_wanted = checks::takes(endpoint, &entry.outcome, &entry.name, entry.status.as_deref());
            let is_kept = !object.log.is_pruned(*seq);
            if if replay.all { is_wanted && is_kept } else { is_dead } {
                found.insert(no);
            }
        }
        found
    }

    /// Checks that a page of each range was enqueued whole, if it was. The entries after the number `last` are new.
    pub fn check_ranges(&mut self, shard: usize, open: Vec<OpenRange>, last: i64) {
        const NEXT: &str = "SELECT COALESCE(next_seq, 0) FROM replays WHERE id = ?";
        let object = &self.shards[shard];
        let new = object.log.entries.range(last + 1..).filter_map(|(_, entry)| entry.delivery);
        let replayed: BTreeSet<i64> = new.collect();
        for OpenRange { replay, from, deliveries } in open {
            // None where its last page was enqueued.
            let next = object.db.integer(NEXT, &[Bind::Text(&replay.id)]);
            if next == from {
                continue;
            }
            let is_of_page = |no: &&i64| next == 0 || seq_of(**no) < next;
            let missing = deliveries.iter().filter(is_of_page).find(|no| !replayed.contains(no));
            ensure!(
                missing.is_none(),
                "a range has all that it is asked for",
                "{missing:?} of {}, from {from} to {next}",
                replay.id
            );
            if next > 0 {
                self.coverage.reach("page", "of a range");
            }
        }
    }

    /// Notes of which work a run of the alarm has left a page.
    pub fn note_pages(&mut self, shard: usize) {
        const PLACES: &str = "SELECT name FROM meta WHERE value > 0
            AND name IN ('held_looked_at', 'tombstones_place', 'tombstones_bodies_place')";
        const OLD: &str = "SELECT COUNT(*) FROM (SELECT * FROM (
                SELECT seq, received_at FROM events WHERE seq > ?1
                UNION ALL SELECT no, received_at FROM quarantine WHERE no > ?1 ORDER BY 1
            ) LIMIT 1) WHERE received_at < ?2";
        const PENDING: &str = "SELECT no FROM deliveries WHERE state = 'pending' AND due_at IS NOT NULL";
        if self.regime.page == i64::MAX {
            return;
        }
        let since = self.deployment.retained_since(self.clock(shard)).0;
        let object = &self.shards[shard];
        for row in object.db.rows(PLACES, &[]) {
            self.coverage.reach("page", text(&row[0]));
        }
        if object.db.integer(OLD, &[Bind::Int(object.log.pruned_to), Bind::Int(since)]) > 0 {
            self.coverage.reach("page", "of what is too old");
        }
        let is_gone = |no: &i64| object.settings.endpoint(endpoint_of(*no)).is_none();
        if object.db.integers(PENDING, &[]).iter().any(is_gone) {
            self.coverage.reach("page", "of dead letters");
        }
    }
}
