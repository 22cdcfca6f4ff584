use js_sys::Array;
use vtryon_webhooks::Error;
use wasm_bindgen::JsValue;

/// Tells a refusal as an array: the code, the message, the hint, and the field and the offset where they are known.
pub(crate) fn of(error: &Error) -> JsValue {
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
