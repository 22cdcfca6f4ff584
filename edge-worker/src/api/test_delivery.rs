//! Tests of endpoints and alert destinations: an event or an alert that goes to one of them alone.

use vtryon_gateway_engine::directory::alerts;
use vtryon_gateway_engine::protocol::delivery::Dispatch;
use vtryon_gateway_engine::protocol::settings::{AlertFormat, EndpointKind};
use vtryon_gateway_engine::protocol::{
    ALERT_SHARD, DirectoryRequest, IncomingAlert, IncomingEvent, ShardRequest, StoreResult, TEST_EVENT,
};
use vtryon_gateway_engine::text::json::{self, Object};
use vtryon_webhooks::{Code, Signature};
use worker::Response;

use super::ApiContext;
use super::endpoints::number;
use crate::config::Config;
use crate::delivery;
use crate::http::response::{self, ApiError};
use crate::platform::{clock, crypto};

/// A test that is to be stored: the shard, the request, and the body.
type Test = (u32, ShardRequest, Vec<u8>);

/// Stores a test and makes its first attempt. The answer is the delivery after it.
pub(super) async fn send(kind: EndpointKind, id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let endpoint = number(id)?;
    let mut known = api.directory.send(DirectoryRequest::Get { kind, endpoint }).await?;
    if known.status_code() != 200 {
        return Ok(known);
    }
    let known = known.text().await?;
    let known = Object::parse(known.as_bytes()).ok_or_else(|| ApiError::new(Code::Unavailable))?;
    if known.get("enabled") != Some("true") {
        return Err(ApiError::with_message(Code::Conflict, "this endpoint is disabled: enable it first"));
    }
    if known.get("paused") == Some("true") {
        return Err(ApiError::with_message(Code::Conflict, "this endpoint is paused: resume it first"));
    }
    api.record_change(id).await?;
    let random = hex::encode(crypto::random::<8>()?);
    let (shard, request, body) = match kind {
        EndpointKind::Tasks => event(api.config, endpoint, &random)?,
        EndpointKind::Alerts => {
            let format = known.text("format").and_then(|name| AlertFormat::from_name(&name));
            alert(format.ok_or_else(|| ApiError::new(Code::Unavailable))?, endpoint, &random)
        }
    };
    let stored = api.shards.call(shard, request, &body).await?;
    let dispatches: Vec<Dispatch> = stored
        .and_then(|stored| json::read(&stored).ok())
        .map(|stored: StoreResult| stored.dispatches)
        .unwrap_or_default();
    let Some(dispatch) = dispatches.first() else {
        return Err(ApiError::with_message(Code::Unavailable, "not every shard knows this endpoint yet"));
    };
    if let Some(report) = delivery::attempt(api.config, shard, dispatch, &body).await {
        api.shards.add_report(shard, report);
    }
    match api.shards.call(shard, ShardRequest::Delivery { no: dispatch.delivery }, &[]).await? {
        Some(delivery) => response::json_text(200, &delivery),
        None => Err(ApiError::new(Code::Unavailable)),
    }
}

/// Makes a test event: signed as Vtryon signs, and verified.
fn event(config: &Config, endpoint: i64, random: &str) -> Result<Test, ApiError> {
    let body = format!(r#"{{"event":"{TEST_EVENT}","task_id":"test_{random}"}}"#);
    let key = config.deployment.verifier.keys().first().ok_or_else(|| ApiError::new(Code::Unavailable))?;
    let verified =
        config.deployment.verifier.verify(body.as_bytes(), &Signature::sign(key, body.as_bytes()))?;
    let (digest, incoming) = IncomingEvent::read(&verified, clock::now());
    let incoming = IncomingEvent { target_endpoint: Some(endpoint), ..incoming };
    Ok((config.deployment.shards.shard_of(&digest), ShardRequest::StoreEvent(incoming), body.into_bytes()))
}

/// Makes a test alert.
fn alert(format: AlertFormat, destination: i64, random: &str) -> Test {
    let alert = IncomingAlert {
        id: format!("test {random}"),
        name: TEST_EVENT.to_owned(),
        destinations: vec![destination],
        is_test: true,
    };
    let body = alerts::test_body(format, clock::now());
    (ALERT_SHARD, ShardRequest::StoreAlert(alert), body.into_bytes())
}
