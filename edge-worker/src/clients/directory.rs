//! Sends requests to the directory.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{AuditedRequest, DirectoryCall, DirectoryRequest};
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::variables::DIRECTORY;
use vtryon_webhooks::Code;
use worker::web_sys::RequestInit;
use worker::{Env, Response};

use super::OBJECT_LIMIT;
use super::object::Objects;
use crate::http::response::{self, ApiError};
use crate::platform::timeout::with_timeout;

/// The only object of its class.
const NAME: &str = "directory";

/// The directory of the deployment.
#[derive(Clone)]
pub(crate) struct DirectoryClient(Objects);

impl DirectoryClient {
    pub(crate) fn new(env: &Env, placement: Placement) -> Self {
        Self(Objects::new(env, DIRECTORY, placement))
    }

    /// Sends a request that changes nothing on behalf of somebody. Returns its answer, ready to be forwarded.
    pub(crate) async fn send(&self, request: DirectoryRequest) -> Result<Response, ApiError> {
        self.call(DirectoryCall { request, audited: None }).await
    }

    /// Sends a request of the API that changes something; the directory records it.
    pub(crate) async fn change(
        &self,
        request: DirectoryRequest,
        audited: &AuditedRequest,
    ) -> Result<Response, ApiError> {
        self.call(DirectoryCall { request, audited: Some(audited.clone()) }).await
    }

    /// Sends a report. Returns whether the directory has confirmed it in time.
    pub(crate) async fn report(&self, report: DirectoryRequest) -> bool {
        let answer = with_timeout(OBJECT_LIMIT, self.send(report)).await;
        matches!(answer, Some(Ok(answer)) if answer.status_code() == 200)
    }

    /// Sends a request whose answer the Worker reads itself.
    pub(crate) async fn read<T: DeserializeOwned>(&self, request: DirectoryRequest) -> Result<T, ApiError> {
        Ok(json::read(&text_of(self.send(request).await?).await?)?)
    }

    async fn call(&self, call: DirectoryCall) -> Result<Response, ApiError> {
        let body = json::to_string(&call);
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&js_sys::Uint8Array::from(body.as_bytes()));
        let mut response = self.0.fetch(NAME, "https://object/", &init).await?;
        let status = response.status_code();
        response::json_text(status, &response.text().await?)
    }
}

/// Returns the text of an answer to something that the directory refuses only where it can't answer: that error is passed
/// on.
pub(crate) async fn text_of(mut answer: Response) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    struct Refused {
        message: String,
    }
    let text = answer.text().await?;
    if answer.status_code() == 200 {
        return Ok(text);
    }
    let Refused { message } = json::read(&text)?;
    Err(ApiError::with_message(Code::Unavailable, message))
}
