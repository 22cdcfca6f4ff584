//! Endpoints and alert destinations: what the directory is asked for.

use vtryon_gateway_engine::protocol::settings::{EndpointKind, endpoint_no};
use vtryon_gateway_engine::protocol::{DirectoryRequest, EndpointInput};
use vtryon_webhooks::Code;
use worker::{Request, Response};

use super::{ApiContext, text};
use crate::http::response::ApiError;

/// Registers an endpoint.
pub(super) async fn create(
    kind: EndpointKind,
    request: &Request,
    api: &ApiContext<'_>,
) -> Result<Response, ApiError> {
    let input = endpoint_input(request).await?;
    api.change(DirectoryRequest::Create { kind, input }).await
}

pub(super) async fn show(kind: EndpointKind, id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    api.directory.send(DirectoryRequest::Get { kind, endpoint: number(id)? }).await
}

pub(super) async fn change(
    kind: EndpointKind,
    id: &str,
    request: &Request,
    api: &ApiContext<'_>,
) -> Result<Response, ApiError> {
    let endpoint = number(id)?;
    let change = endpoint_input(request).await?;
    api.change(DirectoryRequest::Change { kind, endpoint, change }).await
}

pub(super) async fn delete(kind: EndpointKind, id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    api.change(DirectoryRequest::Delete { kind, endpoint: number(id)? }).await
}

/// Gives an endpoint a new secret.
pub(super) async fn rotate(
    kind: EndpointKind,
    id: &str,
    request: &Request,
    api: &ApiContext<'_>,
) -> Result<Response, ApiError> {
    let rotate = DirectoryRequest::Rotate { kind, endpoint: number(id)?, input: text(request).await? };
    api.change(rotate).await
}

/// Ends the overlap of a rotation.
pub(super) async fn retire(kind: EndpointKind, id: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let retire = DirectoryRequest::Retire { kind, endpoint: number(id)? };
    api.change(retire).await
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
    endpoint_no(id).ok_or_else(|| ApiError::with_message(Code::NotFound, "there is no endpoint of this id"))
}
