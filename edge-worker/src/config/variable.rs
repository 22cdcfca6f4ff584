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

/// Reads a list between commas; nothing where an entry is none of its kind.
pub(super) fn list(env: &Env, variable: &str, is_entry: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let Some(value) = value(env, variable) else { return Some(Vec::new()) };
    let text = value.as_string().unwrap_or_default();
    let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
    entries.iter().all(|entry| is_entry(entry)).then_some(entries)
}

/// Reads a number; its default where it is not set.
pub(super) fn number<T>(
    env: &Env,
    variable: Number,
    read: impl FnOnce(u32) -> Option<T>,
) -> Result<T, Fault> {
    let Number { name, default, min, max } = variable;
    let value = match text(env, name) {
        None => i64::from(default),
        Some(text) => text.parse().map_err(|_| wrong(name, "is not a whole number")())?,
    };
    let value = u32::try_from(value).ok().filter(|value| (min..=max).contains(value));
    value.and_then(read).ok_or_else(wrong(name, format!("is not from {min} to {max}")))
}

/// Reads a variable that can only be a text; it is empty where it is not set.
pub(super) fn word(env: &Env, variable: &'static str) -> Result<String, Fault> {
    match value(env, variable) {
        None => Ok(String::new()),
        Some(value) => value.as_string().ok_or_else(wrong(variable, "is not a text")),
    }
}

/// Reads a variable: a text, or a number or a truth value as `wrangler.toml` may hold one.
pub(super) fn text(env: &Env, variable: &str) -> Option<String> {
    let value = value(env, variable)?;
    let number = value.as_f64().map(whole);
    value.as_string().or(number).or_else(|| value.as_bool().map(|value| value.to_string()))
}

pub(super) fn value(env: &Env, variable: &str) -> Option<JsValue> {
    faults::note_variable(variable);
    Reflect::get(env, &JsValue::from_str(variable)).ok().filter(|value| !value.is_undefined())
}

/// Writes a whole number down; any other is a text that no number is read from.
fn whole(number: f64) -> String {
    let truncated = number as i64;
    if truncated as f64 == number { truncated.to_string() } else { "not whole".to_owned() }
}
