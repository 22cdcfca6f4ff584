//! The database that the engine decides over: SQLite behind two functions, with typed parameters and columns.
//!
//! A Durable Object implements it over its own storage, the feature `sqlite` over a native library.

use crate::Result;

/// A parameter of a statement. There is no boolean: Durable Objects would bind one as a text.
#[derive(Clone, Copy)]
pub enum Bind<'a> {
    /// Below 2^53: Durable Objects pass integers on as JavaScript numbers. SQLite sees a fraction: where a statement
    /// divides by one or stores it as something else than an integer, it has to be cast.
    Int(i64),
    Text(&'a str),
    Maybe(Option<&'a str>),
    MaybeInt(Option<i64>),
    Blob(&'a [u8]),
}

/// A column of a row. It may be of a payload, so only tests print it.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "sqlite", derive(Debug))]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// SQLite, as far as the engine needs it.
pub trait Database {
    /// Executes one or more statements with the parameters of the last one, and hands over the rows one by one.
    ///
    /// # Errors
    /// Whatever the database fails with, and the first error of `row`.
    fn execute(
        &self,
        statement: &'static str,
        binds: &[Bind<'_>],
        row: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()>;

    /// Runs `work` in a transaction, once: an error or a panic in it leaves no trace in the database.
    ///
    /// # Errors
    /// The error of `work`, or of the commit.
    fn in_transaction(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// Returns how much the database stores, in bytes.
    ///
    /// # Errors
    /// Whatever the database fails with.
    fn size_bytes(&self) -> Result<u64>;
}

impl dyn Database + '_ {
    /// Runs a statement that returns no rows.
    ///
    /// # Errors
    /// Whatever the database fails with; so for the other methods.
    pub fn run(&self, statement: &'static str, binds: &[Bind<'_>]) -> Result<()> {
        self.execute(statement, binds, &mut |_| Ok(()))
    }

    /// Returns all rows of a query, each as `read` makes it from its columns.
    pub fn all<T>(
        &self,
        query: &'static str,
        binds: &[Bind<'_>],
        read: impl Fn(&mut Row) -> T,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.execute(query, binds, &mut |row| {
            let value = read(row);
            found.push(value);
            row.check()
        })?;
        Ok(found)
    }

    /// Returns the first row of a query, where there is one.
    pub fn first<T>(
        &self,
        query: &'static str,
        binds: &[Bind<'_>],
        read: impl Fn(&mut Row) -> T,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.execute(query, binds, &mut |row| {
            if found.is_none() {
                found = Some(read(row));
            }
            row.check()
        })?;
        Ok(found)
    }

    /// Runs `work` in a transaction: an error or a panic in it leaves no trace in the database.
    pub fn transaction<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut result = None;
        self.in_transaction(&mut || {
            result = Some(work()?);
            Ok(())
        })?;
        result.ok_or_else(|| "a transaction did not run".into())
    }
}

/// The largest integer that a JavaScript number holds exactly: no number in a row is larger.
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Bounds a listing in descending order; without a bound, everything is below it.
pub const fn before(bound: Option<i64>) -> Bind<'static> {
    Bind::Int(match bound {
        Some(bound) => bound,
        None => MAX_SAFE_INTEGER,
    })
}

/// The columns of a row, read from left to right. Where one has another type than it is read as, the query fails
/// once the row has been read; until then an empty value stands for it.
pub struct Row {
    columns: std::vec::IntoIter<Value>,
    is_unexpected: bool,
}

impl Row {
    /// Makes a row of its columns.
    pub fn new(columns: Vec<Value>) -> Self {
        Self { columns: columns.into_iter(), is_unexpected: false }
    }

    pub fn int(&mut self) -> i64 {
        let value = self.maybe_int();
        self.checked(value)
    }

    pub fn maybe_int(&mut self) -> Option<i64> {
        match self.columns.next() {
            Some(Value::Int(number)) => Some(number),
            other => self.null(&other),
        }
    }

    pub fn text(&mut self) -> String {
        let text = self.maybe_text();
        self.checked(text)
    }

    pub fn maybe_text(&mut self) -> Option<String> {
        match self.columns.next() {
            Some(Value::Text(text)) => Some(text),
            other => self.null(&other),
        }
    }

    pub fn blob(&mut self) -> Vec<u8> {
        let bytes = match self.columns.next() {
            Some(Value::Blob(bytes)) => Some(bytes),
            _ => None,
        };
        self.checked(bytes)
    }

    /// Returns all columns that have not been read yet.
    pub fn rest(&mut self) -> Vec<Value> {
        self.columns.by_ref().collect()
    }

    /// Returns what was made of a column; a column that nothing can be made of is unexpected.
    pub fn checked<T: Default>(&mut self, value: Option<T>) -> T {
        self.is_unexpected |= value.is_none();
        value.unwrap_or_default()
    }

    /// Reads a column that should be null; so is what follows the last one.
    fn null<T>(&mut self, value: &Option<Value>) -> Option<T> {
        self.is_unexpected |= !matches!(value, Some(Value::Null));
        None
    }

    fn check(&self) -> Result<()> {
        if self.is_unexpected {
            return Err("a column has another type than it is stored with".into());
        }
        Ok(())
    }
}
