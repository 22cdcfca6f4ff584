//! Endpoints: what the directory is asked for, and the test event.

use vtryon_webhooks::{Code, Signature};
use worker::{Env, Request, Response};

use super::{record_change, text};
use crate::config::Config;
use crate::delivery;
use crate::http::response::{self, ApiError};
use crate::platform::{clock, crypto};
use crate::protocol::delivery::Dispatch;
use crate::protocol::settings::endpoint_no;
use crate::protocol::{
    AuditedRequest, DirectoryRequest, EndpointInput, IncomingEvent, ShardRequest, StoreResult, TEST_EVENT,
    directory_client, shard_client,
};
use vtryon_gateway_engine::json::{self, Object};

/// Registers an endpoint, or lists them.
pub(super) async fn all(
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    match &*request.inner().method() {
        "POST" => {
            let input = endpoint_input(request).await?;
            directory_client::change(env, DirectoryRequest::Create(input), audited).await
        }
        _ => directory_client::send(env, DirectoryRequest::List).await,
    }
}

/// Shows an endpoint, changes or deletes it.
pub(super) async fn one(
    id: &str,
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    let endpoint = number(id)?;
    let change = match &*request.inner().method() {
        "PATCH" => DirectoryRequest::Change { endpoint, change: endpoint_input(request).await? },
        "DELETE" => DirectoryRequest::Delete { endpoint },
        _ => return directory_client::send(env, DirectoryRequest::Get { endpoint }).await,
    };
    directory_client::change(env, change, audited).await
}

/// Gives an endpoint a new secret.
pub(super) async fn rotate(
    id: &str,
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    let rotate = DirectoryRequest::Rotate { endpoint: number(id)?, input: text(request).await? };
    directory_client::change(env, rotate, audited).await
}

/// Ends the overlap of a rotation.
pub(super) async fn retire(id: &str, audited: &AuditedRequest, env: &Env) -> Result<Response, ApiError> {
    directory_client::change(env, DirectoryRequest::Retire { endpoint: number(id)? }, audited).await
}

/// Sends a test event: signed as Vtryon signs, verified, stored, delivered to this one endpoint. The answer is the delivery, after its first attempt.
pub(super) async fn test(
    id: &str,
    audited: &AuditedRequest,
    env: &Env,
    config: &Config,
) -> Result<Response, ApiError> {
    let endpoint = number(id)?;
    let mut known = directory_client::send(env, DirectoryRequest::Get { endpoint }).await?;
    if known.status_code() != 200 {
        return Ok(known);
    }
    let known = known.text().await?;
    let is_set = |field| Object::parse(known.as_bytes()).and_then(|known| known.get(field)) == Some("true");
    if !is_set("enabled") {
        return Err(ApiError::because(Code::Conflict, "this endpoint is disabled: enable it first"));
    }
    if is_set("paused") {
        return Err(ApiError::because(Code::Conflict, "this endpoint is paused: resume it first"));
    }
    record_change(env, id, audited).await?;
    let task_id = format!("test_{}", hex::encode(crypto::random::<8>()?));
    let body = format!(r#"{{"event":"{TEST_EVENT}","task_id":"{task_id}"}}"#);
    let key = config.deployment.verifier.keys().first().ok_or(ApiError::new(Code::Unavailable))?;
    let verified =
        config.deployment.verifier.verify(body.as_bytes(), &Signature::sign(key, body.as_bytes()))?;
    let (digest, incoming) = IncomingEvent::read(&verified, clock::now());
    let shard = config.shards.of(&digest);
    let incoming = IncomingEvent { target_endpoint: Some(endpoint), ..incoming };
    let stored =
        shard_client::call(env, config.shards, shard, ShardRequest::StoreEvent(incoming), verified.payload())
            .await?;
    let dispatches: Vec<Dispatch> = stored
        .and_then(|stored| json::read(&stored).ok())
        .map(|stored: StoreResult| stored.dispatches)
        .unwrap_or_default();
    let Some(no) = dispatches.first().map(|dispatch| dispatch.delivery) else {
        return Err(ApiError::because(Code::Unavailable, "not every shard knows this endpoint yet"));
    };
    delivery::dispatch(env, config, shard, dispatches, verified.payload()).await;
    match shard_client::call(env, config.shards, shard, ShardRequest::Delivery { no }, &[]).await? {
        Some(delivery) => response::json_text(200, &delivery),
        None => Err(ApiError::new(Code::Unavailable)),
    }
}

async fn endpoint_input(request: &Request) -> Result<EndpointInput, ApiError> {
    Ok(EndpointInput { body: text(request).await?, own_origin: origin(&request.inner().url()) })
}

/// Returns the scheme and the host of a URL: they end at the first slash after them.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn number(id: &str) -> Result<i64, ApiError> {
    endpoint_no(id).ok_or(ApiError::because(Code::NotFound, "there is no endpoint of this id"))
}
