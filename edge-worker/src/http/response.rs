//! The gateway's answers: JSON, and one form for every error.

use std::borrow::Cow;

use serde::Serialize;
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Failure, Refusal};
use vtryon_webhooks::{Code, Error};
use wasm_bindgen::JsCast;
use worker::web_sys::{self, ResponseInit};
use worker::{Response, WebSocket, console_error};

/// When a client may retry after a 503, in seconds (RFC 9110, 10.2.3).
const RETRY_AFTER: &str = "10";

/// An error that is answered to the client.
pub(crate) struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    is_of_body: bool,
}

impl ApiError {
    pub(crate) fn new(code: Code) -> Self {
        let code = code.public();
        Self::with_message(code, code.summary())
    }

    /// Makes an error with a message of its own.
    pub(crate) fn with_message(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), headers: Vec::new(), is_of_body: false }
    }

    /// Makes the error of a request that is wrong, and says how.
    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::with_message(Code::InvalidRequest, message)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// Marks an error of a body that was not read to its end.
    pub(crate) fn of_body(self) -> Self {
        Self { is_of_body: true, ..self }
    }

    /// Returns the value of a header that was added.
    #[cfg(test)]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    pub(crate) const fn is_of_body(&self) -> bool {
        self.is_of_body
    }

    /// Adds a header to its answer.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(self) -> worker::Result<web_sys::Response> {
        let body = ErrorBody { error: self.code.as_str(), message: &self.message };
        let response = answer(self.code.http_status(), &json::to_string(&body))?;
        let headers = response.headers();
        for (name, value) in self.headers {
            headers.set(name, &value)?;
        }
        Ok(response)
    }
}

/// The body of every error.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'static str,
    message: &'a str,
}

/// An error of the core. The client sees its public code only.
impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self::new(error.code())
    }
}

/// A request that the engine refuses.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::with_message(refusal.code, refusal.message)
    }
}

/// The same, where the engine decides whether it goes on without an answer.
impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

/// A fault of an object's database: it is logged, and answered 503.
impl From<vtryon_gateway_engine::Error> for ApiError {
    fn from(error: vtryon_gateway_engine::Error) -> Self {
        console_error!("storage: {error}");
        Self::new(Code::Unavailable)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Fault(error) => error.into(),
        }
    }
}

/// A failure of the platform: it is logged, and answered 503.
impl From<worker::Error> for ApiError {
    fn from(error: worker::Error) -> Self {
        console_error!("platform: {error}");
        Self::new(Code::Unavailable)
    }
}

/// Answers with a value as JSON.
pub(crate) fn json(status: u16, value: &impl Serialize) -> Result<Response, ApiError> {
    json_text(status, &json::to_string(value))
}

/// Answers with a text that is JSON already.
pub(crate) fn json_text(status: u16, text: &str) -> Result<Response, ApiError> {
    raw(status, text).map(Response::from)
}

/// Does the same, without the conversion to `worker`'s type: a webhook need not pay for it.
pub(crate) fn raw(status: u16, text: &str) -> Result<web_sys::Response, ApiError> {
    Ok(answer(status, text)?)
}

fn answer(status: u16, text: &str) -> worker::Result<web_sys::Response> {
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    if status == Code::Unavailable.http_status() {
        headers.set("retry-after", RETRY_AFTER)?;
    }
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(&headers);
    Ok(web_sys::Response::new_with_opt_str_and_init(Some(text), &init)?)
}

/// A year, in seconds, for this host alone.
const HSTS: &str = "max-age=31536000";

/// Sets the headers that every answer has, whatever it is; `is_secure` where it goes over TLS (RFC 6797, 7.2).
pub(crate) fn secured(response: web_sys::Response, is_secure: bool) -> worker::Result<web_sys::Response> {
    let response = match response.status() {
        // The headers of an answer that an object has given, as every socket is, can't be changed: it is made anew.
        101 => web_sys::Response::new_with_opt_str_and_init(None, response.unchecked_ref())?,
        _ => response,
    };
    let headers = response.headers();
    headers.set("x-content-type-options", "nosniff")?;
    if is_secure {
        headers.set("strict-transport-security", HSTS)?;
    }
    Ok(response)
}

/// Switches to a WebSocket, by a protocol that the client has offered.
pub(crate) fn switched(client: WebSocket, protocol: Option<&str>) -> Result<Response, ApiError> {
    let mut response = Response::from_websocket(client)?;
    if let Some(protocol) = protocol {
        response.headers_mut().set("sec-websocket-protocol", protocol)?;
    }
    Ok(response)
}
