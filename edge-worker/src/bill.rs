//! What the platform bills, counted for tests and for `make cost`. Only the feature `faults` compiles it in.

use worker::web_sys::Request;

use crate::sql::Cursor;

/// What is billed by its number. An alarm that is set is a row written, one that runs is an object's request.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "faults", derive(PartialEq, Eq, PartialOrd, Ord, serde::Serialize))]
#[cfg_attr(feature = "faults", serde(rename_all = "snake_case"))]
pub(crate) enum Item {
    Request,
    ShardRequest,
    DirectoryRequest,
    SocketMessage,
    AlarmSet,
    AlarmRun,
    KvRead,
    KvWrite,
    #[cfg(feature = "faults")]
    RowsRead,
    #[cfg(feature = "faults")]
    RowsWritten,
}

#[cfg(feature = "faults")]
thread_local! {
    /// Since the isolate has started. The Worker and all objects of a local runtime are in one.
    static COUNTS: std::cell::RefCell<std::collections::BTreeMap<Item, usize>> = std::cell::RefCell::default();
}

/// Counts one.
#[cfg(feature = "faults")]
pub(crate) fn count(item: Item) {
    add(item, 1);
}

/// Counts the rows that a statement has read and written.
#[cfg(feature = "faults")]
pub(crate) fn count_rows(cursor: &Cursor) {
    add(Item::RowsRead, cursor.rows_read());
    add(Item::RowsWritten, cursor.rows_written());
}

/// Returns all counts as JSON where a request asks for them, which itself is not counted.
#[cfg(feature = "faults")]
pub(crate) fn asked_by(request: &Request) -> Option<String> {
    crate::faults::is_asked(request, "bill")
        .then(|| COUNTS.with_borrow(serde_json::to_string).unwrap_or_default())
}

#[cfg(feature = "faults")]
fn add(item: Item, number: usize) {
    COUNTS.with_borrow_mut(|counts| *counts.entry(item).or_default() += number);
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn count(_: Item) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn count_rows(_: &Cursor) {}

#[cfg(not(feature = "faults"))]
pub(crate) const fn asked_by(_: &Request) -> Option<String> {
    None
}
