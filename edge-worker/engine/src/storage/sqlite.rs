//! SQLite as a native library: the database of tests and simulations.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use crate::storage::database::{Bind, Database, Row, Value};
use crate::{Error, Result};

/// How many statements stay prepared: more than the engine has.
const PREPARED: usize = 256;

/// A database in memory or in a file.
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens an empty database in memory.
    ///
    /// # Errors
    /// Whatever SQLite fails with.
    pub fn in_memory() -> Result<Self> {
        Ok(Self::over(Connection::open_in_memory()?))
    }

    /// Opens or creates the database in a file.
    ///
    /// # Errors
    /// Whatever SQLite fails with.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::over(Connection::open(path)?))
    }

    /// Decides over an open connection.
    pub fn over(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Self(connection)
    }

    /// Returns the connection, for what the engine itself never does.
    pub const fn connection(&self) -> &Connection {
        &self.0
    }

    fn query(
        statement: &mut Statement<'_>,
        binds: &[Bind<'_>],
        take: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()> {
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(binds))?;
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| row.get_ref(column).map_err(Error::from).and_then(value));
            take(&mut Row::new(values.collect::<Result<_>>()?))?;
        }
        Ok(())
    }
}

impl Database for Sqlite {
    fn execute(
        &self,
        statement: &'static str,
        binds: &[Bind<'_>],
        row: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()> {
        if binds.is_empty() && statement.contains(';') {
            return Ok(self.0.execute_batch(statement)?);
        }
        Self::query(&mut *self.0.prepare_cached(statement)?, binds, row)
    }

    fn in_transaction(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.0.execute_batch("BEGIN")?;
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => Ok(self.0.execute_batch("COMMIT")?),
            Ok(Err(error)) => {
                // Where the database is full, SQLite may have rolled back by itself.
                if !self.0.is_autocommit() {
                    self.0.execute_batch("ROLLBACK")?;
                }
                Err(error)
            }
            Err(panic) => {
                self.0.execute_batch("ROLLBACK")?;
                resume_unwind(panic)
            }
        }
    }

    fn size_bytes(&self) -> Result<u64> {
        // As Durable Objects count: without the pages that are free.
        const SIZE: &str = "SELECT (page_count - freelist_count) * page_size
            FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        let bytes: i64 = self.0.prepare_cached(SIZE)?.query_row([], |row| row.get(0))?;
        Ok(bytes.unsigned_abs())
    }
}

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            // A Durable Object binds every number as a fraction, and SQLite calculates with it as such: so here.
            Self::Int(number) | Self::MaybeInt(Some(number)) => ValueRef::Real(number as f64),
            Self::Text(text) | Self::Maybe(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Maybe(None) | Self::MaybeInt(None) => ValueRef::Null,
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(error.to_string())
    }
}

fn value(value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Int(number as i64),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}
