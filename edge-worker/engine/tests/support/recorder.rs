//! A database that records what is done with it: to be done again with another one, and compared.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use serde::Serialize;
use vtryon_gateway_engine::Result;
use vtryon_gateway_engine::storage::database::{Bind, Database, Row, Value};
use vtryon_gateway_engine::storage::sqlite::Sqlite;

pub struct Recorder {
    pub sqlite: Sqlite,
    steps: RefCell<Vec<Step>>,
}

/// A step of what was done.
#[derive(Serialize)]
#[serde(untagged)]
enum Step {
    Statement { sql: &'static str, parameters: Vec<Column>, rows: Vec<Vec<Column>> },
    Transaction { steps: Vec<Self>, is_committed: bool },
}

/// A parameter, or a column of a row.
#[derive(Serialize)]
#[serde(untagged)]
enum Column {
    Null,
    Number(i64),
    Text(String),
    Blob { bytes: Vec<u8> },
}

impl Recorder {
    /// Records what is done with an empty database.
    pub fn new() -> Self {
        Self { sqlite: Sqlite::in_memory().unwrap(), steps: RefCell::default() }
    }

    /// Returns the statements that were executed, in order.
    pub fn statements(&self) -> Vec<&'static str> {
        statements(&self.steps.borrow())
    }

    /// Panics where a statement was executed that a life does not have: only those of the life are looked at, and compared
    /// with another database. One that no test reaches is in neither.
    pub fn assert_part_of(&self, life: &BTreeSet<&'static str>) {
        for sql in self.statements() {
            assert!(life.contains(sql), "no life reaches this statement, so it is not compared: {sql}");
        }
    }

    /// Writes what was done to a file of the folder `RECORDINGS`, where that is set: `tests/edge/storage/statements.test.js`
    /// does it again with a Durable Object.
    pub fn write(&self, name: &str) {
        let Some(folder) = env::var_os("RECORDINGS") else { return };
        let done = self.steps.borrow().len();
        self.read_all();
        let text = serde_json::to_string(&*self.steps.borrow()).unwrap();
        self.steps.borrow_mut().truncate(done);
        fs::write(PathBuf::from(folder).join(format!("{name}.json")), text).unwrap();
    }

    /// Reads what every table holds, with the type that each value is stored as.
    fn read_all(&self) {
        const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let db: &dyn Database = &self.sqlite;
        for table in db.all(TABLES, &[], Row::text).unwrap() {
            let columns = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = db.all(columns.leak(), &[], Row::text).unwrap();
            let types = columns.iter().map(|column| format!("TYPEOF({column})")).collect::<Vec<_>>();
            let sql = format!("SELECT *, {} FROM {table} ORDER BY 1, 2", types.join(", "));
            (self as &dyn Database).run(sql.leak(), &[]).unwrap();
        }
    }
}

impl Database for Recorder {
    fn execute(
        &self,
        sql: &'static str,
        binds: &[Bind<'_>],
        take: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()> {
        let mut rows = Vec::new();
        self.sqlite.execute(sql, binds, &mut |row| {
            let columns = row.rest();
            rows.push(columns.iter().map(Column::from).collect());
            take(&mut Row::new(columns))
        })?;
        let parameters = binds.iter().map(Column::from).collect();
        self.steps.borrow_mut().push(Step::Statement { sql, parameters, rows });
        Ok(())
    }

    fn in_transaction(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let before = self.steps.take();
        let done = self.sqlite.in_transaction(work);
        let steps = self.steps.replace(before);
        self.steps.borrow_mut().push(Step::Transaction { steps, is_committed: done.is_ok() });
        done
    }

    fn size_bytes(&self) -> Result<u64> {
        self.sqlite.size_bytes()
    }
}

impl From<&Value> for Column {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Blob(bytes) => Self::Blob { bytes: bytes.clone() },
        }
    }
}

impl From<&Bind<'_>> for Column {
    fn from(bind: &Bind<'_>) -> Self {
        match *bind {
            Bind::Int(number) | Bind::MaybeInt(Some(number)) => Self::Number(number),
            Bind::Text(text) | Bind::Maybe(Some(text)) => Self::Text(text.to_owned()),
            Bind::Maybe(None) | Bind::MaybeInt(None) => Self::Null,
            Bind::Blob(bytes) => Self::Blob { bytes: bytes.to_vec() },
        }
    }
}

fn statements(steps: &[Step]) -> Vec<&'static str> {
    let of = |step: &Step| match step {
        Step::Statement { sql, .. } => vec![*sql],
        Step::Transaction { steps, .. } => statements(steps),
    };
    steps.iter().flat_map(of).collect()
}
