//! Endpoints and alert destinations: what the directory is asked for.

use vtryon_webhooks::Code;
use worker::{Env, Request, Response};

use super::text;
use crate::http::response::ApiError;
use crate::protocol::settings::{EndpointKind, endpoint_no};
use crate::protocol::{AuditedRequest, DirectoryRequest, EndpointInput, directory_client};

/// Registers an endpoint, or lists them.
pub(super) async fn all(
    kind: EndpointKind,
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    match &*request.inner().method() {
        "POST" => {
            let input = endpoint_input(request).await?;
            directory_client::change(env, DirectoryRequest::Create { kind, input }, audited).await
        }
        _ => directory_client::send(env, DirectoryRequest::List { kind }).await,
    }
}

/// Shows an endpoint, changes or deletes it.
pub(super) async fn one(
    kind: EndpointKind,
    id: &str,
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    let endpoint = number(id)?;
    let change = match &*request.inner().method() {
        "PATCH" => DirectoryRequest::Change { kind, endpoint, change: endpoint_input(request).await? },
        "DELETE" => DirectoryRequest::Delete { kind, endpoint },
        _ => return directory_client::send(env, DirectoryRequest::Get { kind, endpoint }).await,
    };
    directory_client::change(env, change, audited).await
}

/// Gives an endpoint a new secret.
pub(super) async fn rotate(
    kind: EndpointKind,
    id: &str,
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    let rotate = DirectoryRequest::Rotate { kind, endpoint: number(id)?, input: text(request).await? };
    directory_client::change(env, rotate, audited).await
}

/// Ends the overlap of a rotation.
pub(super) async fn retire(
    kind: EndpointKind,
    id: &str,
    audited: &AuditedRequest,
    env: &Env,
) -> Result<Response, ApiError> {
    let retire = DirectoryRequest::Retire { kind, endpoint: number(id)? };
    directory_client::change(env, retire, audited).await
}

async fn endpoint_input(request: &Request) -> Result<EndpointInput, ApiError> {
    Ok(EndpointInput { body: text(request).await?, own_origin: origin(&request.inner().url()) })
}

/// Returns the scheme and the host of a URL: they end at the first slash after them.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// Reads the id of an endpoint.
pub(super) fn number(id: &str) -> Result<i64, ApiError> {
    endpoint_no(id).ok_or(ApiError::because(Code::NotFound, "there is no endpoint of this id"))
}
