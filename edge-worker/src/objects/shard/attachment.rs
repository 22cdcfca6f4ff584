//! The attachment of a socket: the subscriber as a text, which outlives the object's memory.

use vtryon_gateway_engine::shard::Subscriber;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{WebSocket, wasm_bindgen};

use super::fault;

#[wasm_bindgen]
extern "C" {
    /// A socket of which the attachment is a text: the crate `worker` would take it apart for any type.
    type Attached;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    fn serialize_attachment(this: &Attached, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    fn deserialize_attachment(this: &Attached) -> Result<JsValue, JsValue>;
}

fn attached(socket: &WebSocket) -> &Attached {
    socket.as_ref().unchecked_ref()
}

/// Reads the subscriber of a socket.
pub(super) fn read(socket: &WebSocket) -> worker::Result<Subscriber> {
    let text = attached(socket).deserialize_attachment()?.as_string();
    Subscriber::parse(&text.unwrap_or_default()).map_err(fault)
}

/// Stores the subscriber of a socket.
pub(super) fn write(socket: &WebSocket, subscriber: &Subscriber) -> worker::Result<()> {
    Ok(attached(socket).serialize_attachment(&subscriber.attachment())?)
}
