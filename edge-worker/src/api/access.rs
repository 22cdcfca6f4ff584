//! Tokens, and the audit trail of what was changed through the API.

use worker::{Env, Request, Response};

use super::text;
use crate::http::query::Query;
use crate::http::response::ApiError;
use crate::protocol::{AuditedRequest, DirectoryRequest, directory_client};

/// Creates a token, or lists them.
pub(super) async fn tokens(
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    match &*request.inner().method() {
        "POST" => {
            let input = text(request).await?;
            directory_client::change(env, DirectoryRequest::CreateToken { input }, audited).await
        }
        _ => directory_client::send(env, DirectoryRequest::Tokens).await,
    }
}

pub(super) async fn revoke(id: String, audited: &AuditedRequest, env: &Env) -> Result<Response, ApiError> {
    directory_client::change(env, DirectoryRequest::RevokeToken { id }, audited).await
}

pub(super) async fn audit(query: &str, env: &Env) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["cursor", "limit"])?;
    let (cursor, limit) = (query.get("cursor").map(str::to_owned), query.limit()?);
    directory_client::send(env, DirectoryRequest::Audit { cursor, limit }).await
}
