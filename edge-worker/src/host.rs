//! The runtime as the way of a webhook needs it: one step into JavaScript for what the bindings of the crate
//! `worker` and of `web-sys` take many for.

use js_sys::{Array, JsString, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen;
use worker::web_sys::{Request, Response, WebSocket};

use crate::wait::Settle;

#[wasm_bindgen(module = "/src/host.js")]
extern "C" {
    /// The head of a request, as [`Head::of`] reads it.
    #[wasm_bindgen(js_name = headOf)]
    fn head_of(request: &Request) -> String;

    /// An answer in JSON. A status that is none throws.
    #[wasm_bindgen(catch)]
    pub(crate) fn answer(status: u16, text: &str) -> Result<Response, JsValue>;

    /// Sets the headers that every answer has, whatever it is; `is_secure` where it goes over TLS.
    #[wasm_bindgen(catch)]
    pub(crate) fn secured(response: Response, is_secure: bool) -> Result<Response, JsValue>;

    /// Keeps what a request has begun going when the request is over, or its client has left.
    #[wasm_bindgen(js_name = waitUntil)]
    pub(crate) fn wait_until(promise: &Promise);

    /// A reader of a request's body; undefined where it has none.
    #[wasm_bindgen(catch, js_name = openBody)]
    pub(crate) fn open_body(request: &Request) -> Result<JsValue, JsValue>;

    /// Reads at least `least` bytes of a body, fewer at its end, and at most `most`; and tells `settle` of it. The memory
    /// of what arrived `last` is used again.
    #[wasm_bindgen(catch, js_name = readBody)]
    pub(crate) fn read_body(
        reader: &JsValue,
        last: &JsValue,
        least: usize,
        most: usize,
        no: u32,
        settle: &Settle,
    ) -> Result<(), JsValue>;

    /// The bytes that were read; none at the end.
    #[wasm_bindgen(js_name = arrivedBytes)]
    pub(crate) fn arrived_bytes(arrived: &JsValue) -> Vec<u8>;

    /// The bytes of an `ArrayBuffer`.
    #[wasm_bindgen(js_name = bytesOf)]
    pub(crate) fn bytes_of(buffer: &JsValue) -> Vec<u8>;

    /// Calls an object by its name, and tells `settle` what it says.
    #[wasm_bindgen(catch)]
    pub(crate) fn call(
        objects: &JsValue,
        name: &str,
        frame: &[u8],
        no: u32,
        settle: &Settle,
    ) -> Result<(), JsValue>;

    /// Closes the socket of a client, which may send so many KiB afterwards; then its connection is cut.
    #[wasm_bindgen(catch, js_name = hangUp)]
    pub(crate) fn hang_up(
        socket: &WebSocket,
        code: u16,
        reason: &str,
        afterwards: u32,
    ) -> Result<(), JsValue>;

    /// What a statement has found, and what it has cost.
    pub(crate) type Cursor;

    #[cfg(feature = "faults")]
    #[wasm_bindgen(method, getter, js_name = rowsRead)]
    pub(crate) fn rows_read(this: &Cursor) -> usize;

    #[cfg(feature = "faults")]
    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    pub(crate) fn rows_written(this: &Cursor) -> usize;

    /// Runs a statement.
    #[wasm_bindgen(catch)]
    pub(crate) fn exec(sql: &JsValue, statement: &JsString, binds: Vec<JsValue>) -> Result<Cursor, JsValue>;

    /// The rows that it has found, each an array of its columns.
    #[wasm_bindgen(js_name = rowsOf)]
    pub(crate) fn rows_of(cursor: &Cursor) -> Array;

    /// Tells `settle` after so many milliseconds.
    pub(crate) fn after(millis: u32, no: u32, settle: &Settle) -> JsValue;

    /// Does so no more.
    pub(crate) fn cancel(timer: &JsValue);
}

/// What is read of every request. A header that is absent is as one that is empty.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) signature: String,
    pub(crate) content_length: String,
    pub(crate) content_type: String,
}

impl Head {
    /// The declared length of the body.
    pub(crate) fn declared(&self) -> Option<&str> {
        Some(&*self.content_length).filter(|length| !length.is_empty())
    }

    pub(crate) fn of(request: &Request) -> Self {
        let text = head_of(request);
        // No line feed is in a method (RFC 9110, 9.1), a URL or a header.
        let mut lines = text.split('\n').map(str::to_owned);
        let mut next = || lines.next().unwrap_or_default();
        Self { method: next(), url: next(), signature: next(), content_length: next(), content_type: next() }
    }
}
