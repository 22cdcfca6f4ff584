//! Faults that tests cause on purpose, and counts that they read. Only the feature `faults` compiles them in.

use worker::{Request, SqlCursor};

#[cfg(feature = "faults")]
thread_local! {
    static ROWS_WRITTEN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

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

/// Fails the first attempt to publish a result.
#[cfg(feature = "faults")]
pub(crate) fn before_publish(task_id: &str, attempts: i64) -> worker::Result<()> {
    if task_id == "fault:publish" && attempts == 0 {
        return Err(worker::Error::from("a fault on purpose in the outbox"));
    }
    Ok(())
}

/// Counts the rows that a statement has written, as the platform bills them.
#[cfg(feature = "faults")]
pub(crate) fn count_rows(cursor: &SqlCursor) {
    ROWS_WRITTEN.set(ROWS_WRITTEN.get() + cursor.rows_written());
}

/// Tells the log how many rows were written since the last time.
#[cfg(feature = "faults")]
pub(crate) fn report_rows() {
    worker::console_log!("rows written: {}", ROWS_WRITTEN.take());
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_publish(_: &str, _: i64) -> worker::Result<()> {
    Ok(())
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn count_rows(_: &SqlCursor) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn report_rows() {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_request(_: &Request) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn before_commit(_: &str) {}
