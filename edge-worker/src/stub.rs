//! The calling end of the objects: one call, one answer, or a refusal that makes the sender come again.

use futures_util::future::try_join_all;
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use vtryon_webhooks::{Code, Shards};
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{self, RequestInit};
use worker::{Env, Headers, Response, console_error};

use crate::config::{DIRECTORY, TASK_SHARD};
use crate::js::ShardMethods;
use crate::json;
use crate::reply::{self, Refusal};
use crate::wire::live::Subscription;
use crate::wire::{Ask, Call, Tell};

/// Asks one shard, and returns what it answers; none is the answer of a shard that has no such thing.
pub(crate) async fn ask(
    env: &Env,
    shards: Shards,
    shard: u32,
    ask: Ask,
    body: &[u8],
) -> Result<Option<String>, Refusal> {
    let call = Call { shard, shards: shards.count(), ask };
    let said = said(env, &name(shard), &json::to_string(&call), body).await?;
    if said.is_null() {
        return Ok(None);
    }
    match (said.as_string(), said.dyn_ref::<js_sys::Error>()) {
        (Some(text), _) => Ok(Some(text)),
        (None, Some(mismatch)) => Err(Refusal::telling(Code::Unavailable, mismatch.message().into())),
        (None, None) => {
            console_error!("shard {shard} answered nothing that can be read");
            Err(Refusal::new(Code::Unavailable))
        }
    }
}

async fn said(env: &Env, name: &str, call: &str, body: &[u8]) -> worker::Result<JsValue> {
    // A stub may be broken by an exception in its object: each call takes a new one.
    let shard: ShardMethods = env.durable_object(TASK_SHARD)?.get_by_name(name)?.into_rpc();
    Ok(JsFuture::from(shard.call(call, &Uint8Array::from(body))?).await?)
}

/// Asks every shard the same, and returns the answers of those that have one.
pub(crate) async fn ask_all(
    env: &Env,
    shards: Shards,
    question: impl Fn() -> Ask,
) -> Result<Vec<String>, Refusal> {
    let calls = (0..shards.count()).map(|shard| ask(env, shards, shard, question(), &[]));
    Ok(try_join_all(calls).await?.into_iter().flatten().collect())
}

/// A shard's answer to one who wants to watch.
pub(crate) enum Subscribed {
    /// The switch to a socket, which is one to the shard itself.
    Opened(Response),
    /// There is nothing more to come.
    Over,
    /// The time for watching is over.
    Refused,
}

/// Asks a shard for a socket.
pub(crate) async fn subscribe(
    env: &Env,
    shards: Shards,
    shard: u32,
    subscription: Subscription,
) -> Result<Subscribed, Refusal> {
    let call = Call { shard, shards: shards.count(), ask: Ask::Subscribe(subscription) };
    let init = RequestInit::new();
    init.set_headers(&switch()?);
    let mut response = send(env, TASK_SHARD, &name(shard), &call.to_url(), &init).await?;
    match response.status_code() {
        101 => Ok(Subscribed::Opened(response)),
        204 => Ok(Subscribed::Over),
        401 => Ok(Subscribed::Refused),
        503 => Err(Refusal::telling(Code::Unavailable, response.text().await?)),
        status => {
            console_error!("shard {shard} answered {status}");
            Err(Refusal::new(Code::Unavailable))
        }
    }
}

/// The header that asks for a socket (RFC 9110, 7.8).
fn switch() -> worker::Result<JsValue> {
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    Ok(headers.0.into())
}

/// Tells the directory something, and returns its answer as it is to be passed on.
pub(crate) async fn tell(env: &Env, tell: &Tell) -> Result<Response, Refusal> {
    let frame = json::to_string(tell);
    let mut response = fetch(env, DIRECTORY, DIRECTORY_NAME, frame.as_bytes()).await?;
    let status = response.status_code();
    reply::passed_on(status, response.text().await?)
}

async fn fetch(env: &Env, binding: &str, name: &str, frame: &[u8]) -> Result<Response, Refusal> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(frame));
    send(env, binding, name, "https://object/", &init).await
}

async fn send(
    env: &Env,
    binding: &str,
    name: &str,
    url: &str,
    init: &RequestInit,
) -> Result<Response, Refusal> {
    // A stub may be broken by an exception in its object: each call takes a new one.
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let request = web_sys::Request::new_with_str_and_init(url, init).map_err(worker::Error::from)?;
    Ok(stub.fetch_with_request(request.into()).await?)
}

/// The one object of its class.
const DIRECTORY_NAME: &str = "directory";

/// Names the object of a shard.
fn name(shard: u32) -> String {
    format!("shard-{shard}")
}
