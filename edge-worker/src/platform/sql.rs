//! SQL as the objects use it: typed parameters, rows as structs, and all or nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use js_sys::{Array, ArrayBuffer, JsString};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, Storage, wasm_bindgen};

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
fn count_rows(cursor: &Cursor) {
    metering::count_rows(cursor.rows_read(), cursor.rows_written());
}

#[cfg(not(feature = "faults"))]
const fn count_rows(_: &Cursor) {}

/// Runs a statement.
pub(crate) fn run(sql: &SqlStorage, statement: &'static str, binds: &[Bind<'_>]) -> worker::Result<()> {
    let cursor = exec(sql, statement, binds)?;
    count_rows(&cursor);
    Ok(())
}

thread_local! {
    /// The statements as JavaScript has them, by where they are. The runtime keeps what it has prepared by the string:
    /// one that is made anew for each call is compared with all of it.
    static STATEMENTS: RefCell<BTreeMap<(usize, usize), JsString>> = const { RefCell::new(BTreeMap::new()) };
}

fn exec(sql: &SqlStorage, statement: &'static str, binds: &[Bind<'_>]) -> worker::Result<Cursor> {
    faults::before_statement(sql, statement)?;
    let place = (statement.as_ptr().addr(), statement.len());
    let known = STATEMENTS.with_borrow(|known| known.get(&place).cloned());
    let text = known.unwrap_or_else(|| {
        let text = JsString::from(statement);
        STATEMENTS.with_borrow_mut(|known| known.insert(place, text.clone()));
        text
    });
    let binds = binds.iter().map(JsValue::from).collect();
    Ok(sql.as_ref().unchecked_ref::<Statements>().exec(&text, binds)?)
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
    let rows = cursor.raw().to_array();
    count_rows(&cursor);
    for columns in rows.iter() {
        let mut row = Row { columns: columns.unchecked_into(), next: 0, is_unexpected: false };
        take(&mut row);
        if row.is_unexpected {
            return Err("a column has another type than it is stored with".into());
        }
    }
    Ok(())
}

/// The columns of a row, taken from left to right. Where one is not what it is read as, the query fails once the
/// row has been read; until then something empty stands for it.
pub(crate) struct Row {
    columns: Array,
    next: u32,
    is_unexpected: bool,
}

impl Row {
    pub(crate) fn int(&mut self) -> i64 {
        let value = self.maybe_int();
        self.checked(value)
    }

    pub(crate) fn maybe_int(&mut self) -> Option<i64> {
        let value = self.take();
        match value.as_f64() {
            // The platform passes on no integer from 2^53 on.
            Some(number) => Some(number as i64),
            None => self.null(&value),
        }
    }

    pub(crate) fn blob(&mut self) -> Vec<u8> {
        let value = self.take();
        let bytes = value.is_instance_of::<ArrayBuffer>().then(|| js_sys::Uint8Array::new(&value).to_vec());
        self.checked(bytes)
    }

    pub(crate) fn text(&mut self) -> String {
        let text = self.maybe_text();
        self.checked(text)
    }

    pub(crate) fn maybe_text(&mut self) -> Option<String> {
        let value = self.take();
        match value.as_string() {
            Some(text) => Some(text),
            None => self.null(&value),
        }
    }

    /// Passes on what was made of a column, where anything could be.
    pub(crate) fn checked<T: Default>(&mut self, value: Option<T>) -> T {
        self.is_unexpected |= value.is_none();
        value.unwrap_or_default()
    }

    /// Takes the next column; after the last one it is undefined.
    fn take(&mut self) -> JsValue {
        let value = self.columns.get(self.next);
        self.next += 1;
        value
    }

    fn null<T>(&mut self, value: &JsValue) -> Option<T> {
        self.is_unexpected |= !value.is_null();
        None
    }
}

#[wasm_bindgen]
extern "C" {
    /// `SqlStorage`, which takes statements that are strings of JavaScript already.
    type Statements;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Statements, statement: &JsString, binds: Vec<JsValue>) -> Result<Cursor, JsValue>;

    /// What a statement has found, and what it has cost.
    pub(crate) type Cursor;

    #[cfg(feature = "faults")]
    #[wasm_bindgen(method, getter, js_name = rowsRead)]
    pub(crate) fn rows_read(this: &Cursor) -> usize;

    #[cfg(feature = "faults")]
    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    pub(crate) fn rows_written(this: &Cursor) -> usize;

    /// The rows, each an array of its columns.
    #[wasm_bindgen(method)]
    fn raw(this: &Cursor) -> Rows;

    type Rows;

    #[wasm_bindgen(method, js_name = toArray)]
    fn to_array(this: &Rows) -> Array;

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
