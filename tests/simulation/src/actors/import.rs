//! Somebody who imports what another deployment has exported: events that came before, some of which are known here, and
//! erasures of tasks.

use vtryon_gateway_engine::protocol::import::{ImportedErasure, ImportedEvent, ImportedLine};
use vtryon_gateway_engine::protocol::{Content, IncomingEvent, ShardRequest};
use vtryon_webhooks::{Digest, Millis, Signature};

use crate::actors::worker::{copied, show};
use crate::checks;
use crate::coverage::Decision;
use crate::violation::ensure;
use crate::world::World;

/// How old the oldest event is, in milliseconds: more than the retention.
const OLDEST: i64 = 60 * 3600 * 1000;

/// An event of a batch, as it is checked.
struct Event {
    received_at: Millis,
    content: Content,
    key: String,
    body: Vec<u8>,
}

/// A line of a batch: an event, or the id of a task that was erased.
enum Sent {
    Event(Event),
    Erasure(String),
}

impl World {
    /// Imports some lines: those of one shard, in one call.
    pub fn import(&mut self) {
        if !self.record_import() {
            return;
        }
        let mut parts: Vec<Vec<(ImportedLine, Sent, Vec<u8>)>> =
            self.shards.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.random.number(1..6) {
            let newest = self.publisher.tasks.max(1);
            let task = newest - self.random.index(newest.min(self.regime.tasks));
            if self.random.index(12) == 0 {
                let task_id = format!("task_{task}");
                let digest = Digest::of(task_id.as_bytes());
                let erased_at = self.now.plus_millis(-self.random.number(0..OLDEST));
                let line = ImportedLine::Erasure(ImportedErasure { task_digest: digest.to_hex(), erased_at });
                let shard = self.deployment.shards.shard_of(&digest) as usize;
                parts[shard].push((line, Sent::Erasure(task_id), Vec::new()));
                continue;
            }
            let (body, secret) = (self.body(task), self.random.index(2));
            let signature = Signature::sign(&self.deployment.verifier.keys()[secret], &body);
            let received_at = self.now.plus_millis(-self.random.number(0..OLDEST));
            let verified =
                self.deployment.verifier.verify(&body, &signature).expect("it was signed with this key");
            let (digest, event) = IncomingEvent::read(&verified, received_at);
            checks::of_content(&event.content, &body);
            let shard = self.deployment.shards.shard_of(&digest) as usize;
            let event = IncomingEvent { imported_at: Some(self.now), ..event };
            let sent = Event {
                received_at,
                content: copied(&event.content),
                key: event.key.clone(),
                body: body.clone(),
            };
            let line = ImportedLine::Event(ImportedEvent { event, length: body.len() });
            parts[shard].push((line, Sent::Event(sent), body));
        }
        for (shard, part) in parts.into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            self.import_part(shard, part);
        }
    }

    fn import_part(&mut self, shard: usize, part: Vec<(ImportedLine, Sent, Vec<u8>)>) {
        let (mut sent, mut lines, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for (line, of_line, body) in part {
            let content = match &of_line {
                Sent::Event(event) => copied(&event.content),
                Sent::Erasure(task_id) => Content::Other { task_id: task_id.clone(), name: String::new() },
            };
            checks::forget_dropped(self, shard, &content, &body);
            bodies.extend(&body);
            sent.push(of_line);
            lines.push(line);
        }
        let before = self.shards[shard].log.last;
        let answer = self.call(shard, Decision::Import, ShardRequest::Import(lines), &bodies);
        let last = self.shards[shard].log.last;
        let mut seq = before;
        let (mut outcomes, mut stored) = (Vec::new(), Vec::new());
        for of_line in &sent {
            let Event { received_at, content, key, body } = match of_line {
                Sent::Event(event) => event,
                Sent::Erasure(task_id) => {
                    let is_known = self.shards[shard].oracle.has_erased(task_id);
                    let outcome = if is_known { "duplicate" } else { "erased" };
                    outcomes.push(outcome);
                    self.coverage.reach("imported erasure", outcome);
                    if !is_known && seq == last {
                        ensure!(answer.is_none(), "an erasure that is imported is stored", "{task_id}");
                        break;
                    }
                    seq += i64::from(!is_known);
                    if !is_known || answer.is_some() {
                        self.note_erased(shard, task_id);
                        let keys = self.deployment.fingerprints();
                        self.shards[shard].oracle.add_keys(task_id, keys);
                    }
                    continue;
                }
            };
            let outcome = self.shards[shard].oracle.outcome(content, body);
            outcomes.push(outcome);
            if matches!(outcome, "duplicate" | "capped") {
                self.coverage.reach("imported", outcome);
                if answer.is_some() {
                    self.shards[shard].oracle.add_key(content, key);
                }
                continue;
            }
            if seq == last {
                // The batch broke off, or nothing of it has arrived: it is sent again.
                ensure!(answer.is_none(), "what is imported is stored", "{outcome}: {}", show(body));
                break;
            }
            seq += 1;
            self.coverage.reach("imported", outcome);
            let object = &mut self.shards[shard];
            object.oracle.store(content, body, key, (seq, *received_at));
            object.log.note_body(seq, body);
            stored.push((seq, content, body, outcome));
        }
        for (seq, content, body, outcome) in stored {
            checks::of_stored_event(self, shard, (seq, true), content, body, outcome);
        }
        ensure!(seq == last, "an imported event is stored once", "{last} after {before}: {outcomes:?}");
        if let Some(answer) = answer {
            let answered: Vec<String> = serde_json::from_str(&answer).expect("the outcomes are JSON");
            ensure!(
                answered == outcomes,
                "an import answers with its outcomes",
                "{answered:?}: {outcomes:?}"
            );
            for of_line in &sent {
                if let Sent::Erasure(task_id) = of_line {
                    self.delete_result(task_id);
                }
            }
        }
        self.note(|| format!("shard {shard}: imports {outcomes:?}"));
    }
}
