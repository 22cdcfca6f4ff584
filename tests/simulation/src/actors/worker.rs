//! The Worker: receives what the publisher posts, calls shards, and makes the first attempts.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vtryon_gateway_engine::protocol::delivery::AttemptReport;
use vtryon_gateway_engine::protocol::topology::Topology;
use vtryon_gateway_engine::protocol::{Call, IncomingEvent, ShardRequest, StoreResult};
use vtryon_gateway_engine::shard::TopologyCheck;
use vtryon_webhooks::{Millis, Shards, Signature};

use crate::actors::attempts::{RunningAttempt, Sender};
use crate::checks;
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::violation::ensure;
use crate::world::World;

/// What a shard answers where the requested thing does not exist.
pub const NOTHING: &str = "null";

impl World {
    /// Receives a signed body; returns whether it is acknowledged.
    pub fn receive(&mut self, body: &[u8], secret: usize) -> bool {
        let keys = self.deployment.verifier.keys();
        let signature = Signature::sign(&keys[secret % keys.len()], body);
        let verified =
            self.deployment.verifier.verify(body, &signature).expect("it was signed with this key");
        let received_at = self.now;
        let (digest, incoming) = IncomingEvent::read(&verified, received_at);
        let shard = self.deployment.shards.shard_of(&digest) as usize;
        let (content, key) = (copied(&incoming.content), incoming.key.clone());
        checks::of_content(&content, body);
        let brings_reports = !self.waiting_reports[shard].is_empty();
        checks::forget_dropped(self, shard, &content, body);
        let outcome = self.shards[shard].oracle.outcome(&content, body);
        let is_stored = !matches!(outcome, "duplicate" | "capped");
        let object = &self.shards[shard];
        let (before, written) = (object.log.last, object.db.rows_written());
        let was_open = object.engine.is_some();
        let answer = self.call(shard, Decision::Store, ShardRequest::StoreEvent(incoming), body);
        let object = &mut self.shards[shard];
        let has_grown = object.log.last > before;
        if has_grown {
            ensure!(
                is_stored,
                "a duplicate is not stored",
                "{} after {before}: {outcome}: {}",
                object.log.last,
                show(body)
            );
            object.oracle.store(&content, body, &key, (object.log.last, received_at));
            object.log.note_body(object.log.last, body);
            let seq = self.shards[shard].log.last;
            checks::of_stored_event(self, shard, (seq, false), &content, body, outcome);
        }
        self.coverage.reach("outcome", outcome);
        self.note(|| format!("shard {shard}: event {} is {outcome}: {}", before + 1, show(body)));
        let Some(answer) = answer else { return false };
        let object = &mut self.shards[shard];
        // That another secret has signed an event of an erased task is stored once.
        let may_write = object.oracle.is_erased(&content) && object.oracle.refuse(&content, &key);
        ensure!(has_grown || !is_stored, "what is acknowledged is stored", "{outcome}: {}", show(body));
        if !is_stored && was_open && !brings_reports {
            let rows = object.db.rows_written() - written;
            ensure!(
                rows <= u64::from(may_write),
                "a duplicate writes no row",
                "{rows} rows for {outcome}: {}",
                show(body)
            );
        }
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::Acknowledgement));
            return false;
        }
        self.dispatch(shard, &answer);
        true
    }

    /// Makes the first attempts, unless this Worker ends before.
    fn dispatch(&mut self, shard: usize, answer: &str) {
        let StoreResult { dispatches } = serde_json::from_str(answer).expect("a shard answers with JSON");
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::FirstAttempt));
            return;
        }
        for dispatch in dispatches {
            self.note(|| format!("shard {shard}: leases {} to the Worker", dispatch.delivery));
            checks::of_dispatch(self, shard, &dispatch, None);
            let id = self.next_attempt;
            self.next_attempt += 1;
            self.attempts.push(RunningAttempt {
                id,
                shard,
                dispatch,
                sender: Sender::Worker,
                instance: self.shards[shard].deaths,
                begun: None,
                not_reported_before: Millis(0),
            });
        }
    }

    /// Calls a shard; returns its answer, or nothing where the request or the answer was lost.
    pub fn call(
        &mut self,
        shard: usize,
        decision: Decision,
        request: ShardRequest,
        body: &[u8],
    ) -> Option<String> {
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::RequestToShard));
            return None;
        }
        let reports = std::mem::take(&mut self.waiting_reports[shard]);
        let before: Vec<_> = reports.iter().map(|report| self.before_report(shard, report)).collect();
        let last = self.shards[shard].log.last;
        let answer = self.begin_and_call(shard, decision, request, copied(&reports), body);
        // Where a statement was refused, it may have been one of a report: that fails no call.
        let are_recorded = answer.is_some() && !self.shards[shard].is_alarm_unset;
        for (report, before) in reports.iter().zip(&before) {
            let of_delivery = reports.iter().filter(|other| other.delivery == report.delivery);
            let before = checks::Before { row: before, last, is_alone: of_delivery.count() == 1 };
            self.after_report(shard, report, before, are_recorded);
        }
        let is_lost = answer.is_some() && self.random.chance(self.regime.losses);
        if is_lost {
            self.coverage.crash(CrashPoint::Lost(Loss::AnswerOfShard));
        }
        if is_lost || answer.is_none() {
            // They may have arrived: then they will come twice.
            self.waiting_reports[shard].extend(reports);
            return None;
        }
        answer
    }

    /// Lets a shard admit and execute a call; returns its answer, or nothing where that failed.
    fn begin_and_call(
        &mut self,
        shard: usize,
        decision: Decision,
        request: ShardRequest,
        reports: Vec<AttemptReport>,
        body: &[u8],
    ) -> Option<String> {
        let Topology { shards, placement } = self.deployment.topology();
        let call = Call { shard: shard as u32, shards, placement, reports, request };
        let call = self.of_later_version(&call);
        // Whatever is called sets an alarm that could not be set.
        self.shards[shard].is_alarm_unset = false;
        let check =
            self.decide(shard, decision, |engine, context| engine.begin_call(context, &call)).done()?;
        let asked = match check {
            TopologyCheck::Done(checked) => Err(checked),
            // A lost answer is an error, and the caller gets it.
            TopologyCheck::AskShardZero(question) => {
                Ok(Ok(Some(self.call(0, Decision::Query, question, &[])?)))
            }
            TopologyCheck::AskAnchor(question) => Ok(self.ask_anchor(&call, question)?),
        };
        let checked = match asked {
            Err(checked) => checked,
            Ok(answer) => self
                .decide(shard, decision, |engine, context| {
                    engine.finish_topology_check(context.db, &call, answer)
                })
                .done()?,
        };
        ensure!(checked.is_ok(), "a caller with the right number of shards is admitted", "{checked:?}");
        let answer =
            self.decide(shard, decision, |engine, context| engine.call(context, call, body)).done()?;
        Some(answer.unwrap_or_else(|| "null".to_owned()))
    }

    /// Sends a call over the wire, at times as a Worker of a later version does: with a field that this one does not know.
    fn of_later_version(&mut self, call: &Call) -> Call {
        let mut json = serde_json::to_value(call).expect("a call is JSON");
        for request in ["store_event", "configure"] {
            let fields = json["request"].get_mut(request).and_then(|value| value.as_object_mut());
            if self.random.chance(20)
                && let Some(fields) = fields
            {
                self.coverage.reach("later version", request);
                fields.insert("of_a_later_version".to_owned(), serde_json::json!({"any": [1]}));
            }
        }
        serde_json::from_value(json).expect("a field more is no error")
    }

    /// Calls a shard as a Worker with another number of shards: nothing may come of it.
    pub fn call_with_wrong_count(&mut self) {
        let shard = self.random.index(self.shards.len());
        let other = Shards::new(self.regime.shards + 1).expect("it is a number of shards");
        let body = br#"{"event":"generation.status_changed","task_id":"stray","status":"queued"}"#;
        let signature = Signature::sign(&self.deployment.verifier.keys()[0], body);
        let verified =
            self.deployment.verifier.verify(body, &signature).expect("it was signed with this key");
        let (_, incoming) = IncomingEvent::read(&verified, self.now);
        let request = ShardRequest::StoreEvent(incoming);
        let Topology { placement, .. } = self.deployment.topology();
        let call =
            Call { shard: shard as u32, shards: other.count(), placement, reports: Vec::new(), request };
        if self.shards[shard].log.last == 0 {
            // Before the first event any number would be taken.
            return;
        }
        let check = self.decide(shard, Decision::Query, |engine, context| engine.begin_call(context, &call));
        let Some(TopologyCheck::Done(checked)) = check.done() else { return };
        ensure!(checked.is_err(), "a caller with another number of shards is refused", "{}", other.count());
        self.coverage.reach("refused", "another number of shards");
    }
}

/// Copies a message as it goes over the wire.
pub fn copied<T: Serialize + DeserializeOwned>(message: &T) -> T {
    let json = serde_json::to_value(message).expect("it is JSON");
    serde_json::from_value(json).expect("it is read as it was written")
}

pub fn show(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
