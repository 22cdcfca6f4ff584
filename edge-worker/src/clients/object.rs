//! Stubs of Durable Objects, which lie where the deployment was placed, and requests to them.

use vtryon_gateway_engine::protocol::topology::placement::Placement;
use wasm_bindgen::JsCast;
use worker::web_sys::{self, RequestInit};
use worker::{Env, EnvBinding, ObjectNamespace, Response, Stub};

use crate::http::response::ApiError;
use crate::platform::js::JurisdictionMethods;
use crate::testing::faults;

/// The objects of a class, by its binding.
#[derive(Clone)]
pub(super) struct Objects {
    env: Env,
    binding: &'static str,
    placement: Placement,
}

impl Objects {
    pub(super) fn new(env: &Env, binding: &'static str, placement: Placement) -> Self {
        Self { env: env.clone(), binding, placement }
    }

    /// Returns where all objects lie.
    pub(super) const fn placement(&self) -> Placement {
        self.placement
    }

    /// Returns a stub of an object within the jurisdiction that is configured. A stub may be broken by an exception in
    /// its object: each call takes a new one.
    pub(super) fn stub(&self, name: &str) -> worker::Result<Stub> {
        let Some(jurisdiction) = self.placement.jurisdiction() else { return self.unrestricted_stub(name) };
        match faults::within(jurisdiction, name) {
            Some(name) => self.unrestricted_stub(&name),
            None => self.by_name(&restricted(&self.namespace()?, jurisdiction)?, name),
        }
    }

    /// Returns a stub of an object outside of any jurisdiction.
    pub(super) fn unrestricted_stub(&self, name: &str) -> worker::Result<Stub> {
        self.by_name(&self.namespace()?, name)
    }

    /// Sends an HTTP request to an object.
    pub(super) async fn fetch(
        &self,
        name: &str,
        url: &str,
        init: &RequestInit,
    ) -> Result<Response, ApiError> {
        let request = web_sys::Request::new_with_str_and_init(url, init).map_err(worker::Error::from)?;
        Ok(self.stub(name)?.fetch_with_request(request.into()).await?)
    }

    fn namespace(&self) -> worker::Result<ObjectNamespace> {
        self.env.durable_object(self.binding)
    }

    fn by_name(&self, namespace: &ObjectNamespace, name: &str) -> worker::Result<Stub> {
        match self.placement.location_hint() {
            None => namespace.get_by_name(name),
            Some(hint) => namespace.get_by_name_with_location_hint(name, hint),
        }
    }
}

fn restricted(namespace: &ObjectNamespace, jurisdiction: &str) -> worker::Result<ObjectNamespace> {
    let namespace = namespace.unchecked_ref::<JurisdictionMethods>();
    ObjectNamespace::get(namespace.jurisdiction(jurisdiction)?)
}
