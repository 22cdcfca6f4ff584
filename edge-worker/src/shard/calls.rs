//! What the Worker asks of a shard, and what it is answered.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{console_error, wasm_bindgen};

use super::TaskShard;
use super::history::Wanted;
use crate::bill::{self, Item};
use crate::clock;
use crate::json::{self, Write};
use crate::wire::{Ask, Call};

#[wasm_bindgen(wasm_bindgen_futures = worker::wasm_bindgen_futures)]
impl TaskShard {
    /// Answers a call of the Worker: a text, null where there is no such thing, or an error where the caller is of
    /// a deployment with another number of shards.
    ///
    /// # Errors
    /// Whatever the storage throws, and a call that can't be read: the caller's 503.
    pub async fn call(&self, frame: Vec<u8>) -> Result<JsValue, JsValue> {
        bill::count(Item::ShardRequest);
        let (call, body) = Call::decode(&frame)?;
        if let Err(mismatch) = self.admit(&call).await? {
            return Ok(js_sys::Error::new(&mismatch).into());
        }
        let text = self.answer(call, body)?;
        Ok(text.map_or(JsValue::NULL, |text| JsValue::from_str(&text)))
    }
}

impl TaskShard {
    /// Makes ready for a call; tells a caller that counts other shards than this one.
    pub(super) async fn admit(&self, call: &Call) -> worker::Result<Result<(), String>> {
        self.open()?;
        self.heal();
        let admitted = self.check_topology(call).await?;
        if let Err(mismatch) = &admitted {
            console_error!("shards: {mismatch}");
        }
        Ok(admitted)
    }

    /// Does what it is asked, and returns its answer in JSON; none where there is no such thing.
    fn answer(&self, call: Call, body: &[u8]) -> worker::Result<Option<String>> {
        let Call { shard, shards, ask } = call;
        Ok(match ask {
            Ask::Keep(arrival) => {
                self.memory.commits.note(arrival.last_commit_ms);
                told(Some(self.keep(&arrival, body)?))
            }
            Ask::Report(report) => {
                self.conclude(&report, clock::now())?;
                told(Some(()))
            }
            Ask::Task { task_id } => told(self.task(&task_id)?),
            Ask::Result { task_id } => told(self.result(&task_id)?),
            Ask::Tasks { before, status, stalled, limit } => {
                told(Some(self.tasks(before, status.as_deref(), stalled, limit)?))
            }
            Ask::Quarantine { before, limit } => told(Some(self.quarantined(before, limit)?)),
            Ask::Topology => told(Some(shards)),
            Ask::Configure(settings) => told(Some(self.configure(settings)?)),
            Ask::Delivery { no } => told(self.delivery(shard, no)?),
            Ask::Deliveries { before, endpoint, state, task_id, digest, limit } => {
                let (task_id, digest) = (task_id.as_deref(), digest.as_deref());
                let wanted = Wanted { endpoint, state: state.as_deref(), task_id, digest };
                told(Some(self.deliveries(shard, before, &wanted, limit)?))
            }
            Ask::Replay { no } => {
                let is_there = self.replay(no, clock::now())?;
                told(if is_there { self.delivery(shard, no)? } else { None })
            }
            Ask::Progress { id } => told(Some(self.replay_progress(&id)?)),
            Ask::Health { endpoint } => told(Some(self.fares(endpoint)?)),
            Ask::Metrics => told(Some(self.counts()?)),
            Ask::Stats { from } => told(Some(self.stats(from)?)),
            Ask::Check => told(Some(())),
            Ask::Sweep => {
                self.reset();
                told(Some(()))
            }
            Ask::Watch(_) => return Err(worker::Error::from("a socket is asked for by a request")),
        })
    }
}

/// Writes an answer down.
fn told(value: Option<impl Write>) -> Option<String> {
    value.map(|value| json::to_string(&value))
}
