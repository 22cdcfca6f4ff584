//! Tokens, and the audit trail of what was changed through the API.

use vtryon_gateway_engine::protocol::DirectoryRequest;
use worker::{Request, Response};

use super::{ApiContext, text};
use crate::http::query::Query;
use crate::http::response::ApiError;

/// Creates a token, or lists them.
pub(super) async fn tokens(request: &Request, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    match &*request.inner().method() {
        "POST" => {
            let input = text(request).await?;
            api.change(DirectoryRequest::CreateToken { input }).await
        }
        _ => api.directory.send(DirectoryRequest::Tokens).await,
    }
}

pub(super) async fn revoke(id: String, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    api.change(DirectoryRequest::RevokeToken { id }).await
}

pub(super) async fn audit(query: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["cursor", "limit"])?;
    let (cursor, limit) = (query.get("cursor").map(str::to_owned), query.limit()?);
    api.directory.send(DirectoryRequest::Audit { cursor, limit }).await
}
