//! What the runtime has and the crates `worker` and `web-sys` do not bind.

use std::panic::AssertUnwindSafe;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::web_sys::{TransformStream, WebSocket};

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    #[wasm_bindgen(js_name = waitUntil)]
    fn wait_until_settled(promise: &Promise);
}

/// Lets work that a request has begun go on when the request is over, or its client has left: for 30 seconds at most. Unlike
/// the method of a request's context, it needs no context. Work that panics ends alone.
pub(crate) fn wait_until(work: impl Future<Output = ()> + 'static) {
    wait_until_settled(&future_to_promise(AssertUnwindSafe(async move {
        work.await;
        Ok(JsValue::UNDEFINED)
    })));
}

#[wasm_bindgen]
extern "C" {
    /// A `ReadableStreamBYOBReader`. Its method `readAtLeast` is the runtime's own: no bytes are lost where several
    /// arrive at once, and fewer turns are taken for a long body.
    pub(crate) type BodyReader;

    #[wasm_bindgen(method, catch, js_name = readAtLeast)]
    pub(crate) fn read_at_least(
        this: &BodyReader,
        least: usize,
        view: Uint8Array,
    ) -> Result<Promise, JsValue>;

    /// The runtime's own stream of bytes. Unlike those of the standard, it lets a write wait until somebody has read it, and
    /// fail if nobody will.
    #[wasm_bindgen(extends = TransformStream)]
    pub(crate) type IdentityTransformStream;

    #[wasm_bindgen(constructor)]
    pub(crate) fn new() -> IdentityTransformStream;

    /// What a namespace of objects has beside the methods that `worker` binds: the namespace of those within a
    /// jurisdiction.
    pub(crate) type JurisdictionMethods;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn jurisdiction(this: &JurisdictionMethods, name: &str) -> Result<JsValue, JsValue>;

    /// The methods of a shard that can be called (RPC). `worker` has no types for them.
    pub(crate) type ShardMethods;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn call(this: &ShardMethods, call: &str, body: &Uint8Array) -> Result<Promise, JsValue>;
}

#[wasm_bindgen(module = "/src/platform/js.js")]
extern "C" {
    /// Closes the socket of a client, which may send so many KiB afterwards; then its connection is cut.
    #[wasm_bindgen(catch, js_name = hangUp)]
    pub(crate) fn hang_up(
        socket: &WebSocket,
        code: u16,
        reason: &str,
        afterwards: u32,
    ) -> Result<(), JsValue>;
}
