//! The audit trail of what was changed through the API.

use vtryon_gateway_engine::protocol::DirectoryRequest;
use worker::Response;

use super::ApiContext;
use crate::http::query::Query;
use crate::http::response::ApiError;

pub(super) async fn list(query: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["cursor", "limit"])?;
    let (cursor, limit) = (query.get("cursor").map(str::to_owned), query.limit()?);
    api.directory.send(DirectoryRequest::Audit { cursor, limit }).await
}
