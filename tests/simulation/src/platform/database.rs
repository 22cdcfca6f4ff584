//! The database of an object: real SQLite, whose commits are whole or absent, and whose statements can be refused.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::Action;
use vtryon_gateway_engine::Result;
use vtryon_gateway_engine::storage::database::{Bind, Database, Row, Value};
use vtryon_gateway_engine::storage::sqlite::Sqlite;

pub struct SimulatedDatabase {
    sqlite: Sqlite,
    /// After how many further statements one is refused.
    refused_after: Cell<Option<u32>>,
    /// How often each statement was executed, by its address: the text is constant.
    executed: RefCell<HashMap<*const u8, (&'static str, u64)>>,
    /// The deliveries whose rows were written since somebody asked.
    written: Arc<Mutex<BTreeSet<i64>>>,
}

impl SimulatedDatabase {
    pub fn new() -> Self {
        let written = Arc::new(Mutex::new(BTreeSet::new()));
        let (noted, mut connection) = (written.clone(), Connection::open_in_memory().expect("SQLite opens"));
        let note = move |_: Action, _: &str, table: &str, row: i64| {
            if table == "deliveries" {
                noted.lock().unwrap_or_else(PoisonError::into_inner).insert(row);
            }
        };
        connection.update_hook(Some(note)).expect("SQLite says which rows are written");
        let sqlite = Sqlite::over(connection);
        Self { sqlite, refused_after: Cell::new(None), executed: RefCell::default(), written }
    }

    /// Begins what one decision writes. The platform commits it as one, for nothing is awaited meanwhile.
    pub fn begin(&self) {
        self.control("SAVEPOINT decision");
    }

    pub fn commit(&self) {
        self.control("RELEASE decision");
        self.refused_after.set(None);
    }

    pub fn roll_back(&self) {
        self.control("ROLLBACK TO decision; RELEASE decision");
        self.refused_after.set(None);
    }

    /// Refuses one statement, after so many others.
    pub fn refuse_after(&self, statements: u32) {
        self.refused_after.set(Some(statements));
    }

    /// Returns whether the statement that was to be refused has been.
    pub fn has_refused(&self, was_asked: bool) -> bool {
        was_asked && self.refused_after.get().is_none()
    }

    /// Returns how many rows have been written so far.
    pub fn rows_written(&self) -> u64 {
        self.sqlite.connection().total_changes()
    }

    /// Returns the deliveries whose rows were written since the last time, also those of a decision that was rolled back.
    pub fn written_deliveries(&self) -> BTreeSet<i64> {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns all rows of a query of the simulation's own.
    pub fn rows(&self, query: &'static str, binds: &[Bind<'_>]) -> Vec<Vec<Value>> {
        let db: &dyn Database = &self.sqlite;
        db.all(query, binds, Row::rest).expect("a query of the simulation is valid")
    }

    /// Returns the integers that a query of one row finds; null is -1.
    pub fn integers(&self, query: &'static str, binds: &[Bind<'_>]) -> Vec<i64> {
        self.rows(query, binds).into_iter().flatten().map(|value| integer(&value)).collect()
    }

    pub fn integer(&self, query: &'static str, binds: &[Bind<'_>]) -> i64 {
        self.integers(query, binds).first().copied().unwrap_or(-1)
    }

    /// Returns whether a table was made.
    pub fn has_table(&self, name: &str) -> bool {
        self.integer("SELECT COUNT(*) FROM sqlite_schema WHERE name = ?", &[Bind::Text(name)]) > 0
    }

    /// Returns the statements that were executed.
    pub fn statements(&self) -> Vec<(&'static str, u64)> {
        self.executed.borrow().values().copied().collect()
    }

    fn control(&self, statement: &str) {
        self.sqlite.connection().execute_batch(statement).expect("SQLite begins and ends a savepoint");
    }

    fn check_refusal(&self) -> Result<()> {
        match self.refused_after.get() {
            Some(0) => {
                self.refused_after.set(None);
                Err("the storage refuses this statement".into())
            }
            Some(left) => {
                self.refused_after.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Database for SimulatedDatabase {
    fn execute(
        &self,
        statement: &'static str,
        binds: &[Bind<'_>],
        row: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()> {
        self.executed.borrow_mut().entry(statement.as_ptr()).or_insert((statement, 0)).1 += 1;
        self.check_refusal()?;
        self.sqlite.execute(statement, binds, row)
    }

    fn in_transaction(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.control("SAVEPOINT work");
        let done = work();
        self.control(if done.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" });
        done
    }

    fn size_bytes(&self) -> Result<u64> {
        self.sqlite.size_bytes()
    }
}

/// Reads a column as an integer; null is -1.
pub fn integer(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Null | Value::Text(_) | Value::Blob(_) => -1,
    }
}

/// Reads a column as a text; anything else is empty.
pub fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        Value::Null | Value::Int(_) | Value::Blob(_) => "",
    }
}
