//! The configuration: read from the environment once per isolate, refused as a whole when a part is wrong.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::rc::Rc;

use js_sys::Reflect;
use vtryon_webhooks::{BodyLimit, Code, Error, Secret, Shards, Verifier};
use wasm_bindgen::JsValue;
use worker::{Env, console_error};

use crate::admin::Admin;
use crate::reply::Refusal;

/// How many shards a deployment has where none is configured.
const DEFAULT_SHARDS: u32 = 16;

/// How long results stay in KV, in hours: 30 days, never less than two, and no more than ten years, for
/// KV takes no time to live past 2^31 seconds.
const DEFAULT_RETENTION_HOURS: u32 = 720;
const RETENTION_HOURS: RangeInclusive<u32> = 48..=87_600;

/// The bindings that `wrangler.toml` names: the shards, and the KV namespace of the final results.
pub(crate) const TASK_SHARD: &str = "TASK_SHARD";
pub(crate) const RESULTS: &str = "RESULTS";

/// All that the gateway is told by its environment.
pub(crate) struct Config {
    pub(crate) verifier: Verifier,
    pub(crate) admin: Admin,
    pub(crate) shards: Shards,
    pub(crate) retention_hours: u32,
}

thread_local! {
    /// An isolate serves one deployment, whose environment never changes.
    static CURRENT: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

impl Config {
    /// Returns the configuration; a faulty one stops every request, and the log names the variable.
    pub(crate) fn current(env: &Env) -> Result<Rc<Self>, Refusal> {
        if let Some(config) = CURRENT.with_borrow(Clone::clone) {
            return Ok(config);
        }
        match Self::read(env) {
            Ok(config) => {
                let config = Rc::new(config);
                CURRENT.set(Some(Rc::clone(&config)));
                Ok(config)
            }
            Err(fault) => {
                console_error!("configuration: {} {}", fault.variable, fault.what);
                Err(Refusal::new(Code::Unavailable))
            }
        }
    }

    fn read(env: &Env) -> Result<Self, Fault> {
        let mut secrets =
            vec![secret(env, "VTRYON_WEBHOOK_SECRET")?.ok_or_else(missing("VTRYON_WEBHOOK_SECRET"))?];
        secrets.extend(secret(env, "VTRYON_WEBHOOK_SECRET_PREVIOUS")?);
        let token = secret(env, "GATEWAY_ADMIN_TOKEN")?.ok_or_else(missing("GATEWAY_ADMIN_TOKEN"))?;
        master_key(env)?;
        let limit = number(env, "MAX_BODY_BYTES", BodyLimit::DEFAULT.bytes())?;
        let limit = BodyLimit::new(limit).ok_or_else(wrong("MAX_BODY_BYTES", "is not from 1 to 1048576"))?;
        let shards = number(env, "SHARDS", DEFAULT_SHARDS)?;
        let shards = Shards::new(shards).ok_or_else(wrong("SHARDS", "is not from 1 to 1024"))?;
        let retention_hours = number(env, "RETENTION_HOURS", DEFAULT_RETENTION_HOURS)?;
        if !RETENTION_HOURS.contains(&retention_hours) {
            return Err(wrong("RETENTION_HOURS", "is not from 48 to 87600")());
        }
        env.durable_object(TASK_SHARD).map_err(|_| missing(TASK_SHARD)())?;
        env.kv(RESULTS).map_err(|_| missing(RESULTS)())?;
        let verifier = Verifier::new(secrets).map_err(fault("VTRYON_WEBHOOK_SECRET"))?.with_limit(limit);
        Ok(Self { verifier, admin: Admin::new(token), shards, retention_hours })
    }
}

/// What is wrong with one variable; never its value.
struct Fault {
    variable: &'static str,
    what: String,
}

fn missing(variable: &'static str) -> impl FnOnce() -> Fault {
    wrong(variable, "is not set")
}

fn wrong(variable: &'static str, what: &'static str) -> impl FnOnce() -> Fault {
    move || Fault { variable, what: what.to_owned() }
}

fn fault(variable: &'static str) -> impl FnOnce(Error) -> Fault {
    move |error| Fault { variable, what: format!("is refused: {} ({error})", error.code()) }
}

fn secret(env: &Env, variable: &'static str) -> Result<Option<Secret>, Fault> {
    text(env, variable).map(Secret::new).transpose().map_err(fault(variable))
}

/// Holds the master key to its form, before the first thing is sealed under it.
fn master_key(env: &Env) -> Result<(), Fault> {
    const NAME: &str = "GATEWAY_MASTER_KEY";
    let text = text(env, NAME).ok_or_else(missing(NAME))?;
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = text.strip_suffix('=').unwrap_or(&text);
    let is_base64 = digits.len() == 43
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte));
    if is_hex || is_base64 {
        return Ok(());
    }
    Err(wrong(NAME, "is not 32 bytes in hex or base64")())
}

fn number<T: std::str::FromStr>(env: &Env, variable: &'static str, default: T) -> Result<T, Fault> {
    match text(env, variable) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| wrong(variable, "is not a whole number")()),
    }
}

/// Reads a variable: a text, or a number as `wrangler.toml` may hold one.
fn text(env: &Env, variable: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from_str(variable)).ok()?;
    value.as_string().or_else(|| value.as_f64().map(whole))
}

/// Writes a whole number down; any other is a text that no number is read from.
fn whole(number: f64) -> String {
    let truncated = number as i64;
    if truncated as f64 == number { truncated.to_string() } else { "not whole".to_owned() }
}
