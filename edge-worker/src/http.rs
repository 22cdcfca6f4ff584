//! HTTP as every handler needs it: bodies, queries, responses.

pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod query;
pub(crate) mod response;
pub(crate) mod task_id;
