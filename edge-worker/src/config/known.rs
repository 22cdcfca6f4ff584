//! The configurations that an isolate has read, each with its environment.
//!
//! A deployment that changes variables alone may reuse an isolate, with another environment:
//! <https://developers.cloudflare.com/workers/runtime-apis/bindings/#making-changes-to-bindings>. Objects and requests from
//! before it keep theirs.

use std::cell::RefCell;
use std::rc::Rc;

use vtryon_webhooks::Code;
use wasm_bindgen::JsValue;
use worker::{Env, console_error};

use super::Config;
use super::variable::Fault;
use crate::http::response::ApiError;

/// How many configurations are remembered: the present one, and those of objects and requests from before it.
const MAX_KNOWN: usize = 4;

thread_local! {
    static KNOWN: RefCell<Vec<KnownConfig>> = const { RefCell::new(Vec::new()) };
}

/// A configuration that was read; none where it is faulty.
struct KnownConfig {
    env: Env,
    config: Option<Rc<Config>>,
}

impl Config {
    /// Returns the configuration of an environment. A faulty one stops every request.
    pub(crate) fn current(env: &Env) -> Result<Rc<Self>, ApiError> {
        find(env).ok_or_else(|| ApiError::new(Code::Unavailable))
    }
}

/// Finds the configuration of an environment, or reads it. Where it is faulty, the log names the variable when it is read,
/// and not with each request: anybody may send them.
///
/// An environment is known by its object: workerd gives the same one to all requests and objects of a deployment. Another one
/// with the same variables has bindings of its own.
fn find(env: &Env) -> Option<Rc<Config>> {
    KNOWN.with_borrow_mut(|all| {
        let object: &JsValue = env.as_ref();
        if let Some(known) = all.iter().rev().find(|known| AsRef::<JsValue>::as_ref(&known.env) == object) {
            return known.config.clone();
        }
        let log = |fault: &Fault| console_error!("configuration: {} {}", fault.variable, fault.what);
        let config = Config::read(env).inspect_err(log).ok().map(Rc::new);
        if all.len() >= MAX_KNOWN {
            all.remove(0);
        }
        all.push(KnownConfig { env: env.clone(), config: config.clone() });
        config
    })
}
