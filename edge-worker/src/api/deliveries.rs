//! Deliveries: listed, shown, replayed.

use serde::Serialize;
use serde_json::value::RawValue;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::{DeliveryState, parse_delivery_id};
use vtryon_gateway_engine::protocol::settings::endpoint_no;
use vtryon_webhooks::{Code, Digest};
use worker::Response;

use super::ApiContext;
use super::listing::{check_empty, listing};
use crate::http::query::Query;
use crate::http::response::{self, ApiError};
use crate::http::task_id::task_id;

/// A page of deliveries. The cursor leads to the next; on the last page it is null.
#[derive(Serialize)]
struct Deliveries {
    deliveries: Vec<Box<RawValue>>,
    cursor: Option<String>,
}

/// Lists deliveries: all, those of a task, or those of a body that can't be read.
pub(super) async fn list(query: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["endpoint", "state", "task_id", "digest", "cursor", "limit"])?;
    let endpoint = endpoint(&query)?;
    let no_state = || ApiError::invalid_request("`state` is not one of pending, delivered, dead, superseded");
    let read = |name| DeliveryState::from_name(name).ok_or_else(no_state);
    let state = query.get("state").map(read).transpose()?;
    let no_digest = || ApiError::invalid_request("`digest` is not SHA-256 in lower-case hex");
    let digest = query.get("digest").map(|hex| Digest::from_hex(hex).ok_or_else(no_digest)).transpose()?;
    let task = match query.get("task_id").map(|id| task_id(Some(id.to_owned()))).transpose() {
        Err(refusal) if refusal.code() == Code::NotFound => return nothing(&query, api),
        task => task?,
    };
    let ask = |before, limit| ShardRequest::Deliveries {
        before,
        endpoint,
        state,
        task_id: task.as_ref().map(|task| task.as_str().to_owned()),
        digest: digest.as_ref().map(Digest::to_hex),
        limit,
    };
    let stored_by = match (&task, &digest) {
        // A body that can't be read names no task.
        (Some(_), Some(_)) => return nothing(&query, api),
        (Some(task), None) => Some(Digest::of_task(task.as_str())),
        (None, digest) => *digest,
    };
    // What belongs to a task, or to a body, lies in one shard.
    let only = stored_by.map(|digest| api.config.deployment.shards.shard_of(&digest));
    let (deliveries, cursor) = listing(&query, only, api, ask).await?;
    response::json(200, &Deliveries { deliveries, cursor })
}

/// Reads which endpoint a query names, if it names one.
pub(super) fn endpoint(query: &Query) -> Result<Option<i64>, ApiError> {
    let message = "`endpoint` is not the id of an endpoint";
    let no = |id| endpoint_no(id).ok_or_else(|| ApiError::invalid_request(message));
    query.get("endpoint").map(no).transpose()
}

fn nothing(query: &Query, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    check_empty(query, api)?;
    response::json(200, &Deliveries { deliveries: Vec::new(), cursor: None })
}

/// Shows a delivery with its attempts.
pub(super) async fn show(id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let (shard, no) = locate(id, api)?;
    ask(shard, ShardRequest::Delivery { no }, 200, api).await
}

/// Shows the body that a delivery has.
pub(super) async fn body(id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let (shard, no) = locate(id, api)?;
    ask(shard, ShardRequest::DeliveryBody { no }, 200, api).await
}

/// Delivers once more; one that is pending becomes due at once.
pub(super) async fn replay(id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let (shard, no) = locate(id, api)?;
    api.record_change(id).await?;
    ask(shard, ShardRequest::Replay { no }, 202, api).await
}

const UNKNOWN: &str = "there is no delivery of this id, or its event is no longer stored";

/// Reads which shard has a delivery, and its number there.
fn locate(id: &str, api: &ApiContext<'_>) -> Result<(u32, i64), ApiError> {
    let located = parse_delivery_id(id).filter(|(shard, _)| *shard < api.config.deployment.shards.count());
    located.ok_or_else(|| ApiError::with_message(Code::NotFound, UNKNOWN))
}

async fn ask(
    shard: u32,
    request: ShardRequest,
    status: u16,
    api: &ApiContext<'_>,
) -> Result<Response, ApiError> {
    match api.shards.call(shard, request, &[]).await? {
        Some(delivery) => response::json_text(status, &delivery),
        None => Err(ApiError::with_message(Code::NotFound, UNKNOWN)),
    }
}
