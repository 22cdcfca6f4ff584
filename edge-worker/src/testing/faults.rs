//! Faults that tests cause on purpose. Only the feature `faults` compiles them in.

mod kv;

use std::time::Duration;

use vtryon_gateway_engine::protocol::Call;
#[cfg(feature = "faults")]
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::Millis;
use worker::web_sys::Request;

pub(crate) use self::kv::{after_kv_write, before_kv, before_kv_delete, before_kv_write};

#[cfg(feature = "faults")]
thread_local! {
    /// How many times faster than this machine's the clock runs, and from when on.
    static CLOCK: std::cell::Cell<(i64, i64)> = const { std::cell::Cell::new((1, 0)) };
    /// How many times longer a request may take, and its body to arrive.
    static DEADLINE_SCALE: std::cell::Cell<u32> = const { std::cell::Cell::new(1) };
    /// What takes the place of a limit that is too high for a test.
    static LIMIT: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
    /// How many bytes an object may store.
    static DATABASE_LIMIT: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
    /// Whether the transaction panics before it is committed.
    static PANICS_AT_COMMIT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    /// The variables that the configuration has read.
    static VARIABLES: std::cell::RefCell<std::collections::BTreeSet<String>> = std::cell::RefCell::default();
    /// Whether broadcasts are held.
    static HELD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    /// The shard that hangs.
    static HUNG: std::cell::Cell<Option<u32>> = const { std::cell::Cell::new(None) };
}

/// Returns whether the header of a request asks for a fault.
#[cfg(feature = "faults")]
pub(crate) fn is_asked(request: &Request, fault: &str) -> bool {
    request.headers().get("x-fault").ok().flatten().as_deref() == Some(fault)
}

/// Reads how fast the clock runs: `CLOCK_SCALE` times, from `CLOCK_FROM` on (milliseconds since 1970); how many times
/// longer requests may take: `DEADLINE_SCALE`; and the limits `LIMIT` and `DATABASE_LIMIT`.
#[cfg(feature = "faults")]
pub(crate) fn configure(env: &worker::Env) {
    let number = |name| env.var(name).ok().and_then(|value| value.to_string().parse().ok());
    CLOCK.set((number("CLOCK_SCALE").unwrap_or(1), number("CLOCK_FROM").unwrap_or(0)));
    DEADLINE_SCALE.set(number("DEADLINE_SCALE").and_then(|scale| u32::try_from(scale).ok()).unwrap_or(1));
    LIMIT.set(number("LIMIT").and_then(|limit| usize::try_from(limit).ok()));
    let limit = env.var("DATABASE_LIMIT").ok().and_then(|value| value.to_string().parse().ok());
    DATABASE_LIMIT.set(limit);
}

