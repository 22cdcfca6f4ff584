//! Readers of final results, in the order of `edge-worker/src/api/results.rs`: KV is asked first, then the shard; then KV
//! keeps the result, and the shard is asked whether the task was erased meanwhile.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::{ShardRequest, result_key, seconds_kept};
use vtryon_gateway_engine::text::time;
use vtryon_webhooks::{Digest, Millis};

use crate::actors::worker::NOTHING;
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::violation::ensure;
use crate::world::World;

/// How many readers there are at a time, at most.
const READERS: usize = 4;

/// How long a Worker goes on after it was asked, at most, in milliseconds: it waits for KV, and the platform lets it go on
/// for 30 seconds after its answer.
const WORKER_MS: i64 = 40_000;

/// How long after an erasure its repetition deletes whatever a reader has put back, in milliseconds.
const REPEATED_AFTER_MS: i64 = 60_000;

/// KV: results, and until when each is kept.
#[derive(Default)]
pub struct Kv {
    results: BTreeMap<String, (String, Millis)>,
    /// What was deleted of each task that was ever erased, by its id.
    deletions: BTreeMap<String, Deletion>,
}

/// How far the result of an erased task is deleted.
#[derive(Default)]
struct Deletion {
    /// When KV has deleted it for the first time.
    first: Option<Millis>,
    /// Whether that was done again when no reader could put it back any more.
    is_certain: bool,
}

/// Somebody who reads the result of a task, and the Worker that serves them.
pub struct Reader {
    shard: usize,
    task_id: String,
    next: Next,
    asked_at: Millis,
}

/// What a reader's Worker does next.
enum Next {
    ReadKv,
    AskShard,
    WriteKv { result: String, until: Millis },
    AskAgain,
    DeleteFromKv,
}

impl World {
    /// Lets a reader come, or the Worker of one go on.
    pub fn advance_reader(&mut self) {
        if self.readers.len() < READERS && self.random.chance(300) {
            return self.add_reader();
        }
        if self.readers.is_empty() {
            return;
        }
        let nth = self.random.index(self.readers.len());
        let mut reader = self.readers.swap_remove(nth);
        let is_over = self.now.0 - reader.asked_at.0 > WORKER_MS;
        // Often several steps are done while nothing else happens.
        while !is_over && !self.random.chance(self.regime.losses) {
            match self.go_on_reading(&reader) {
                Some(next) => reader.next = next,
                None => return,
            }
            if self.random.chance(300) {
                self.readers.push(reader);
                return;
            }
        }
        self.coverage.crash(CrashPoint::Lost(Loss::Reader));
    }

    fn add_reader(&mut self) {
        if let Some((shard, task_id)) = self.any_task() {
            self.readers.push(Reader { shard, task_id, next: Next::ReadKv, asked_at: self.now });
        }
    }

    /// Does what is next for a reader; returns what comes then.
    fn go_on_reading(&mut self, reader: &Reader) -> Option<Next> {
        let Reader { shard, task_id, next, .. } = reader;
        match next {
            Next::ReadKv => {
                if self.kv_fails() {
                    return Some(Next::AskShard);
                }
                let Some(result) = self.kv.read(task_id, self.now) else { return Some(Next::AskShard) };
                self.coverage.reach("result", "from KV");
                self.check_result(*shard, task_id, &result, true);
                None
            }
            Next::AskShard => {
                let result = self.ask_for_result(*shard, task_id)?;
                self.coverage.reach("result", if result.is_some() { "from the shard" } else { "none" });
                let result = result?;
                self.check_result(*shard, task_id, &result, false);
                let seconds = seconds_kept(&result, self.deployment.retention_seconds(), self.now)?;
                let seconds = i64::try_from(seconds).expect("it is no longer than the retention");
                Some(Next::WriteKv { result, until: self.now.plus_seconds(seconds) })
            }
            Next::WriteKv { result, until } => {
                if self.kv_fails() {
                    // It may be done all the same.
                    if self.random.chance(500) {
                        self.kv.write(task_id, result, *until);
                    }
                    return None;
                }
                self.kv.write(task_id, result, *until);
                Some(Next::AskAgain)
            }
            Next::AskAgain => match self.ask_for_result(*shard, task_id) {
                Some(Some(_)) => None,
                Some(None) | None => Some(Next::DeleteFromKv),
            },
            Next::DeleteFromKv => {
                if !self.kv_fails() {
                    self.kv.results.remove(&key(task_id));
                    self.coverage.reach("result", "deleted again");
                }
                None
            }
        }
    }

