//! The Worker's side of a shard: one call, one answer, or a refusal that makes the sender come again.

use vtryon_webhooks::{Code, Shards};
use worker::web_sys::{self, RequestInit};
use worker::{Env, Response, console_error};

use crate::config::TASK_SHARD;
use crate::reply::Refusal;
use crate::wire::{Ask, Call};

/// Asks one shard, and returns its answer's text; none is the answer of a shard that has no such thing.
pub(crate) async fn ask(
    env: &Env,
    shards: Shards,
    shard: u32,
    ask: Ask,
    body: &[u8],
) -> Result<Option<String>, Refusal> {
    let call = Call { shard, shards: shards.count(), ask };
    let frame = call.encode(body).map_err(|error| worker::Error::from(error.to_string()))?;
    let mut response = fetch(env, shard, &frame).await?;
    match response.status_code() {
        200 => Ok(Some(response.text().await?)),
        404 => Ok(None),
        status => {
            console_error!("shard {shard} answered {status}");
            Err(Refusal::new(Code::Unavailable))
        }
    }
}

async fn fetch(env: &Env, shard: u32, frame: &[u8]) -> Result<Response, Refusal> {
    // A stub may be broken by an exception in its object: each call takes a new one.
    let stub = env.durable_object(TASK_SHARD)?.get_by_name(&name(shard))?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&js_sys::Uint8Array::from(frame));
    let request =
        web_sys::Request::new_with_str_and_init("https://shard/", &init).map_err(worker::Error::from)?;
    Ok(stub.fetch_with_request(request.into()).await?)
}

/// Names the object of a shard.
fn name(shard: u32) -> String {
    format!("shard-{shard}")
}
