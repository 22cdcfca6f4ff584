//! SQL as the objects use it: typed parameters, rows as structs, and all or nothing.

use std::panic::AssertUnwindSafe;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlCursor, SqlStorage, SqlStorageValue, Storage, wasm_bindgen};

use crate::testing::faults;
#[cfg(feature = "faults")]
use crate::testing::metering;

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

/// Counts the rows that a statement has read and written. Only builds for tests count.
#[cfg(feature = "faults")]
fn count_rows(cursor: &SqlCursor) {
    metering::count_rows(cursor.rows_read(), cursor.rows_written());
}

#[cfg(not(feature = "faults"))]
const fn count_rows(_: &SqlCursor) {}

/// Runs a statement.
pub(crate) fn run(sql: &SqlStorage, statement: &'static str, binds: &[Bind<'_>]) -> worker::Result<()> {
    let cursor = exec(sql, statement, binds)?;
    count_rows(&cursor);
    Ok(())
}

fn exec(sql: &SqlStorage, statement: &str, binds: &[Bind<'_>]) -> worker::Result<SqlCursor> {
    faults::before_statement(sql, statement)?;
    sql.exec_raw(statement, binds.iter().map(JsValue::from).collect::<Vec<_>>())
}

/// Returns all rows of a query, each as `read` makes it from its columns.
pub(crate) fn all<T>(
    sql: &SqlStorage,
    query: &'static str,
    binds: &[Bind<'_>],
    read: impl Fn(&mut Row) -> T,
) -> worker::Result<Vec<T>> {
    let mut found = Vec::new();
    each(sql, query, binds, &mut |row| found.push(read(row)))?;
    Ok(found)
}

/// Returns the first row of a query, where there is one.
pub(crate) fn first<T>(
    sql: &SqlStorage,
    query: &'static str,
    binds: &[Bind<'_>],
    read: impl Fn(&mut Row) -> T,
) -> worker::Result<Option<T>> {
    let mut found = None;
    each(sql, query, binds, &mut |row| {
        if found.is_none() {
            found = Some(read(row));
        }
    })?;
    Ok(found)
}

/// Hands over the rows, one by one. Apart from [`all`] and [`first`], which are compiled anew for everything that
/// is read.
fn each(
    sql: &SqlStorage,
    query: &'static str,
    binds: &[Bind<'_>],
    take: &mut dyn FnMut(&mut Row),
) -> worker::Result<()> {
    let cursor = exec(sql, query, binds)?;
    for columns in cursor.raw() {
        let mut row = Row { columns: columns?.into_iter(), is_unexpected: false };
        take(&mut row);
        if row.is_unexpected {
            return Err("a column has another type than it is stored with".into());
        }
    }
    count_rows(&cursor);
    Ok(())
}

/// The columns of a row, taken from left to right. Where one is not what it is read as, the query fails once the
/// row has been read; until then something empty stands for it.
pub(crate) struct Row {
    columns: std::vec::IntoIter<SqlStorageValue>,
    is_unexpected: bool,
}

impl Row {
    pub(crate) fn int(&mut self) -> i64 {
        let value = self.maybe_int();
        self.checked(value)
    }

    pub(crate) fn maybe_int(&mut self) -> Option<i64> {
        match self.columns.next() {
            Some(SqlStorageValue::Integer(number)) => Some(number),
            // The platform passes on no integer from 2^53 on.
            Some(SqlStorageValue::Float(number)) => Some(number as i64),
            other => self.null(&other),
        }
    }

    pub(crate) fn blob(&mut self) -> Vec<u8> {
        let bytes = match self.columns.next() {
            Some(SqlStorageValue::Blob(bytes)) => Some(bytes),
            _ => None,
        };
        self.checked(bytes)
    }

    pub(crate) fn text(&mut self) -> String {
        let text = self.maybe_text();
        self.checked(text)
    }

    pub(crate) fn maybe_text(&mut self) -> Option<String> {
        match self.columns.next() {
            Some(SqlStorageValue::String(text)) => Some(text),
            other => self.null(&other),
        }
    }

    /// Passes on what was made of a column, where anything could be.
    pub(crate) fn checked<T: Default>(&mut self, value: Option<T>) -> T {
        self.is_unexpected |= value.is_none();
        value.unwrap_or_default()
    }

    /// Takes a column that has no value; after the last one there is none.
    fn null<T>(&mut self, value: &Option<SqlStorageValue>) -> Option<T> {
        self.is_unexpected |= !matches!(value, Some(SqlStorageValue::Null));
        None
    }
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
    transact(storage, &mut || {
        result = Some(work()?);
        Ok(())
    })?;
    result.ok_or_else(|| worker::Error::from("a transaction did not run"))
}

fn transact(storage: &Storage, work: &mut dyn FnMut() -> worker::Result<()>) -> worker::Result<()> {
    // Unwind safe: after a panic it is not looked at again.
    let mut work = AssertUnwindSafe(work);
    storage.as_raw().unchecked_ref::<SyncStorage>().transaction_sync(&mut move || {
        let work = &mut *work;
        work().map_err(JsValue::from)?;
        Ok(JsValue::UNDEFINED)
    })?;
    Ok(())
}
