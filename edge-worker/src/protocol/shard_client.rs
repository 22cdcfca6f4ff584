//! Calls shards: one request, one answer, or an error that makes the sender retry.

use futures_util::future::try_join_all;
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use vtryon_webhooks::{Code, Shards};
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::RequestInit;
use worker::{Env, Headers, Response, console_error};

use super::live::Subscription;
use super::object::{self, FindStub, fetch};
use super::{Call, ShardRequest, reports};
use crate::http::response::ApiError;
use crate::platform::js::ShardMethods;
use vtryon_gateway_engine::json;
use vtryon_gateway_engine::variables::TASK_SHARD;

/// Sends a request to one shard, with the reports that wait for it. Returns its answer as JSON, or `None` where the
/// requested thing does not exist.
pub(crate) async fn call(
    env: &Env,
    shards: Shards,
    shard: u32,
    request: ShardRequest,
    body: &[u8],
) -> Result<Option<String>, ApiError> {
    let call = Call { reports: reports::take(shard), ..new_call(shard, shards, request) };
    match invoke(env, object::stub, &call, body).await {
        Ok(answer) => read(shard, &answer),
        Err(error) => {
            // They may have arrived: one that comes twice changes nothing.
            reports::put_back(shard, call.reports);
            Err(error.into())
        }
    }
}

/// Sends a request to the anchor: shard 0 outside of any jurisdiction, which knows where the deployment was placed.
pub(crate) async fn call_anchor(
    env: &Env,
    shards: Shards,
    request: ShardRequest,
) -> Result<Option<String>, ApiError> {
    let call = new_call(0, shards, request);
    read(0, &invoke(env, object::unrestricted_stub, &call, &[]).await?)
}

fn new_call(shard: u32, shards: Shards, request: ShardRequest) -> Call {
    Call { shard, shards: shards.count(), placement: object::placement(), reports: Vec::new(), request }
}

/// Reads an answer; `None` where the requested thing does not exist.
fn read(shard: u32, answer: &JsValue) -> Result<Option<String>, ApiError> {
    if answer.is_null() {
        return Ok(None);
    }
    match (answer.as_string(), answer.dyn_ref::<js_sys::Error>()) {
        (Some(text), _) => Ok(Some(text)),
        (None, Some(mismatch)) => Err(ApiError::with_message(Code::Unavailable, mismatch.message().into())),
        (None, None) => {
            console_error!("shard {shard} answered neither text nor an error");
            Err(ApiError::new(Code::Unavailable))
        }
    }
}

async fn invoke(env: &Env, stub: FindStub, call: &Call, body: &[u8]) -> worker::Result<JsValue> {
    let shard: ShardMethods = stub(env, TASK_SHARD, &name(call.shard))?.into_rpc();
    Ok(JsFuture::from(shard.call(&json::to_string(call), &Uint8Array::from(body))?).await?)
}

/// Sends the same request to every shard. Returns the answers of those that have one.
pub(crate) async fn call_all(
    env: &Env,
    shards: Shards,
    request: impl Fn() -> ShardRequest,
) -> Result<Vec<String>, ApiError> {
    let calls = (0..shards.count()).map(|shard| call(env, shards, shard, request(), &[]));
    Ok(try_join_all(calls).await?.into_iter().flatten().collect())
}

/// A shard's answer to a subscription.
pub(crate) enum Subscribed {
    /// A socket to the shard.
    Opened(Response),
    /// The task has ended, and the subscriber has its final state.
    Over,
    /// The task was erased.
    Erased,
    /// The task ended too long ago.
    Refused,
}

/// Opens a socket to a shard.
pub(crate) async fn subscribe(
    env: &Env,
    shards: Shards,
    shard: u32,
    subscription: Subscription,
) -> Result<Subscribed, ApiError> {
    let call = new_call(shard, shards, ShardRequest::Subscribe(subscription));
    let init = RequestInit::new();
    init.set_headers(&upgrade()?);
    let mut response = fetch(env, TASK_SHARD, &name(shard), &call.to_url(), &init).await?;
    match response.status_code() {
        101 => Ok(Subscribed::Opened(response)),
        204 => Ok(Subscribed::Over),
        401 => Ok(Subscribed::Refused),
        410 => Ok(Subscribed::Erased),
        503 => Err(ApiError::with_message(Code::Unavailable, response.text().await?)),
        status => {
            console_error!("shard {shard} answered {status}");
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
