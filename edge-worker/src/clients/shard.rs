//! Calls shards: one request, one answer, or an error that makes the sender retry.

use std::time::Duration;

use futures_util::future::try_join_all;
use js_sys::Uint8Array;
use vtryon_gateway_engine::protocol::delivery::AttemptReport;
use vtryon_gateway_engine::protocol::live::{NotOpened, Subscription};
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, ShardRequest};
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::variables::TASK_SHARD;
use vtryon_webhooks::{Code, Shards};
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::RequestInit;
use worker::{Delay, Env, Headers, Response, Stub, console_error};

use super::object::Objects;
use super::reports;
use crate::http::response::ApiError;
use crate::platform::clock;
use crate::platform::js::ShardMethods;
use crate::platform::timeout::with_timeout;

/// The status of an answer with a socket (RFC 9110, 15.2.2).
const SWITCHING_PROTOCOLS: u16 = 101;

/// How long a shard is waited for that an attempt is reported to: less than is left of the request after the longest
/// attempt that the Worker makes, which the platform ends then.
const REPORT_LIMIT: Duration = Duration::from_secs(4);

/// The shards of the deployment.
#[derive(Clone)]
pub(crate) struct ShardClient {
    objects: Objects,
    shards: Shards,
}

impl ShardClient {
    pub(crate) fn new(env: &Env, shards: Shards, placement: Placement) -> Self {
        Self { objects: Objects::new(env, TASK_SHARD, placement), shards }
    }

    /// Sends a request to one shard, with the reports that wait for it. Returns its answer as JSON, or `None` where the
    /// requested thing does not exist.
    pub(crate) async fn call(
        &self,
        shard: u32,
        request: ShardRequest,
        body: &[u8],
    ) -> Result<Option<String>, ApiError> {
        let call = Call { reports: reports::take(shard), ..self.new_call(shard, request) };
        let mut call = CallInTransit(call);
        let stub = self.objects.stub(&name(shard))?;
        let answer = invoke(stub, &call.0, body).await?;
        call.0.reports.clear();
        read(shard, &answer)
    }

    /// Lets a report go with the next call of its shard.
    pub(crate) fn add_report(&self, shard: u32, report: AttemptReport) {
        reports::put_back(shard, vec![report]);
    }

    /// Sends a request to the shard that holds a task.
    pub(crate) async fn call_task(
        &self,
        task_id: &str,
        request: ShardRequest,
    ) -> Result<Option<String>, ApiError> {
        self.call(self.shards.shard_of_task(task_id), request, &[]).await
    }

    /// Sends a request to the anchor: shard 0 outside of any jurisdiction, which knows where the deployment was placed.
    pub(crate) async fn call_anchor(&self, request: ShardRequest) -> Result<Option<String>, ApiError> {
        let anchor = self.objects.unrestricted_stub(&name(0))?;
        read(0, &invoke(anchor, &self.new_call(0, request), &[]).await?)
    }

    /// Sends the same request to every shard. Returns the answers of those that have one.
    pub(crate) async fn call_all(&self, request: impl Fn() -> ShardRequest) -> Result<Vec<String>, ApiError> {
        let calls = (0..self.shards.count()).map(|shard| self.call(shard, request(), &[]));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    /// Reports an attempt. Requests share nothing but data, so the first one to report waits for all: it returns when they
    /// were sent, and the others at once.
    pub(crate) async fn report(&self, shard: u32, report: AttemptReport) {
        if !reports::add(shard, report, clock::now()) {
            return;
        }
        Delay::from(reports::WAIT).await;
        if !reports::is_pending(shard) {
            return;
        }
        let sent = with_timeout(REPORT_LIMIT, self.call(shard, ShardRequest::ReportAttempts, &[])).await;
        if !matches!(sent, Some(Ok(_))) {
            console_error!("deliveries were attempted, but not reported: they may be attempted again");
        }
    }

    /// Opens a socket to a shard: it comes with the answer.
    pub(crate) async fn subscribe(
        &self,
        shard: u32,
        subscription: Subscription,
    ) -> Result<Result<Response, NotOpened>, ApiError> {
        let call = self.new_call(shard, ShardRequest::Subscribe(subscription));
        let init = RequestInit::new();
        init.set_headers(&upgrade()?);
        let mut response = self.objects.fetch(&name(shard), &call.to_url(), &init).await?;
        let status = response.status_code();
        if status == SWITCHING_PROTOCOLS {
            return Ok(Ok(response));
        }
        let reason = NotOpened::read(status, response.text().await?).ok_or_else(|| {
            console_error!("shard {shard} answered {status}");
            ApiError::new(Code::Unavailable)
        })?;
        Ok(Err(reason))
    }

    fn new_call(&self, shard: u32, request: ShardRequest) -> Call {
        let (shards, placement) = (self.shards.count(), self.objects.placement());
        Call { shard, shards, placement, reports: Vec::new(), request }
    }
}

/// A call that is not answered yet. Where it fails, or is given up, its reports wait again: they may have arrived, but one
/// that comes twice changes nothing. A request that the platform cancels does not drop it: its reports are lost.
struct CallInTransit(Call);

impl Drop for CallInTransit {
    fn drop(&mut self) {
        reports::put_back(self.0.shard, std::mem::take(&mut self.0.reports));
    }
}

async fn invoke(shard: Stub, call: &Call, body: &[u8]) -> worker::Result<JsValue> {
    let shard: ShardMethods = shard.into_rpc();
    Ok(shard.call(&json::to_string(call), &Uint8Array::from(body))?.await?)
}

/// Reads an answer; `None` where the requested thing does not exist.
fn read(shard: u32, answer: &JsValue) -> Result<Option<String>, ApiError> {
    if answer.is_null() {
        return Ok(None);
    }
    match (answer.as_string(), answer.dyn_ref::<js_sys::Error>()) {
        (Some(text), _) => Ok(Some(text)),
        (None, Some(mismatch)) => {
            Err(ApiError::with_message(Code::Unavailable, String::from(mismatch.message())))
        }
        (None, None) => {
            console_error!("shard {shard} answered neither text nor an error");
            Err(ApiError::new(Code::Unavailable))
        }
    }
}

/// Returns the header that asks for a WebSocket (RFC 9110, 7.8).
fn upgrade() -> worker::Result<JsValue> {
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    Ok(headers.0.into())
}

/// Returns the name of a shard's object.
fn name(shard: u32) -> String {
    format!("shard-{shard}")
}
