//! Answers the Worker's calls to a shard.

use std::panic::AssertUnwindSafe;

use vtryon_gateway_engine::protocol::Call;
use vtryon_gateway_engine::protocol::topology::TopologyMismatch;
use vtryon_gateway_engine::shard::TopologyCheck;
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::Shards;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{console_error, wasm_bindgen};

use super::{TaskShard, fault};
use crate::clients::ShardClient;
use crate::http::response::ApiError;
use crate::testing::faults;
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
        let call: Call = json::read(&call).map_err(fault)?;
        AssertUnwindSafe(faults::before_call(&call)).await;
        if let Err(mismatch) = self.begin_call(&call).await? {
            return Ok(js_sys::Error::new(&mismatch.0).into());
        }
        self.bound_broadcasts();
        let queued = self.queued_broadcasts();
        let answer = self.with_engine(|engine, context| {
            engine.note_queued(queued);
            engine.call(context, call, &body)
        })?;
        Ok(answer.map_or(JsValue::NULL, |text| JsValue::from_str(&text)))
    }
}

impl TaskShard {
    /// Prepares the shard for a call; says where the caller has another number of shards, or another placement.
    pub(super) async fn begin_call(&self, call: &Call) -> worker::Result<Result<(), TopologyMismatch>> {
        // The result is taken apart before anything is awaited: an error of the platform is not unwind safe.
        let check = self.with_engine(|engine, context| engine.begin_call(context, call))?;
        let checked = match check {
            TopologyCheck::Done(checked) => checked,
            TopologyCheck::AskShardZero(request) => {
                let shards = self.shards_of(call)?;
                let answer = shards.call(0, request, &[]).await;
                self.finish_check(call, answer)?
            }
            TopologyCheck::AskAnchor(request) => {
                let shards = self.shards_of(call)?;
                let answer = shards.call_anchor(request).await;
                self.finish_check(call, answer)?
            }
        };
        if let Err(TopologyMismatch(message)) = &checked {
            console_error!("shards: {message}");
        }
        Ok(checked)
    }

    fn finish_check(
        &self,
        call: &Call,
        answer: Result<Option<String>, ApiError>,
    ) -> worker::Result<Result<(), TopologyMismatch>> {
        let answer = answer.map_err(|refusal| TopologyMismatch(refusal.message().to_owned()));
        self.with_engine(|engine, context| engine.finish_topology_check(context.db, call, answer))
    }

    /// Returns a client of the shards that the caller has, in the placement that is configured here.
    fn shards_of(&self, call: &Call) -> worker::Result<ShardClient> {
        let shards = Shards::new(call.shards).ok_or("no shards")?;
        Ok(ShardClient::new(&self.env, shards, self.config()?.deployment.placement))
    }
}
