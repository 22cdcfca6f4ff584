//! Endpoints: what the directory is asked for, and the test event.

use vtryon_webhooks::{Code, Signature};
use worker::{Env, Request, Response};

use super::text;
use crate::config::Config;
use crate::deliver;
use crate::json::{self, Object};
use crate::reply::{self, Refusal};
use crate::wire::delivery::Dispatch;
use crate::wire::settings::endpoint_no;
use crate::wire::{Arrival, Ask, Created, Kept, TEST_EVENT, Tell};
use crate::{clock, stub, web_crypto};

/// Registers an endpoint, or lists them.
pub(super) async fn all(request: &Request, env: &Env) -> Result<Response, Refusal> {
    match &*request.inner().method() {
        "POST" => stub::tell(env, &Tell::Create(created(request).await?)).await,
        _ => stub::tell(env, &Tell::List).await,
    }
}

/// Shows an endpoint, changes or deletes it.
pub(super) async fn one(id: &str, request: &Request, env: &Env) -> Result<Response, Refusal> {
    let endpoint = number(id)?;
    match &*request.inner().method() {
        "PATCH" => stub::tell(env, &Tell::Change { endpoint, change: created(request).await? }).await,
        "DELETE" => stub::tell(env, &Tell::Delete { endpoint }).await,
        _ => stub::tell(env, &Tell::Get { endpoint }).await,
    }
}

/// Gives an endpoint a new secret.
pub(super) async fn rotate(id: &str, request: &Request, env: &Env) -> Result<Response, Refusal> {
    let endpoint = number(id)?;
    stub::tell(env, &Tell::Rotate { endpoint, input: text(request).await? }).await
}

/// Ends the overlap of a rotation.
pub(super) async fn retire(id: &str, env: &Env) -> Result<Response, Refusal> {
    stub::tell(env, &Tell::Retire { endpoint: number(id)? }).await
}

/// Sends a test event the whole way: signed as Vtryon signs, verified, kept, delivered to this one endpoint.
/// The answer is the delivery, after its first attempt.
pub(super) async fn test(id: &str, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let endpoint = number(id)?;
    let mut known = stub::tell(env, &Tell::Get { endpoint }).await?;
    if known.status_code() != 200 {
        return Ok(known);
    }
    let known = known.text().await?;
    if Object::parse(known.as_bytes()).and_then(|known| known.get("enabled")) != Some("true") {
        return Err(Refusal::because(Code::Conflict, "this endpoint is disabled: enable it first"));
    }
    let task_id = format!("test_{}", hex::encode(web_crypto::random::<8>()?));
    let body = format!(r#"{{"event":"{TEST_EVENT}","task_id":"{task_id}"}}"#);
    let key = config.verifier.keys().first().ok_or(Refusal::new(Code::Unavailable))?;
    let verified = config.verifier.verify(body.as_bytes(), &Signature::sign(key, body.as_bytes()))?;
    let (digest, arrival) = Arrival::read(&verified, clock::now());
    let shard = config.shards.of(&digest);
    let arrival = Arrival { only: Some(endpoint), ..arrival };
    let kept = stub::ask(env, config.shards, shard, Ask::Keep(arrival), verified.payload()).await?;
    let owed: Vec<Dispatch> =
        kept.and_then(|kept| json::read(&kept).ok()).map(|Kept { owed, .. }| owed).unwrap_or_default();
    let Some(no) = owed.first().map(|owed| owed.delivery) else {
        return Err(Refusal::because(Code::Unavailable, "not every shard knows this endpoint yet"));
    };
    deliver::dispatch(env, config, shard, owed, verified.payload()).await;
    match stub::ask(env, config.shards, shard, Ask::Delivery { no }, &[]).await? {
        Some(delivery) => reply::json_text(200, &delivery),
        None => Err(Refusal::new(Code::Unavailable)),
    }
}

async fn created(request: &Request) -> Result<Created, Refusal> {
    Ok(Created { input: text(request).await?, own_origin: origin(&request.inner().url()) })
}

/// Returns the scheme and the host of a URL: they end at the first slash after them.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn number(id: &str) -> Result<i64, Refusal> {
    endpoint_no(id).ok_or(Refusal::because(Code::NotFound, "there is no endpoint of this id"))
}