/// Returns how long a request or its body may take, where `DEADLINE_SCALE` prolongs that.
#[cfg(feature = "faults")]
pub(crate) fn prolonged(deadline: Duration) -> Duration {
    deadline * DEADLINE_SCALE.get()
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn prolonged(deadline: Duration) -> Duration {
    deadline
}

/// Notes that the configuration reads a variable.
#[cfg(feature = "faults")]
pub(crate) fn note_variable(name: &str) {
    VARIABLES.with_borrow_mut(|variables| variables.insert(name.to_owned()));
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn note_variable(_: &str) {}

/// Returns the variables that the configuration reads, as JSON.
#[cfg(feature = "faults")]
pub(crate) fn variables() -> String {
    VARIABLES.with_borrow(vtryon_gateway_engine::text::json::to_string)
}

/// Returns a limit: the one that `LIMIT` says where it is set, so that a test can reach it.
#[cfg(feature = "faults")]
pub(crate) fn limited(limit: usize) -> usize {
    LIMIT.get().unwrap_or(limit)
}

/// Returns how many bytes an object may store, where `DATABASE_LIMIT` says so. The runtime's own limit can't be set, nor
/// SQLite's (`PRAGMA max_page_count` is not authorized): what happens there, the engine's tests show.
#[cfg(feature = "faults")]
pub(crate) fn database_limit() -> Option<u64> {
    DATABASE_LIMIT.get()
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn database_limit() -> Option<u64> {
    None
}

/// Returns how many bytes the bodies of unverified senders may hold, where `BODY_BUDGET` says so.
#[cfg(feature = "faults")]
pub(crate) fn body_budget(env: &worker::Env) -> Option<usize> {
    env.var("BODY_BUDGET").ok().and_then(|bytes| bytes.to_string().parse().ok())
}

/// Panics in the middle of a body when asked to.
#[cfg(feature = "faults")]
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn while_reading(request: &Request) {
    if is_asked(request, "panic-in-body") {
        panic!("a fault on purpose in the middle of a body");
    }
}

/// Aborts with an event of the task `fault:abort`, and lets the transaction panic with one of `fault:panic`.
#[cfg(feature = "faults")]
pub(crate) fn before_statement(statement: &str, binds: &[Bind<'_>]) {
    if binds.iter().any(|bind| matches!(bind, Bind::Text("fault:panic"))) && statement.starts_with("INSERT") {
        PANICS_AT_COMMIT.set(true);
    }
    if binds.iter().any(|bind| matches!(bind, Bind::Text("fault:abort"))) && statement.starts_with("INSERT") {
        std::process::abort();
    }
}

/// Turns a time of this machine into one of the clock, and back.
#[cfg(feature = "faults")]
pub(crate) fn scaled(at: Millis) -> Millis {
    let (scale, from) = CLOCK.get();
    Millis(from + (at.0 - from) * scale)
}

#[cfg(feature = "faults")]
pub(crate) fn unscaled(at: Millis) -> Millis {
    let (scale, from) = CLOCK.get();
    Millis(from + (at.0 - from) / scale)
}

/// Returns how many times faster than the machine the clock runs.
#[cfg(feature = "faults")]
pub(crate) fn clock_scale() -> i64 {
    CLOCK.get().0
}

/// Panics in the Worker when asked to, or aborts, which ends the instance of WebAssembly as a full memory does.
#[cfg(feature = "faults")]
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn before_request(request: &Request) {
    if is_asked(request, "abort") {
        std::process::abort();
    }
    if is_asked(request, "panic") {
        panic!("a fault on purpose in the Worker");
    }
}

/// Panics in a shard with an event of the task `fault:panic`, which is written but not committed.
#[cfg(feature = "faults")]
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn before_commit() {
    if PANICS_AT_COMMIT.take() {
        panic!("a fault on purpose in a shard");
    }
}

/// Fails to open the value of the header `x-fault-open`.
#[cfg(feature = "faults")]
pub(crate) fn before_opening(context: &str) -> worker::Result<()> {
    if context.ends_with(" x-fault-open") { Err("a fault on purpose in WebCrypto".into()) } else { Ok(()) }
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_opening(_: &str) -> worker::Result<()> {
    Ok(())
}

/// Returns the name under which an object within a jurisdiction is found among those outside: local runtimes have none.
#[cfg(feature = "faults")]
pub(crate) fn within(jurisdiction: &str, name: &str) -> Option<String> {
    Some(format!("{jurisdiction}: {name}"))
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn within(_: &str, _: &str) -> Option<String> {
    None
}

/// Returns whether an event is never broadcast, as where the instance ends first: of the task `fault:unshown`.
#[cfg(feature = "faults")]
pub(crate) fn skips_broadcast(task_id: Option<&str>) -> bool {
    match task_id {
        Some("fault:hold") => HELD.set(true),
        Some("fault:release") => HELD.set(false),
        Some(_) | None => {}
    }
    task_id == Some("fault:unshown")
}

/// Holds broadcasts from an event of the task `fault:hold` on until there is one of `fault:release`.
#[cfg(feature = "faults")]
pub(crate) async fn before_broadcast() {
    while HELD.get() {
        worker::Delay::from(Duration::from_millis(10)).await;
    }
}

/// Lets a shard answer no call after the one that brings an event of the task `fault:hung`.
#[cfg(feature = "faults")]
pub(crate) async fn before_call(call: &Call) {
    while HUNG.get() == Some(call.shard) {
        worker::Delay::from(Duration::from_millis(100)).await;
    }
    if let ShardRequest::StoreEvent(event) = &call.request
        && event.task_id() == Some("fault:hung")
    {
        HUNG.set(Some(call.shard));
    }
}

#[cfg(not(feature = "faults"))]
pub(crate) async fn before_call(_: &Call) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn skips_broadcast(_: Option<&str>) -> bool {
    false
}

#[cfg(not(feature = "faults"))]
pub(crate) async fn before_broadcast() {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_statement(_: &str, _: &[Bind<'_>]) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn configure(_: &worker::Env) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn limited(limit: usize) -> usize {
    limit
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn scaled(at: Millis) -> Millis {
    at
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn unscaled(at: Millis) -> Millis {
    at
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn clock_scale() -> i64 {
    1
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_request(_: &Request) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn while_reading(_: &Request) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_commit() {}
