//! Sends requests to the directory.

use worker::web_sys::RequestInit;
use worker::{Env, Response};

use super::DirectoryRequest;
use super::object::fetch;
use crate::config::DIRECTORY;
use crate::http::response::{self, ApiError};
use vtryon_gateway_engine::json;

/// The only object of its class.
const NAME: &str = "directory";

/// Sends a request to the directory. Returns its answer, ready to be forwarded.
pub(crate) async fn send(env: &Env, request: &DirectoryRequest) -> Result<Response, ApiError> {
    let body = json::to_string(request);
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&js_sys::Uint8Array::from(body.as_bytes()));
    let mut response = fetch(env, DIRECTORY, NAME, "https://object/", &init).await?;
    let status = response.status_code();
    response::forward(status, response.text().await?)
}
