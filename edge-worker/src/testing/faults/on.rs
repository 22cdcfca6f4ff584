//! The faults, in the build for tests. A test asks for one by a header, a variable or the id of a task.

mod kv;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use vtryon_gateway_engine::protocol::{Call, ShardRequest};
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::Millis;
use worker::web_sys::Request;
use worker::{Delay, Env};

pub(crate) use self::kv::{after_kv_write, before_kv, before_kv_delete, before_kv_write};

thread_local! {
    /// How many times faster than this machine's the clock runs, and from when on.
    static CLOCK: Cell<(i64, i64)> = const { Cell::new((1, 0)) };
    /// How many times longer a request may take, and its body to arrive.
    static DEADLINE_SCALE: Cell<u32> = const { Cell::new(1) };
    /// What takes the place of a limit that is too high for a test.
    static LIMIT: Cell<Option<usize>> = const { Cell::new(None) };
    /// How many bytes an object may store.
    static DATABASE_LIMIT: Cell<Option<u64>> = const { Cell::new(None) };
    /// Whether the transaction panics before it is committed.
    static PANICS_AT_COMMIT: Cell<bool> = const { Cell::new(false) };
    /// The variables that the configuration has read.
    static VARIABLES: RefCell<BTreeSet<String>> = RefCell::default();
    /// Whether broadcasts are held.
    static HELD: Cell<bool> = const { Cell::new(false) };
    /// The shards that hang.
    static HUNG: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
}

/// Returns what a request asks for by its header `x-fault`: a fault, or what `entry/inspection.rs` tells.
pub(crate) fn asked(request: &Request) -> Option<String> {
    request.headers().get("x-fault").ok().flatten()
}

fn is_asked(request: &Request, fault: &str) -> bool {
    asked(request).as_deref() == Some(fault)
}

/// Reads how fast the clock runs: `CLOCK_SCALE` times, from `CLOCK_FROM` on (milliseconds since 1970); how many times
/// longer requests may take: `DEADLINE_SCALE`; and the limits `LIMIT` and `DATABASE_LIMIT`.
pub(crate) fn configure(env: &Env) {
    CLOCK.set((number(env, "CLOCK_SCALE").unwrap_or(1), number(env, "CLOCK_FROM").unwrap_or(0)));
    DEADLINE_SCALE.set(number(env, "DEADLINE_SCALE").unwrap_or(1));
    LIMIT.set(number(env, "LIMIT"));
    DATABASE_LIMIT.set(number(env, "DATABASE_LIMIT"));
}

fn number<T: FromStr>(env: &Env, variable: &str) -> Option<T> {
    env.var(variable).ok()?.to_string().parse().ok()
}

/// Returns how long a request or its body may take, where `DEADLINE_SCALE` prolongs that.
pub(crate) fn prolonged(deadline: Duration) -> Duration {
    deadline * DEADLINE_SCALE.get()
}

/// Notes that the configuration reads a variable.
pub(crate) fn note_variable(name: &str) {
    VARIABLES.with_borrow_mut(|variables| variables.insert(name.to_owned()));
}

/// Returns the variables that the configuration reads, as JSON.
pub(crate) fn variables() -> String {
    VARIABLES.with_borrow(json::to_string)
}

/// Returns a limit: the one that `LIMIT` says where it is set, so that a test can reach it.
pub(crate) fn limited(limit: usize) -> usize {
    LIMIT.get().unwrap_or(limit)
}

/// Returns how many bytes an object may store, where `DATABASE_LIMIT` says so. The runtime's own limit can't be set, nor
/// SQLite's (`PRAGMA max_page_count` is not authorized): what happens there, the engine's tests show.
pub(crate) fn database_limit() -> Option<u64> {
    DATABASE_LIMIT.get()
}

/// Returns how many bytes the bodies of unverified senders may hold, where `BODY_BUDGET` says so.
pub(crate) fn body_budget(env: &Env) -> Option<usize> {
    number(env, "BODY_BUDGET")
}

/// Panics in the middle of a body when asked to.
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn while_reading(request: &Request) {
    if is_asked(request, "panic-in-body") {
        panic!("a fault on purpose in the middle of a body");
    }
}

/// Aborts with an event of the task `fault:abort`, and lets the transaction panic with one of `fault:panic`.
pub(crate) fn before_statement(statement: &str, binds: &[Bind<'_>]) {
    let has = |task| binds.iter().any(|bind| matches!(bind, Bind::Text(text) if *text == task));
    let inserts = |task| statement.starts_with("INSERT") && has(task);
    if inserts("fault:panic") {
        PANICS_AT_COMMIT.set(true);
    }
    if inserts("fault:abort") {
        std::process::abort();
    }
}

/// Turns a time of this machine into one of the clock.
pub(crate) fn scaled(at: Millis) -> Millis {
    let (scale, from) = CLOCK.get();
    Millis(from + (at.0 - from) * scale)
}

/// Turns a time of the clock into one of this machine.
pub(crate) fn unscaled(at: Millis) -> Millis {
    let (scale, from) = CLOCK.get();
    Millis(from + (at.0 - from) / scale)
}

/// Returns how many times faster than the machine the clock runs.
pub(crate) fn clock_scale() -> i64 {
    CLOCK.get().0
}

/// Panics in the Worker when asked to, or aborts, which ends the instance of WebAssembly as a full memory does.
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
#[expect(clippy::panic, reason = "a fault on purpose")]
pub(crate) fn before_commit() {
    if PANICS_AT_COMMIT.take() {
        panic!("a fault on purpose in a shard");
    }
}

/// Fails to open the value of the header `x-fault-open`.
pub(crate) fn before_opening(context: &str) -> worker::Result<()> {
    if context.ends_with(" x-fault-open") { Err("a fault on purpose in WebCrypto".into()) } else { Ok(()) }
}

/// Returns the name under which an object within a jurisdiction is found among those outside: local runtimes have none.
pub(crate) fn within(jurisdiction: &str, name: &str) -> Option<String> {
    Some(format!("{jurisdiction}: {name}"))
}

/// Returns whether an event is never broadcast, as where the instance ends first: of the task `fault:unshown`.
pub(crate) fn skips_broadcast(task_id: Option<&str>) -> bool {
    match task_id {
        Some("fault:hold") => HELD.set(true),
        Some("fault:release") => HELD.set(false),
        Some(_) | None => {}
    }
    task_id == Some("fault:unshown")
}

/// Holds broadcasts from an event of the task `fault:hold` on until there is one of `fault:release`.
pub(crate) async fn before_broadcast() {
    while HELD.get() {
        Delay::from(Duration::from_millis(10)).await;
    }
}

/// Lets a shard answer no call after the one that brings an event of a task whose id begins with `fault:hung`.
pub(crate) async fn before_call(call: &Call) {
    while HUNG.with_borrow(|hung| hung.contains(&call.shard)) {
        Delay::from(Duration::from_millis(100)).await;
    }
    if let ShardRequest::StoreEvent(event) = &call.request
        && event.task_id().is_some_and(|task_id| task_id.starts_with("fault:hung"))
    {
        HUNG.with_borrow_mut(|hung| hung.insert(call.shard));
    }
}
