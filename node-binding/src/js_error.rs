//! Errors of the core, in the form in which they are thrown to JavaScript.

use js_sys::Array;
use vtryon_webhooks::Error;
use wasm_bindgen::JsValue;

/// Converts an error to an array: code, message, hint, then field and offset, which are undefined where unknown.
pub(crate) fn to_js(error: &Error) -> JsValue {
    let known = |value: Option<JsValue>| value.unwrap_or(JsValue::UNDEFINED);
    Array::of5(
        &error.code().as_str().into(),
        &error.to_string().into(),
        &error.hint().into(),
        &known(error.field().map(JsValue::from)),
        &known(error.offset().map(|offset| JsValue::from(offset as f64))),
    )
    .into()
}
