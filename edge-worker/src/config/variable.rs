//! Reads one variable of the environment, and says what is wrong with it.

use js_sys::Reflect;
use vtryon_gateway_engine::variables::Number;
use vtryon_webhooks::Error;
use wasm_bindgen::JsValue;
use worker::Env;

use crate::testing::faults;

/// What is wrong with one variable; never its value.
pub(super) struct Fault {
    pub(super) variable: &'static str,
    pub(super) what: String,
}

pub(super) fn missing(variable: &'static str) -> impl FnOnce() -> Fault {
    wrong(variable, "is not set")
}

pub(super) fn wrong(variable: &'static str, what: impl Into<String>) -> impl FnOnce() -> Fault {
    move || Fault { variable, what: what.into() }
}

pub(super) fn fault(variable: &'static str) -> impl FnOnce(Error) -> Fault {
    move |error| Fault { variable, what: format!("is refused: {} ({error})", error.code()) }
}

/// Reads a text. Nothing else is taken for one: a secret that is written as a number would be rounded.
pub(super) fn text(env: &Env, variable: &'static str) -> Result<Option<String>, Fault> {
    let Some(value) = value(env, variable) else { return Ok(None) };
    value.as_string().map(Some).ok_or_else(wrong(variable, "is not a text"))
}

/// Reads a list between commas; `what` says what is wrong where an entry is none of its kind.
pub(super) fn list(
    env: &Env,
    variable: &'static str,
    is_entry: impl Fn(&str) -> bool,
    what: &'static str,
) -> Result<Vec<String>, Fault> {
    let Some(text) = text(env, variable)? else { return Ok(Vec::new()) };
    let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
    if entries.iter().all(|entry| is_entry(entry)) { Ok(entries) } else { Err(wrong(variable, what)()) }
}

/// Reads a number, as such or as a text, as `wrangler.toml` may hold it; its default where it is not set.
pub(super) fn number<T>(
    env: &Env,
    variable: Number,
    read: impl FnOnce(u32) -> Option<T>,
) -> Result<T, Fault> {
    let Number { name, default, min, max } = variable;
    let number = match value(env, name) {
        None => i64::from(default),
        Some(value) => whole(&value).ok_or_else(wrong(name, "is not a whole number"))?,
    };
    let number = u32::try_from(number).ok().filter(|number| (min..=max).contains(number));
    number.and_then(read).ok_or_else(wrong(name, format!("is not from {min} to {max}")))
}

/// Reads a truth value, as such or as a text; false where it is not set.
pub(super) fn flag(env: &Env, variable: &'static str) -> Result<bool, Fault> {
    let Some(value) = value(env, variable) else { return Ok(false) };
    match (value.as_bool(), value.as_string().as_deref()) {
        (Some(flag), _) => Ok(flag),
        (None, Some("1" | "true")) => Ok(true),
        (None, Some("" | "0" | "false")) => Ok(false),
        (None, _) => Err(wrong(variable, "is neither true nor false")()),
    }
}

fn whole(value: &JsValue) -> Option<i64> {
    match value.as_f64() {
        Some(number) => Some(number as i64).filter(|whole| *whole as f64 == number),
        None => value.as_string()?.parse().ok(),
    }
}

fn value(env: &Env, variable: &str) -> Option<JsValue> {
    faults::note_variable(variable);
    Reflect::get(env, &JsValue::from_str(variable)).ok().filter(|value| !value.is_undefined())
}
