//! The storage of a Durable Object over native SQLite: what one call writes is one commit, and the work can be counted.

use std::cell::Cell;
use std::path::Path;

use rusqlite::backup::Backup;
use rusqlite::{Connection, StatementStatus};
use serde::Serialize;
use vtryon_gateway_engine::Result;
use vtryon_gateway_engine::storage::database::{Bind, Database, Row};
use vtryon_gateway_engine::storage::sqlite::Sqlite;

/// What SQLite has done.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Work {
    pub(crate) statements: u32,
    /// The instructions of its virtual machine: what a statement does, whatever is in which cache.
    pub(crate) steps: u64,
    /// The rows of tables that were written; entries of indexes are not counted.
    pub(crate) rows_written: u64,
}

/// A database in memory, or in a file that is synced with each commit.
pub(crate) struct Storage {
    sqlite: Sqlite,
    /// What was done since counting has begun.
    work: Cell<Option<Work>>,
    rows_before: Cell<u64>,
}

impl Storage {
    /// Opens an empty database in memory.
    pub(crate) fn in_memory() -> Result<Self> {
        Ok(Self::over(Connection::open_in_memory()?))
    }

    /// Opens a file as the runtime does: in WAL mode, with SQLite's default of a sync for each commit, and with its
    /// default cache.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let storage = Self::over(Connection::open(path)?);
        storage.control("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
        Ok(storage)
    }

    fn over(connection: Connection) -> Self {
        Self { sqlite: Sqlite::over(connection), work: Cell::default(), rows_before: Cell::default() }
    }

    /// Copies all pages into an empty database in memory.
    pub(crate) fn copy_into_memory(&self) -> Result<Self> {
        let mut copy = Connection::open_in_memory()?;
        self.copy(&mut copy)?;
        Ok(Self::over(copy))
    }

    /// Copies all pages into a new file.
    pub(crate) fn copy_into_file(&self, path: &Path) -> Result<Self> {
        self.copy(&mut Connection::open(path)?)?;
        Self::file(path)
    }

    fn copy(&self, to: &mut Connection) -> Result<()> {
        // All pages in one step.
        Backup::new(self.sqlite.connection(), to)?.step(-1)?;
        Ok(())
    }

    /// Runs a call whose writes are one commit.
    pub(crate) fn commit<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        // Outside of a transaction a savepoint is one; within one, as when a shard is filled, it is a part of it.
        self.cached("SAVEPOINT call")?;
        let done = call();
        self.cached(if done.is_ok() { "RELEASE call" } else { "ROLLBACK TO call" })?;
        done
    }

    /// Runs statements without parameters.
    pub(crate) fn control(&self, statements: &str) -> Result<()> {
        Ok(self.sqlite.connection().execute_batch(statements)?)
    }

    /// Returns how many bytes the database has.
    pub(crate) fn bytes(&self) -> Result<i64> {
        let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        Ok(self.sqlite.connection().query_row(size, [], |row| row.get(0))?)
    }

    /// Begins to count its work.
    pub(crate) fn begin_count(&self) {
        self.work.set(Some(Work::default()));
        self.rows_before.set(self.rows_written());
    }

    /// Returns the work since then.
    pub(crate) fn end_count(&self) -> Work {
        let rows_written = self.rows_written() - self.rows_before.get();
        Work { rows_written, ..self.work.take().unwrap_or_default() }
    }

    fn rows_written(&self) -> u64 {
        self.sqlite.connection().total_changes()
    }

    fn cached(&self, statement: &str) -> Result<()> {
        self.sqlite.connection().prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    /// Returns the steps of a prepared statement since the last time.
    fn take_steps(&self, statement: &'static str) -> Result<u64> {
        let prepared = self.sqlite.connection().prepare_cached(statement)?;
        Ok(prepared.reset_status(StatementStatus::VmStep).unsigned_abs().into())
    }
}

impl Database for Storage {
    fn execute(
        &self,
        statement: &'static str,
        binds: &[Bind<'_>],
        row: &mut dyn FnMut(&mut Row) -> Result<()>,
    ) -> Result<()> {
        let Some(mut work) = self.work.get() else { return self.sqlite.execute(statement, binds, row) };
        self.take_steps(statement)?;
        self.sqlite.execute(statement, binds, row)?;
        work.statements += 1;
        work.steps += self.take_steps(statement)?;
        self.work.set(Some(work));
        Ok(())
    }

    fn in_transaction(&self, run: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.cached("SAVEPOINT work")?;
        if let Err(error) = run() {
            self.control("ROLLBACK TO work; RELEASE work")?;
            return Err(error);
        }
        self.cached("RELEASE work")
    }

    fn size_bytes(&self) -> Result<u64> {
        self.sqlite.size_bytes()
    }
}
