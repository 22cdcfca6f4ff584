//! The id of a task in a path, a query or a body.

use vtryon_webhooks::event::MAX_TASK_ID;
use vtryon_webhooks::{Code, TaskId};

use crate::http::response::ApiError;

const MALFORMED: &str = "`task_id` is not 1 to 256 characters without control characters, or is `.` or `..`";

/// Reads the id of a task. One that is well formed but longer than any event has, in bytes, is of no task.
pub(crate) fn task_id(name: Option<String>) -> Result<TaskId<'static>, ApiError> {
    let malformed = || ApiError::invalid_request(MALFORMED);
    let name = name.ok_or_else(malformed)?;
    let is_too_long = name.len() > MAX_TASK_ID;
    let is_well_formed = name.chars().count() <= MAX_TASK_ID && !name.contains(char::is_control);
    if is_too_long && is_well_formed {
        return Err(ApiError::with_message(Code::NotFound, "no task has an id of more than 256 bytes"));
    }
    TaskId::new(name).map_err(|_| malformed())
}
