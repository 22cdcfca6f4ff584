//! What the platform bills, counted for tests and for `make cost`: by the feature `faults`, never in the release.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Serialize;
use worker::SqlCursor;

/// What is billed by its number. An alarm that is set is a row written, one that runs is an object's request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BilledOperation {
    Request,
    ShardRequest,
    DirectoryRequest,
    SocketMessage,
    AlarmSet,
    AlarmRun,
    KvRead,
    KvWrite,
    RowsRead,
    RowsWritten,
}

thread_local! {
    /// Since the isolate has started. The Worker and all objects of a local runtime are in one.
    static COUNTS: RefCell<BTreeMap<BilledOperation, usize>> = RefCell::default();
}

/// Counts one.
pub(crate) fn count(operation: BilledOperation) {
    add(operation, 1);
}

/// Counts the rows that a statement has read and written.
pub(crate) fn count_rows(cursor: &SqlCursor) {
    // Asking costs a call of JavaScript each.
    if cfg!(feature = "faults") {
        add(BilledOperation::RowsRead, cursor.rows_read());
        add(BilledOperation::RowsWritten, cursor.rows_written());
    }
}

fn add(operation: BilledOperation, number: usize) {
    if cfg!(feature = "faults") {
        COUNTS.with_borrow_mut(|counts| *counts.entry(operation).or_default() += number);
    }
}

/// Returns all counts as JSON.
#[cfg(feature = "faults")]
pub(crate) fn counts() -> String {
    COUNTS.with_borrow(vtryon_gateway_engine::text::json::to_string)
}
