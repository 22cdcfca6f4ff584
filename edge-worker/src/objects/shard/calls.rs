//! Answers the Worker's calls to a shard.

use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{console_error, wasm_bindgen};

use super::TaskShard;
use super::queries::DeliveryFilter;
use crate::json;
use crate::platform::clock;
use crate::protocol::{Call, ShardRequest};
use crate::testing::metering::{self, BilledOperation};

#[wasm_bindgen(wasm_bindgen_futures = worker::wasm_bindgen_futures)]
impl TaskShard {
    /// Answers a call of the Worker: JSON text, null where the requested thing does not exist, or an error
    /// where the caller's deployment has another number of shards.
    ///
    /// # Errors
    /// Whatever the storage throws, and a call that cannot be parsed: the caller answers 503.
    pub async fn call(&self, call: String, body: Vec<u8>) -> Result<JsValue, JsValue> {
        metering::count(BilledOperation::ShardRequest);
        let call: Call = json::read(&call)?;
        if let Err(mismatch) = self.admit(&call).await? {
            return Ok(js_sys::Error::new(&mismatch).into());
        }
        let text = self.answer(call, &body)?;
        Ok(text.map_or(JsValue::NULL, |text| JsValue::from_str(&text)))
    }
}

impl TaskShard {
    /// Prepares the shard for a call; returns a message where the caller has another number of shards.
    pub(super) async fn admit(&self, call: &Call) -> worker::Result<Result<(), String>> {
        self.open()?;
        self.repair_alarm();
        let admitted = self.check_topology(call).await?;
        if let Err(mismatch) = &admitted {
            console_error!("shards: {mismatch}");
        }
        Ok(admitted)
    }

    /// Executes a request and returns its answer as JSON; `None` where the requested thing does not exist.
    fn answer(&self, call: Call, body: &[u8]) -> worker::Result<Option<String>> {
        let Call { shard, shards, request } = call;
        Ok(match request {
            ShardRequest::StoreEvent(incoming) => {
                self.memory.commits.note(incoming.last_commit_ms);
                encode_response(Some(self.store_event(&incoming, body)?))
            }
            ShardRequest::Report(report) => {
                self.record_attempt(&report, clock::now())?;
                encode_response(Some(()))
            }
            ShardRequest::Task { task_id } => encode_response(self.task(&task_id)?),
            ShardRequest::Result { task_id } => encode_response(self.result(&task_id)?),
            ShardRequest::Tasks { before, status, stalled, limit } => {
                encode_response(Some(self.tasks(before, status.as_deref(), stalled, limit)?))
            }
            ShardRequest::Quarantine { before, limit } => {
                encode_response(Some(self.quarantined(before, limit)?))
            }
            ShardRequest::Topology => encode_response(Some(shards)),
            ShardRequest::Configure(settings) => encode_response(Some(self.configure(settings)?)),
            ShardRequest::Delivery { no } => encode_response(self.delivery(shard, no)?),
            ShardRequest::Deliveries { before, endpoint, state, task_id, digest, limit } => {
                let (task_id, digest) = (task_id.as_deref(), digest.as_deref());
                let filter = DeliveryFilter { endpoint, state: state.as_deref(), task_id, digest };
                encode_response(Some(self.deliveries(shard, before, &filter, limit)?))
            }
            ShardRequest::Replay { no } => {
                let is_there = self.replay(no, clock::now())?;
                encode_response(if is_there { self.delivery(shard, no)? } else { None })
            }
            ShardRequest::Progress { id } => encode_response(Some(self.replay_progress(&id)?)),
            ShardRequest::Health { endpoint } => encode_response(Some(self.endpoint_health(endpoint)?)),
            ShardRequest::Metrics => encode_response(Some(self.counts()?)),
            ShardRequest::Stats { from } => encode_response(Some(self.stats(from)?)),
            ShardRequest::VerifyShardCount => encode_response(Some(())),
            ShardRequest::Sweep => {
                self.reset_alarm();
                encode_response(Some(()))
            }
            ShardRequest::Subscribe(_) => {
                return Err(worker::Error::from("a socket is asked for by a request"));
            }
        })
    }
}

/// Serializes an answer as JSON.
fn encode_response(value: Option<impl Serialize>) -> Option<String> {
    value.map(|value| json::to_string(&value))
}
