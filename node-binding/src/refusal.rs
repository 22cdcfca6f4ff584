use js_sys::Array;
use vtryon_webhooks::Error;
use wasm_bindgen::JsValue;

/// Tells a refusal as an array: the code, the message, and the field and the offset where they are known.
pub(crate) fn of(error: &Error) -> JsValue {
    let known = |value: Option<JsValue>| value.unwrap_or(JsValue::UNDEFINED);
    Array::of4(
        &error.code().as_str().into(),
        &error.to_string().into(),
        &known(error.field().map(JsValue::from)),
        &known(error.offset().map(|offset| JsValue::from(offset as f64))),
    )
    .into()
}
