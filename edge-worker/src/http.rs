//! HTTP as every handler needs it: routes, bodies, queries, responses.

pub(crate) mod body;
pub(crate) mod head;
pub(crate) mod query;
pub(crate) mod response;
pub(crate) mod router;
pub(crate) mod task_id;
