//! What a shard owes: written with the fact, done by the alarm, and kept until it has succeeded.

use futures_util::future::join_all;
use vtryon_webhooks::lifecycle::Owed;
use worker::console_error;

use super::TaskShard;
use super::sql::{self, Bind, Row};
use crate::clock::Millis;
use crate::config::{Config, RESULTS};
use crate::faults;

/// How many entries one run of the alarm takes.
const BATCH: i64 = 32;

/// The first pause after a failure and the longest one, in seconds; in between it doubles.
const FIRST_PAUSE: i64 = 5;
const LONGEST_PAUSE: i64 = 3600;

/// An entry of the outbox.
struct Entry {
    due_at: i64,
    seq: i64,
    owed: String,
    attempts: i64,
}

impl TaskShard {
    /// Does what is due, one batch; the alarm that follows does the next. No entry holds up another.
    pub(super) async fn settle(&self) -> worker::Result<()> {
        const DUE: &str =
            "SELECT due_at, seq, owed, attempts FROM outbox WHERE due_at <= ? ORDER BY due_at LIMIT ?";
        let sql = self.state.storage().sql();
        let entries = sql::all(&sql, DUE, &[Bind::Int(Millis::now().0), Bind::Int(BATCH)], |row| {
            Ok(Entry { due_at: row.int()?, seq: row.int()?, owed: row.text()?, attempts: row.int()? })
        })?;
        let done = join_all(entries.iter().map(|entry| self.fulfil(entry))).await;
        for (entry, done) in entries.iter().zip(done) {
            if let Err(error) = &done {
                console_error!("outbox: {error}");
            }
            if let Err(error) = self.strike(entry, done.is_err()) {
                console_error!("outbox: an entry stays as it is: {error}");
            }
        }
        Ok(())
    }

    /// Does what one entry says. A later version may have stored what this one can't do: it is put off.
    async fn fulfil(&self, entry: &Entry) -> worker::Result<()> {
        match Owed::from_name(&entry.owed) {
            Some(Owed::PublishResult) => self.publish(entry).await,
            None => Err(worker::Error::from("an entry of a kind that this version does not know")),
        }
    }

    /// Puts a task's final result where it can be read worldwide.
    async fn publish(&self, entry: &Entry) -> worker::Result<()> {
        let card = self
            .result_of(entry.seq)?
            .ok_or_else(|| worker::Error::from("a result is owed that there isn't"))?;
        faults::before_publish(&card.task_id, entry.attempts)?;
        let hours = match Config::current(&self.env) {
            Ok(config) => u64::from(config.retention_hours),
            Err(_) => return Err(worker::Error::from("not configured")),
        };
        let text = serde_json::to_string(&card)?;
        let put = self.env.kv(RESULTS)?.put(&result_key(&card.task_id), text)?;
        Ok(put.expiration_ttl(hours * 3600).execute().await?)
    }

    /// Strikes an entry out, or puts it off.
    fn strike(&self, entry: &Entry, failed: bool) -> worker::Result<()> {
        const STRIKE: &str = "DELETE FROM outbox WHERE due_at = ? AND seq = ? AND owed = ?";
        const PUT_OFF: &str = "UPDATE outbox SET due_at = ?, attempts = attempts + 1
            WHERE due_at = ? AND seq = ? AND owed = ?";
        let sql = self.state.storage().sql();
        let place = [Bind::Int(entry.due_at), Bind::Int(entry.seq), Bind::Text(&entry.owed)];
        if !failed {
            return sql::run(&sql, STRIKE, &place);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << entry.attempts.min(16)).min(LONGEST_PAUSE);
        let mut binds = vec![Bind::Int(Millis::now().plus_seconds(pause).0)];
        binds.extend(place);
        sql::run(&sql, PUT_OFF, &binds)
    }

    /// Sets the alarm for the earliest entry, where there is one; after a fault not before a pause.
    pub(super) fn schedule(&self, after_fault: bool) {
        const NEXT: &str = "SELECT due_at FROM outbox ORDER BY due_at LIMIT 1";
        let next = sql::first(&self.state.storage().sql(), NEXT, &[], Row::int);
        let set = next.and_then(|due_at| {
            let Some(due_at) = due_at.map(Millis) else { return Ok(()) };
            let earliest = if after_fault { Millis::now().plus_seconds(FIRST_PAUSE) } else { due_at };
            self.wake_by(due_at.max(earliest))
        });
        self.memory.alarm_failed.set(set.is_err());
        if let Err(error) = set {
            console_error!("alarm not set: {error}");
        }
    }

    /// Sets the alarm unless it is set for an earlier time. It becomes part of the current commit.
    pub(super) fn wake_by(&self, due_at: Millis) -> worker::Result<()> {
        if self.memory.alarm_at.get().is_some_and(|set| set <= due_at) {
            return Ok(());
        }
        let storage = self.state.storage();
        // The promise need not be awaited: the platform holds the answer back until the write is durable.
        let set = storage.as_raw().set_alarm(due_at.to_date(), js_sys::Object::new());
        self.memory.alarm_failed.set(set.is_err());
        drop(set?);
        self.memory.alarm_at.set(Some(due_at));
        Ok(())
    }
}

/// Names a task's final result in KV. The prefix leaves room for other things in the same namespace.
pub(crate) fn result_key(task_id: &str) -> String {
    format!("result:{task_id}")
}
