//! `POST /api/tickets`: issues a ticket with which a page can watch one task.

use serde::Serialize;
use vtryon_gateway_engine::text::json::Object;
use vtryon_gateway_engine::text::time;
use worker::Response;

use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::http::task_id::task_id as parse_task_id;
use crate::platform::clock;

/// A ticket as it is issued.
#[derive(Serialize)]
struct IssuedTicket<'a> {
    ticket: &'a str,
    task_id: &'a str,
    expires_at: String,
}

/// Issues a ticket for a task, also for one without events.
pub(super) fn issue(input: &str, config: &Config) -> Result<Response, ApiError> {
    let object = Object::parse(input.as_bytes())
        .ok_or_else(|| ApiError::invalid_request("the body is not a JSON object"))?;
    if object.names().any(|name| name != "task_id") {
        return Err(ApiError::invalid_request("the body has a field that is not `task_id`"));
    }
    let task_id =
        object.text("task_id").ok_or_else(|| ApiError::invalid_request("`task_id` is not a text"))?;
    let task_id = parse_task_id(Some(task_id))?;
    let (ticket, end) = config.deployment.tickets.ticket(&task_id, clock::now());
    let expires_at = time::rfc3339(end);
    response::json(201, &IssuedTicket { ticket: &ticket, task_id: task_id.as_str(), expires_at })
}
