//! SQL as the objects use it: typed parameters, rows as structs, and all or nothing.

use std::panic::AssertUnwindSafe;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlCursor, SqlStorage, SqlStorageValue, Storage, wasm_bindgen};

use crate::bill;

/// A parameter of a statement. There is no boolean: the platform would bind one as a text.
pub(crate) enum Bind<'a> {
    Int(i64),
    Text(&'a str),
    Maybe(Option<&'a str>),
    MaybeInt(Option<i64>),
    Blob(&'a [u8]),
}

impl From<&Bind<'_>> for JsValue {
    fn from(bind: &Bind<'_>) -> Self {
        match *bind {
            // All our integers are below 2^53: times in milliseconds, counts, sizes.
            Bind::Int(value) | Bind::MaybeInt(Some(value)) => Self::from_f64(value as f64),
            Bind::Text(text) | Bind::Maybe(Some(text)) => Self::from_str(text),
            Bind::Maybe(None) | Bind::MaybeInt(None) => Self::NULL,
            Bind::Blob(bytes) => js_sys::Uint8Array::from(bytes).into(),
        }
    }
}

/// Bounds a listing in descending order; nothing is a bound above all.
pub(crate) const fn before(bound: Option<i64>) -> Bind<'static> {
    // 2^53 - 1: the largest integer that the platform passes on exactly.
    Bind::Int(match bound {
        Some(bound) => bound,
        None => 9_007_199_254_740_991,
    })
}

/// Runs a statement.
pub(crate) fn run(sql: &SqlStorage, statement: &str, binds: &[Bind<'_>]) -> worker::Result<()> {
    bill::count_rows(&exec(sql, statement, binds)?);
    Ok(())
}

fn exec(sql: &SqlStorage, statement: &str, binds: &[Bind<'_>]) -> worker::Result<SqlCursor> {
    sql.exec_raw(statement, binds.iter().map(JsValue::from).collect::<Vec<_>>())
}

/// Returns all rows of a query, each as `read` makes it from its columns.
pub(crate) fn all<T>(
    sql: &SqlStorage,
    query: &str,
    binds: &[Bind<'_>],
    read: impl Fn(&mut Row) -> worker::Result<T>,
) -> worker::Result<Vec<T>> {
    rows(sql, query, binds)?.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Fetches the rows. Apart from [`all`], which is compiled anew for everything that is read.
fn rows(sql: &SqlStorage, query: &str, binds: &[Bind<'_>]) -> worker::Result<Vec<Row>> {
    let cursor = exec(sql, query, binds)?;
    let rows = cursor.raw().map(|columns| Ok(Row(columns?.into_iter()))).collect();
    bill::count_rows(&cursor);
    rows
}

/// Returns the first row of a query, where there is one.
pub(crate) fn first<T>(
    sql: &SqlStorage,
    query: &str,
    binds: &[Bind<'_>],
    read: impl Fn(&mut Row) -> worker::Result<T>,
) -> worker::Result<Option<T>> {
    Ok(all(sql, query, binds, read)?.into_iter().next())
}

/// The columns of a row, taken from left to right.
pub(crate) struct Row(std::vec::IntoIter<SqlStorageValue>);

impl Row {
    pub(crate) fn int(&mut self) -> worker::Result<i64> {
        self.maybe_int()?.ok_or_else(unexpected)
    }

    pub(crate) fn maybe_int(&mut self) -> worker::Result<Option<i64>> {
        match self.0.next() {
            Some(SqlStorageValue::Integer(value)) => Ok(Some(value)),
            Some(SqlStorageValue::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn blob(&mut self) -> worker::Result<Vec<u8>> {
        match self.0.next() {
            Some(SqlStorageValue::Blob(bytes)) => Ok(bytes),
            _ => Err(unexpected()),
        }
    }

    pub(crate) fn text(&mut self) -> worker::Result<String> {
        self.maybe_text()?.ok_or_else(unexpected)
    }

    pub(crate) fn maybe_text(&mut self) -> worker::Result<Option<String>> {
        match self.0.next() {
            Some(SqlStorageValue::String(text)) => Ok(Some(text)),
            Some(SqlStorageValue::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> worker::Error {
    worker::Error::from("a column has another type than it is stored with")
}

#[wasm_bindgen]
extern "C" {
    /// The part of `ctx.storage` that the crate `worker` does not bind.
    type SyncStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SyncStorage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;
}

/// Runs `work` in one transaction: an `Err` or a panic in it leaves no trace in storage.
///
/// Without it, statements before the fault would stay: the platform commits at the end of a turn.
pub(crate) fn transaction<T>(
    storage: &Storage,
    mut work: impl FnMut() -> worker::Result<T>,
) -> worker::Result<T> {
    let mut result = None;
    // Unwind safe: after a panic neither is looked at again.
    let mut parts = AssertUnwindSafe((&mut result, &mut work));
    storage.as_raw().unchecked_ref::<SyncStorage>().transaction_sync(&mut move || {
        let (result, work) = &mut *parts;
        **result = Some(work().map_err(JsValue::from)?);
        Ok(JsValue::UNDEFINED)
    })?;
    result.ok_or_else(|| worker::Error::from("a transaction did not run"))
}
