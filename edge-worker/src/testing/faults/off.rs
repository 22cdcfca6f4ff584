//! No faults, in the release: each function does nothing, and returns what it was given or what is so without a fault.

use std::time::Duration;

use vtryon_gateway_engine::protocol::Call;
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::{Digest, Millis};
use worker::web_sys::Request;
use worker::{Env, Result};

pub(crate) const fn configure(_: &Env) {}

pub(crate) const fn prolonged(deadline: Duration) -> Duration {
    deadline
}

pub(crate) const fn note_variable(_: &str) {}

pub(crate) const fn limited(limit: usize) -> usize {
    limit
}

pub(crate) const fn database_limit() -> Option<u64> {
    None
}

pub(crate) const fn while_reading(_: &Request) {}

pub(crate) const fn before_statement(_: &str, _: &[Bind<'_>]) {}

pub(crate) const fn scaled(at: Millis) -> Millis {
    at
}

pub(crate) const fn unscaled(at: Millis) -> Millis {
    at
}

pub(crate) const fn clock_scale() -> i64 {
    1
}

pub(crate) const fn before_request(_: &Request) {}

pub(crate) const fn before_commit() {}

pub(crate) const fn before_opening(_: &str) -> Result<()> {
    Ok(())
}

pub(crate) const fn within(_: &str, _: &str) -> Option<String> {
    None
}

pub(crate) const fn skips_broadcast(_: Option<&str>) -> bool {
    false
}

pub(crate) async fn before_broadcast() {}

pub(crate) async fn before_call(_: &Call) {}

pub(crate) const fn before_kv(_: &Digest) -> Result<()> {
    Ok(())
}

pub(crate) async fn before_kv_write(_: &Digest) {}

pub(crate) const fn after_kv_write(_: &Digest, _: Millis) {}

pub(crate) const fn before_kv_delete(_: &Digest, _: Millis) -> Result<()> {
    Ok(())
}
