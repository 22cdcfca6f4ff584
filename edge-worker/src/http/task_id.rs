//! The id of a task in a path, a query or a body.

use vtryon_webhooks::event::MAX_TASK_ID;
use vtryon_webhooks::{Code, TaskId};

use crate::http::response::ApiError;

/// Reads the id of a task. One that is well formed but longer than any event has, in bytes, is of no task.
pub(crate) fn task_id(name: Option<String>) -> Result<TaskId<'static>, ApiError> {
    let message = "`task_id` is not 1 to 256 characters without control characters, or is `.` or `..`";
    let malformed = ApiError::because(Code::InvalidRequest, message);
    let Some(name) = name else { return Err(malformed) };
    let is_too_long = name.len() > MAX_TASK_ID;
    let is_well_formed = name.chars().count() <= MAX_TASK_ID && !name.contains(char::is_control);
    if is_too_long && is_well_formed {
        return Err(ApiError::because(Code::NotFound, "no task has an id of more than 256 bytes"));
    }
    TaskId::new(name).map_err(|_| malformed)
}
