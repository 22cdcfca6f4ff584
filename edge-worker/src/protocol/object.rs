//! Stubs of Durable Objects, which lie where the deployment was placed, and requests to them.

use std::cell::Cell;

use vtryon_gateway_engine::protocol::placement::Placement;
use wasm_bindgen::JsCast;
use worker::web_sys::{self, RequestInit};
use worker::{Env, EnvBinding, ObjectNamespace, Response, Stub};

use crate::http::response::ApiError;
use crate::platform::js::JurisdictionMethods;
use crate::testing::faults;

thread_local! {
    /// An isolate serves one deployment, whose environment never changes.
    static PLACEMENT: Cell<Placement> = Cell::default();
}

/// Finds the stub of an object by the binding of its class and its name.
pub(super) type FindStub = fn(&Env, &str, &str) -> worker::Result<Stub>;

/// Sets where all objects lie, as it was configured.
pub(crate) fn place(placement: Placement) {
    PLACEMENT.set(placement);
}

/// Returns where all objects lie.
pub(super) fn placement() -> Placement {
    PLACEMENT.get()
}

/// Returns a stub of an object within the jurisdiction that is configured. A stub may be broken by an exception in its
/// object: each call takes a new one.
pub(super) fn stub(env: &Env, binding: &str, name: &str) -> worker::Result<Stub> {
    let namespace = env.durable_object(binding)?;
    match placement().jurisdiction() {
        None => by_name(&namespace, name),
        Some(jurisdiction) => match faults::within(jurisdiction, name) {
            Some(name) => by_name(&namespace, &name),
            None => by_name(&restricted(&namespace, jurisdiction)?, name),
        },
    }
}

/// Returns a stub of an object outside of any jurisdiction.
pub(super) fn unrestricted_stub(env: &Env, binding: &str, name: &str) -> worker::Result<Stub> {
    by_name(&env.durable_object(binding)?, name)
}

fn restricted(namespace: &ObjectNamespace, jurisdiction: &str) -> worker::Result<ObjectNamespace> {
    let namespace = namespace.unchecked_ref::<JurisdictionMethods>();
    ObjectNamespace::get(namespace.jurisdiction(jurisdiction)?)
}

fn by_name(namespace: &ObjectNamespace, name: &str) -> worker::Result<Stub> {
    match placement().location_hint() {
        None => namespace.get_by_name(name),
        Some(hint) => namespace.get_by_name_with_location_hint(name, hint),
    }
}

/// Sends an HTTP request to an object.
pub(super) async fn fetch(
    env: &Env,
    binding: &str,
    name: &str,
    url: &str,
    init: &RequestInit,
) -> Result<Response, ApiError> {
    let request = web_sys::Request::new_with_str_and_init(url, init).map_err(worker::Error::from)?;
    Ok(stub(env, binding, name)?.fetch_with_request(request.into()).await?)
}
