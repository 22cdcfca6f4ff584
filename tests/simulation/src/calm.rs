//! The end of a run: nothing fails any more, and everything that is owed has to be done.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::endpoint_of;
use vtryon_gateway_engine::protocol::settings::{Replay, ReplayProgress, Settings};
use vtryon_gateway_engine::storage::database::Bind;

use crate::checks;
use crate::coverage::Decision;
use crate::platform::object::ShardObject;
use crate::violation::ensure;
use crate::world::World;

/// How many steps everything may take to end: an endpoint that never recovers is disabled after five days, and each minute
/// until then is a step or several.
const STEPS: usize = 60_000;

impl World {
    /// Lets the world calm down, and checks that nothing is left to do.
    pub fn finish(&mut self) {
        self.regime.calm();
        for shard in 0..self.shards.len() {
            self.shards[shard].skew = 0;
        }
        self.directory.skew = 0;
        self.resume_all();
        let mut steps = 0;
        while !self.is_idle() {
            steps += 1;
            ensure!(steps < STEPS, "what is owed is done in the end", "{}", self.left());
            self.go_on();
        }
        self.finish_streams();
        for shard in 0..self.shards.len() {
            self.check_ledger(shard);
            checks::of_stored(self, shard);
        }
        self.check_replays();
        self.check_settings();
        self.check_audit_trail();
        self.check_placements();
        self.check_kv();
        self.repeat_all();
        for db in self.shards.iter().map(|object| &object.db).chain(&self.directory.db) {
            for (statement, count) in db.statements() {
                *self.coverage.statements.entry(statement).or_default() += count;
            }
        }
    }

    /// Does whatever can be done now, or lets time pass until something can.
    fn go_on(&mut self) {
        self.post_due();
        self.advance_push();
        let mut has_run = false;
        for shard in 0..self.shards.len() {
            has_run |= self.shards[shard].run.is_some();
            for _ in 0..8 {
                self.advance_run(shard);
            }
        }
        self.advance_attempt();
        for shard in 0..self.shards.len() {
            self.send_reports(shard);
        }
        self.pass(if has_run || !self.directory.pushes.is_empty() { 1_000 } else { 60_000 });
    }

    fn is_idle(&self) -> bool {
        let are_settled = self.publisher.waiting.is_empty() && self.attempts.is_empty();
        let are_reported = self.waiting_reports.iter().all(Vec::is_empty);
        are_settled && are_reported && self.directory.pushes.is_empty() && self.left().is_empty()
    }

    /// Names what is left to do.
    fn left(&self) -> String {
        const PENDING: &str = "SELECT no FROM deliveries WHERE state = 'pending'";
        // What was held below the floor goes once nothing of it is pending.
        const HELD: &str = "SELECT COUNT(*)
            FROM (SELECT seq, body FROM events UNION ALL SELECT no, body FROM quarantine)
            WHERE seq <= (SELECT value FROM meta WHERE name = 'pruned_to') AND LENGTH(body) > 0";
        let mut left = Vec::new();
        for (shard, object) in self.shards.iter().enumerate() {
            let enabled = |no: &i64| {
                object.settings.endpoint(endpoint_of(*no)).is_none_or(|endpoint| endpoint.options.enabled)
            };
            let pending: Vec<i64> = object.db.integers(PENDING, &[]).into_iter().filter(enabled).collect();
            let ranges = object.db.integer("SELECT COUNT(*) FROM replays WHERE next_seq IS NOT NULL", &[]);
            let conditions = object.db.integer("SELECT COUNT(*) FROM conditions", &[]);
            let has_left = object.oracle.has_left();
            let held = object.db.integer(HELD, &[]);
            if held > 0
                || !pending.is_empty()
                || ranges > 0
                || conditions > 0
                || has_left
                || object.run.is_some()
            {
                left.push(format!(
                    "shard {shard}: deliveries {pending:?}, {ranges} ranges, {conditions} conditions, erased: {has_left}, \
                     {held} events and bodies are held"
                ));
            }
        }
        let unconfirmed = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'confirmed'), 0)
            < COALESCE((SELECT value FROM meta WHERE name = 'version'), 0)";
        if self.directory.db.as_ref().is_some_and(|db| db.integer(unconfirmed, &[]) == 1) {
            left.push("settings that not all shards have confirmed".to_owned());
        }
        let messages = "SELECT COUNT(*) FROM alert_messages";
        if self.directory.db.as_ref().is_some_and(|db| db.integer(messages, &[]) > 0) {
            left.push("alerts that no shard has stored".to_owned());
        }
        left.join(", ")
    }

    /// Checks that every shard has the settings of the directory.
    fn check_settings(&mut self) {
        let Some(current) = self.current_settings() else { return };
        let endpoints =
            |settings: &Settings| serde_json::to_string(&settings.endpoints).expect("they are JSON");
        for (shard, object) in self.shards.iter().enumerate() {
            let is_equal = endpoints(&object.settings) == endpoints(&current);
            ensure!(is_equal, "every shard gets every setting", "shard {shard}");
        }
    }

    /// Checks that every shard knows every range replay, and that all are over.
    fn check_replays(&mut self) {
        const KNOWN: &str = "SELECT COUNT(*) FROM replays WHERE id = ?";
        let settings = self.current_settings().unwrap_or_default();
        for Replay { id, .. } in &settings.replays {
            let knows = |object: &ShardObject| object.db.integer(KNOWN, &[Bind::Text(id)]) == 1;
            ensure!(self.shards.iter().all(knows), "every shard gets every setting", "the range {id}");
        }
        for id in self.replays.clone() {
            for shard in 0..self.shards.len() {
                let request = ShardRequest::Progress { id: id.clone() };
                let answer = self.call(shard, Decision::Query, request, &[]).unwrap_or_default();
                let progress: ReplayProgress = serde_json::from_str(&answer).expect("a progress is JSON");
                let ReplayProgress { matched, enqueued, delivered, failed, .. } = progress;
                ensure!(
                    matched == enqueued && delivered + failed <= enqueued,
                    "counters equal recounts",
                    "{id} of shard {shard}: {delivered} and {failed} of {enqueued} of {matched}"
                );
            }
        }
    }
}