    /// Asks a shard for a result; the outer `None` is no answer, the inner one that there is no result.
    fn ask_for_result(&mut self, shard: usize, task_id: &str) -> Option<Option<String>> {
        let request = ShardRequest::Result { task_id: task_id.to_owned() };
        let answer = self.call(shard, Decision::Query, request, &[])?;
        Some(Some(answer).filter(|answer| answer != NOTHING))
    }

    fn kv_fails(&mut self) -> bool {
        let fails = self.random.chance(self.regime.losses);
        if fails {
            self.coverage.crash(CrashPoint::Lost(Loss::Kv));
        }
        fails
    }

    /// Checks a result that somebody is given.
    fn check_result(&self, shard: usize, task_id: &str, result: &str, is_from_kv: bool) {
        let is_left = |deletion: &Deletion| is_from_kv && !deletion.is_certain;
        if self.kv.deletions.get(task_id).is_some_and(is_left) {
            return;
        }
        let Some(task) = self.shards[shard].oracle.tasks.get(task_id) else { return };
        ensure!(!task.is_erased, "nothing of an erased task is shown", "{result}");
        if task.is_pruned {
            return;
        }
        let read: Json = serde_json::from_str(result).expect("a result is JSON");
        let shown = (read["result_url"].as_str(), read["failure"]["message"].as_str());
        let ending = task.ending.as_ref();
        let expected = ending.map(|ending| (ending.result_url.as_deref(), ending.failure.as_deref()));
        let has_status = read["status"].as_str() == task.status.as_deref();
        ensure!(
            has_status && expected == Some(shown) && read["task_id"] == *task_id,
            "a result never changes",
            "{result} instead of {ending:?}"
        );
    }

    /// Deletes the result of a task that was erased from KV, unless that fails.
    pub fn delete_result(&mut self, task_id: &str) {
        if self.kv_fails() {
            return;
        }
        self.kv.results.remove(&key(task_id));
        let deletion = self.kv.deletions.entry(task_id.to_owned()).or_default();
        let first = *deletion.first.get_or_insert(self.now);
        if self.now.0 - first.0 > REPEATED_AFTER_MS && !deletion.is_certain {
            deletion.is_certain = true;
            self.coverage.reach("result", "deleted for good");
        }
    }

    /// Checks that KV has no result for longer than its task is kept.
    pub fn check_kv(&self) {
        for (result, until) in self.kv.results.values() {
            let read: Json = serde_json::from_str(result).expect("a result is JSON");
            let ended_at = read["completed_at"].as_str().and_then(time::parse_rfc3339);
            let ended_at = ended_at.expect("a result has the time of its end");
            let end = ended_at.plus_seconds(self.deployment.retention_seconds());
            ensure!(*until <= end, "a result goes with its task", "{result} is kept until {until:?}");
        }
    }
}

impl Kv {
    /// Notes that a task is erased now: its result has to be deleted.
    pub fn note_erased(&mut self, task_id: &str) {
        self.deletions.insert(task_id.to_owned(), Deletion::default());
    }

    /// Returns the erased tasks whose results are not deleted for good.
    pub fn left(&self) -> Vec<String> {
        let left = self.deletions.iter().filter(|(_, deletion)| !deletion.is_certain);
        left.map(|(task_id, _)| task_id.clone()).collect()
    }

    fn read(&self, task_id: &str, now: Millis) -> Option<String> {
        let (result, until) = self.results.get(&key(task_id))?;
        (now < *until).then(|| result.clone())
    }

    fn write(&mut self, task_id: &str, result: &str, until: Millis) {
        self.results.insert(key(task_id), (result.to_owned(), until));
    }
}

fn key(task_id: &str) -> String {
    result_key(&Digest::of_task(task_id))
}
