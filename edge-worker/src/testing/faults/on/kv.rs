//! Faults of KV, of the results of two tasks.

use std::cell::Cell;

use vtryon_webhooks::{Digest, Millis};

use super::before_broadcast;

thread_local! {
    /// When the result of the task `fault:kv-late` was written.
    static WRITTEN_AT: Cell<Option<Millis>> = const { Cell::new(None) };
}

fn is_late(task: &Digest) -> bool {
    *task == Digest::of(b"fault:kv-late")
}

/// Fails to read and to write the result of the task `fault:kv` in KV.
pub(crate) fn before_kv(task: &Digest) -> worker::Result<()> {
    if *task == Digest::of(b"fault:kv") { Err("a fault on purpose in KV".into()) } else { Ok(()) }
}

/// Holds the writing of the result of the task `fault:kv-late` for as long as broadcasts are held.
pub(crate) async fn before_kv_write(task: &Digest) {
    if is_late(task) {
        before_broadcast().await;
    }
}

/// Notes when the result of the task `fault:kv-late` was written.
pub(crate) fn after_kv_write(task: &Digest, now: Millis) {
    if is_late(task) {
        WRITTEN_AT.set(Some(now));
    }
}

/// Refuses to delete the result of the task `fault:kv-late` within a second after it was written, as KV does where it is
/// deployed.
pub(crate) fn before_kv_delete(task: &Digest, now: Millis) -> worker::Result<()> {
    let refuses = is_late(task) && WRITTEN_AT.get().is_some_and(|at| now < at.plus_millis(1000));
    if refuses { Err("KV DELETE failed: 429 Too Many Requests".into()) } else { Ok(()) }
}
