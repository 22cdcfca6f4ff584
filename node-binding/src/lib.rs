//! The core crate for JavaScript. It translates types and decides nothing: every verdict is the core's.
//!
//! It is called through `callCore` of `lib/core/engine.ts` alone, whose callers pass genuine strings and byte arrays: no
//! code of a user runs during a call.

#![deny(missing_docs)]

mod js_error;
mod report;
mod shared_memory;
mod standard_webhooks;
mod verifier;

use js_sys::{Array, Uint8Array};
use vtryon_webhooks::lifecycle::{self, Stage, TaskState};
use vtryon_webhooks::standard_webhooks::MessageVerifier;
use vtryon_webhooks::{Code, Secret, Signature, Status};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

pub use standard_webhooks::StandardWebhooksVerifier;
pub use verifier::SignatureVerifier;

/// Returns the address of the scratch area: 64 bytes for the signature's hex digits, then 32 bytes for a digest.
#[wasm_bindgen(js_name = scratchPtr)]
pub fn scratch_ptr() -> u32 {
    shared_memory::with(|memory| Ok(memory.scratch_ptr())).unwrap_or_default()
}

/// Returns the address of the report's numbers.
#[wasm_bindgen(js_name = reportPtr)]
pub fn report_ptr() -> u32 {
    shared_memory::with(|memory| Ok(memory.report.ptr())).unwrap_or_default()
}

/// Reserves memory for a payload of `length` bytes and returns its address. A later call for a longer payload
/// may move it.
#[wasm_bindgen]
pub fn reserve(length: usize) -> u32 {
    shared_memory::with(|memory| Ok(memory.reserve(length))).unwrap_or_default()
}

/// Returns the error of the last call that returned false, in the form of `js_error::to_js`.
#[wasm_bindgen(js_name = takeError)]
pub fn take_error() -> Option<JsValue> {
    shared_memory::with(|memory| Ok(memory.take_error())).flatten().as_ref().map(js_error::to_js)
}

/// Checks that bytes can be a secret of Vtryon's scheme or, with `is_of_standard_webhooks`, of that one.
///
/// # Errors
/// The codes that begin with `secret_`, and `invalid_option` for a secret that is not of Standard Webhooks.
#[wasm_bindgen(js_name = checkSecret)]
pub fn check_secret(secret: &Uint8Array, is_of_standard_webhooks: bool) -> Result<(), JsValue> {
    let check = || {
        let secret = Secret::new(secret.to_vec())?;
        if is_of_standard_webhooks { MessageVerifier::new([secret]).map(drop) } else { Ok(()) }
    };
    check().map_err(|error| js_error::to_js(&error))
}

/// Signs a payload as Vtryon does: 64 lower-case hex digits.
///
/// # Errors
/// The codes that begin with `secret_`.
#[wasm_bindgen]
pub fn sign(payload: &Uint8Array, secret: &Uint8Array) -> Result<String, JsValue> {
    let secret = Secret::new(secret.to_vec()).map_err(|error| js_error::to_js(&error))?;
    Ok(Signature::sign(&secret.key(), &payload.to_vec()).to_hex())
}

/// Decides what `status` means for a task that has received the statuses `seen`, in this order. Returns the
/// outcome and the task's status after it, which is null while the task has none.
#[wasm_bindgen(js_name = lifecycleStep)]
pub fn lifecycle_step(seen: Vec<String>, status: String) -> Array {
    let mut known: Option<TaskState> = None;
    for status in seen {
        known = lifecycle::step(known.as_ref(), &Status::from_name(status)).next.or(known);
    }
    let step = lifecycle::step(known.as_ref(), &Status::from_name(status));
    let stage = step.next.or(known).and_then(|known| known.stage()).map(Stage::as_str);
    Array::of2(&step.outcome.as_str().into(), &stage.map_or(JsValue::NULL, JsValue::from))
}

/// Describes an error code: its HTTP status, the code that unauthenticated clients see instead of it, its
/// summary and its hint. Returns nothing for an unknown code.
#[wasm_bindgen]
pub fn describe(code: &str) -> Option<Array> {
    let code = Code::ALL.into_iter().find(|known| known.as_str() == code)?;
    Some(Array::of4(
        &code.http_status().into(),
        &code.public().as_str().into(),
        &code.summary().into(),
        &code.hint().into(),
    ))
}
