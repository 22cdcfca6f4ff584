//! Tasks, and what could not be read.

use serde::Serialize;
use serde_json::value::RawValue;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_webhooks::event::MAX_TASK_ID;
use vtryon_webhooks::lifecycle::Stage;
use vtryon_webhooks::{Code, Digest, Millis, Status};
use worker::Response;

use super::listing::{check_empty, listing};
use super::{ApiContext, results};
use crate::http::query::{Query, time_ago};
use crate::http::response::{self, ApiError};
use crate::http::task_id::task_id;
use crate::platform::clock;

pub(super) async fn show(id: Option<String>, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let id = task_id(id)?;
    let task_id = id.as_str().to_owned();
    match api.shards.call_task(id.as_str(), ShardRequest::Task { task_id }).await? {
        Some(text) => response::json_text(200, &text),
        None => Err(ApiError::with_message(Code::NotFound, NOTHING)),
    }
}

const NOTHING: &str = "no event of this task is stored";

/// Erases what is stored of a task, in its shard and in KV. Where one of them fails, the request may be repeated.
pub(super) async fn erase(
    id: Option<String>,
    query: &str,
    api: &ApiContext<'_>,
) -> Result<Response, ApiError> {
    // What can't be undone is not done where something else may be meant.
    Query::parse(query, &[])?;
    let id = task_id(id)?;
    let task_id = id.as_str().to_owned();
    api.record_change(&task_id).await?;
    let erased = api.shards.call_task(id.as_str(), ShardRequest::Erase { task_id }).await?;
    let erased =
        erased.ok_or_else(|| ApiError::with_message(Code::NotFound, "no event of this task has arrived"))?;
    // Only now: a reader who has asked the shard before asks it again when KV has the result.
    results::forget(&Digest::of_task(id.as_str()), api).await?;
    response::json_text(200, &erased)
}

pub(super) async fn list(query: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["status", "stalled", "since", "until", "prefix", "cursor", "limit"])?;
    let no_status =
        || ApiError::invalid_request("`status` is not one of queued, processing, completed, failed");
    let read = |name| Stage::of(&Status::from_name(name)).ok_or_else(no_status);
    let status = query.get("status").map(read).transpose()?;
    let filter = TaskFilter {
        status: status.map(|stage| stage.as_str().to_owned()),
        stalled: query.get("stalled").map(stalled_since).transpose()?,
        since: query.time("since")?,
        until: query.time("until")?,
        prefix: query.get("prefix").map(check_prefix).transpose()?,
    };
    if filter.stalled.is_some() && status.is_some_and(Stage::is_final) {
        // A task that has ended is not stalled.
        check_empty(&query, api)?;
        return response::json(200, &Tasks { tasks: Vec::new(), cursor: None });
    }
    let ask = |before, limit| ShardRequest::Tasks { before, filter: filter.clone(), limit };
    let (tasks, cursor) = listing(&query, None, api, ask).await?;
    response::json(200, &Tasks { tasks, cursor })
}

/// Checks the beginning of a task's id: it has the form of an id, and may be one that no id has, such as one of more bytes.
fn check_prefix(prefix: &str) -> Result<String, ApiError> {
    let characters = prefix.chars().count();
    let is_form = (1..=MAX_TASK_ID).contains(&characters) && !prefix.contains(char::is_control);
    let message = "`prefix` is not 1 to 256 characters without control characters";
    is_form.then(|| prefix.to_owned()).ok_or_else(|| ApiError::invalid_request(message))
}

pub(super) async fn quarantine(query: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["cursor", "limit"])?;
    let ask = |before, limit| ShardRequest::Quarantine { before, limit };
    let (quarantine, cursor) = listing(&query, None, api, ask).await?;
    response::json(200, &Quarantine { quarantine, cursor })
}

/// A page of tasks. The cursor leads to the next; on the last page it is null.
#[derive(Serialize)]
struct Tasks {
    tasks: Vec<Box<RawValue>>,
    cursor: Option<String>,
}

/// A page of the quarantine.
#[derive(Serialize)]
struct Quarantine {
    quarantine: Vec<Box<RawValue>>,
    cursor: Option<String>,
}

fn stalled_since(age: &str) -> Result<Millis, ApiError> {
    let message = "`stalled` is not an age such as 30m";
    time_ago(age, clock::now()).ok_or_else(|| ApiError::invalid_request(message))
}
