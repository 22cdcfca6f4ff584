//! The SQLite storage of a Durable Object as the engine's database.

use std::panic::AssertUnwindSafe;

use vtryon_gateway_engine::storage::database::{Bind, Database, Row, Value};
use vtryon_gateway_engine::{Error, Result};
use vtryon_webhooks::Millis;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorage, SqlStorageValue, Storage, wasm_bindgen};

use crate::platform::clock;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// A Durable Object's storage.
pub(crate) struct ObjectDatabase {
    storage: Storage,
    sql: SqlStorage,
}

impl ObjectDatabase {
    pub(crate) fn new(storage: Storage) -> Self {
        Self { sql: storage.sql(), storage }
    }

    /// Sets the object's alarm. The promise need not be awaited: the platform holds the answer back until the write is
    /// durable.
    pub(crate) fn set_alarm(&self, at: Millis) -> worker::Result<()> {
        metering::count(BilledOperation::AlarmSet);
        drop(self.storage.as_raw().set_alarm(clock::alarm_date(at), js_sys::Object::new())?);
        Ok(())
    }
}

impl Database for ObjectDatabase {
    fn execute(
        &self,
        statement: &'static str,
        binds: &[Bind<'_>],
        take: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()> {
        faults::before_statement(statement, binds);
        let cursor =
            self.sql.exec_raw(statement, binds.iter().map(parameter).collect::<Vec<_>>()).map_err(fault)?;
        for columns in cursor.raw() {
            take(&mut Row::new(columns.map_err(fault)?.into_iter().map(value).collect()))?;
        }
        metering::count_rows(&cursor);
        Ok(())
    }

    /// Without a transaction, statements before a fault would stay: the platform commits at the end of a turn.
    fn in_transaction(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let mut failed = None;
        // Unwind safe: after a panic it is not looked at again.
        let mut attempt = AssertUnwindSafe(|| {
            let done = work();
            faults::before_commit();
            done.map_err(|error| {
                let text = JsValue::from_str(&error.to_string());
                failed = Some(error);
                text
            })
        });
        let committed =
            self.storage.as_raw().unchecked_ref::<SyncStorage>().transaction_sync(&mut move || {
                let attempt = &mut *attempt;
                attempt().map(|()| JsValue::UNDEFINED)
            });
        committed.map(drop).map_err(|error| failed.unwrap_or_else(|| fault(error.into())))
    }

    fn size_bytes(&self) -> Result<u64> {
        Ok(self.sql.database_size() as u64)
    }
}

#[wasm_bindgen]
extern "C" {
    /// The part of `ctx.storage` that the crate `worker` does not bind.
    type SyncStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SyncStorage,
        work: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;
}

fn parameter(bind: &Bind<'_>) -> JsValue {
    match *bind {
        Bind::Int(number) | Bind::MaybeInt(Some(number)) => JsValue::from_f64(number as f64),
        Bind::Text(text) | Bind::Maybe(Some(text)) => JsValue::from_str(text),
        Bind::Maybe(None) | Bind::MaybeInt(None) => JsValue::NULL,
        Bind::Blob(bytes) => js_sys::Uint8Array::from(bytes).into(),
    }
}

fn value(value: SqlStorageValue) -> Value {
    match value {
        SqlStorageValue::Integer(number) => Value::Int(number),
        // The platform passes on no integer from 2^53 on.
        SqlStorageValue::Float(number) => Value::Int(number as i64),
        SqlStorageValue::String(text) => Value::Text(text),
        SqlStorageValue::Blob(bytes) => Value::Blob(bytes),
        SqlStorageValue::Null | SqlStorageValue::Boolean(_) => Value::Null,
    }
}

fn fault(error: worker::Error) -> Error {
    Error::from(error.to_string())
}
