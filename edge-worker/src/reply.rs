//! The gateway's answers: JSON, and one form for every refusal.

use std::borrow::Cow;

use vtryon_webhooks::{Code, Error};
use wasm_bindgen::JsCast;
use worker::web_sys::{self, ResponseInit};
use worker::{Response, WebSocket, console_error};

use crate::json::{self, Write, object};

/// Tells a sender who was not served when to come again, in seconds (RFC 9110, 10.2.3).
const RETRY_AFTER: (&str, Cow<'_, str>) = ("retry-after", Cow::Borrowed("10"));

/// Why a request is refused, as its sender is told.
pub(crate) struct Refusal {
    code: Code,
    message: Cow<'static, str>,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    is_of_body: bool,
}

impl Refusal {
    pub(crate) const fn new(code: Code) -> Self {
        let code = code.public();
        Self { code, message: Cow::Borrowed(code.summary()), headers: Vec::new(), is_of_body: false }
    }

    /// Says what is wrong in the words of the place that knows.
    pub(crate) const fn because(code: Code, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), headers: Vec::new(), is_of_body: false }
    }

    /// Says it in words that were put together for the case.
    pub(crate) const fn telling(code: Code, message: String) -> Self {
        Self { code, message: Cow::Owned(message), headers: Vec::new(), is_of_body: false }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// Marks a refusal of a body that was not read to its end.
    pub(crate) fn of_body(self) -> Self {
        Self { is_of_body: true, ..self }
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
        let told = Told { error: self.code.as_str(), message: &self.message };
        let response = answer(self.code.http_status(), &json::to_string(&told))?;
        let headers = response.headers();
        if self.code == Code::Unavailable {
            let (name, value) = RETRY_AFTER;
            headers.set(name, &value)?;
        }
        for (name, value) in self.headers {
            headers.set(name, &value)?;
        }
        Ok(response)
    }
}

/// The body of every refusal.
struct Told<'a> {
    error: &'static str,
    message: &'a str,
}

object!(write Told<'_> { error, message });

/// A refusal of the core. The sender of a bad signature learns nothing from it, the log has it all.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.code())
    }
}

/// A fault of the platform: the log has it, and the sender comes again.
impl From<worker::Error> for Refusal {
    fn from(error: worker::Error) -> Self {
        console_error!("platform: {error}");
        Self::new(Code::Unavailable)
    }
}

/// Answers with a value as JSON.
pub(crate) fn json(status: u16, value: &dyn Write) -> Result<Response, Refusal> {
    json_text(status, &json::to_string(value))
}

/// Answers with a text that is JSON already.
pub(crate) fn json_text(status: u16, text: &str) -> Result<Response, Refusal> {
    raw(status, text).map(Response::from)
}

/// Answers with such a text, in the form that the runtime takes: no look is taken at the answer.
pub(crate) fn raw(status: u16, text: &str) -> Result<web_sys::Response, Refusal> {
    Ok(answer(status, text)?)
}

fn answer(status: u16, text: &str) -> worker::Result<web_sys::Response> {
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
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

/// Passes on what an object has answered to the API; a refusal keeps what belongs to it.
pub(crate) fn passed_on(status: u16, text: String) -> Result<Response, Refusal> {
    let response = json_text(status, &text)?;
    if status == Code::Unavailable.http_status() {
        let (name, value) = RETRY_AFTER;
        response.headers().set(name, &value)?;
    }
    Ok(response)
}

/// Switches to a WebSocket, by a protocol that the client has offered.
pub(crate) fn switched(client: WebSocket, protocol: Option<&str>) -> Result<Response, Refusal> {
    let mut response = Response::from_websocket(client)?;
    if let Some(protocol) = protocol {
        response.headers_mut().set("sec-websocket-protocol", protocol)?;
    }
    Ok(response)
}
