//! Faults that tests cause on purpose. Only the feature `faults` compiles them in.

use worker::Request;

/// The request header that asks for a fault.
#[cfg(feature = "faults")]
const HEADER: &str = "x-fault";

/// Panics in the Worker when asked to.
#[cfg(feature = "faults")]
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn before_request(request: &Request) {
    if request.headers().get(HEADER).ok().flatten().as_deref() == Some("panic") {
        panic!("a fault on purpose in the Worker");
    }
}

/// Panics in a shard, with an event written but not committed.
#[cfg(feature = "faults")]
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn before_commit(task_id: &str) {
    if task_id == "fault:panic" {
        panic!("a fault on purpose in a shard");
    }
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_request(_: &Request) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_commit(_: &str) {}
