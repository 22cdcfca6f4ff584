//! Requests to Durable Objects.

use worker::web_sys::{self, RequestInit};
use worker::{Env, Response};

use crate::http::response::ApiError;

/// Sends an HTTP request to an object.
pub(super) async fn fetch(
    env: &Env,
    binding: &str,
    name: &str,
    url: &str,
    init: &RequestInit,
) -> Result<Response, ApiError> {
    // A stub may be broken by an exception in its object: each call takes a new one.
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let request = web_sys::Request::new_with_str_and_init(url, init).map_err(worker::Error::from)?;
    Ok(stub.fetch_with_request(request.into()).await?)
}
