//! The core for JavaScript. It translates and decides nothing: every verdict is the core's.
//!
//! What it returns is shaped for `lib/engine.ts`, which is its only caller and hands in genuine
//! strings and byte arrays, so that no code of a stranger runs while a call is under way.

#![deny(missing_docs)]

mod message_receiver;
mod receiver;
mod refusal;
mod report;
mod workspace;

use js_sys::{Array, Uint8Array};
use vtryon_webhooks::lifecycle::{self, Known, Stage};
use vtryon_webhooks::{Code, Secret, Signature, Status};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

pub use message_receiver::MessageReceiver;
pub use receiver::Receiver;

/// Returns the address of the signature's 64 digits and the 32 bytes of a digest behind them.
#[wasm_bindgen]
pub fn desk() -> u32 {
    workspace::with(|workspace| Ok(workspace.desk())).unwrap_or_default()
}

/// Returns the address of the report's numbers.
#[wasm_bindgen]
pub fn report() -> u32 {
    workspace::with(|workspace| Ok(workspace.report.address())).unwrap_or_default()
}

/// Makes room for a payload of `length` bytes; returns its address, until room is made for a longer one.
#[wasm_bindgen]
pub fn room(length: usize) -> u32 {
    workspace::with(|workspace| Ok(workspace.room(length))).unwrap_or_default()
}

/// Returns why the last call has returned false, as a refusal.
#[wasm_bindgen]
pub fn refusal() -> Option<JsValue> {
    workspace::with(|workspace| Ok(workspace.refusal())).flatten().as_ref().map(refusal::of)
}

/// Checks that bytes can be a secret.
///
/// # Errors
/// A refusal, for a secret that can't be one.
#[wasm_bindgen(js_name = checkSecret)]
pub fn check_secret(secret: &Uint8Array) -> Result<(), JsValue> {
    Secret::new(secret.to_vec()).map(drop).map_err(|error| refusal::of(&error))
}

/// Signs a payload as Vtryon does: 64 lower-case hex digits.
///
/// # Errors
/// A refusal, for a secret that can't be one.
#[wasm_bindgen]
pub fn sign(payload: &Uint8Array, secret: &Uint8Array) -> Result<String, JsValue> {
    let secret = Secret::new(secret.to_vec()).map_err(|error| refusal::of(&error))?;
    Ok(Signature::sign(&secret.key(), &payload.to_vec()).to_hex())
}

/// Decides on `status` for a task that has received `seen`, in this order: the outcome, then where the
/// task stands, null when nowhere yet.
#[wasm_bindgen(js_name = lifecycleStep)]
pub fn lifecycle_step(seen: Vec<String>, status: String) -> Array {
    let mut known: Option<Known> = None;
    for status in seen {
        known = lifecycle::step(known.as_ref(), &Status::from_name(status)).next.or(known);
    }
    let step = lifecycle::step(known.as_ref(), &Status::from_name(status));
    let stands = step.next.or(known).and_then(|known| known.stage()).map(Stage::as_str);
    Array::of2(&step.outcome.as_str().into(), &stands.map_or(JsValue::NULL, JsValue::from))
}

/// Returns what is said of a code: its status, what a stranger is told, the summary, the hint; nothing
/// where there is no such code.
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
