//! What a shard owes: written with the fact, done by the alarm, and kept until it has succeeded.

use futures_util::future::join_all;
use worker::console_error;

use super::TaskShard;
use super::sql::{self, Bind, Row};
use crate::clock::Millis;
use crate::config::Config;

/// The binding of the KV namespace that holds the final results.
pub(crate) const RESULTS: &str = "RESULTS";

/// How many entries one run takes at a time; a run goes on until nothing is due.
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
    /// Does what is due, one batch; the alarm that follows does the next.
    pub(super) async fn settle(&self) -> worker::Result<()> {
        const DUE: &str =
            "SELECT due_at, seq, owed, attempts FROM outbox WHERE due_at <= ? ORDER BY due_at LIMIT ?";
        let sql = self.state.storage().sql();
        let entries = sql::all(&sql, DUE, &[Bind::Int(Millis::now().0), Bind::Int(BATCH)], |row| {
            Ok(Entry { due_at: row.int()?, seq: row.int()?, owed: row.text()?, attempts: row.int()? })
        })?;
        let done = join_all(entries.iter().map(|entry| self.publish(entry.seq))).await;
        for (entry, done) in entries.iter().zip(done) {
            if let Err(error) = &done {
                console_error!("outbox: {} failed: {error}", entry.owed);
            }
            self.strike(entry, done.is_err())?;
        }
        Ok(())
    }

    /// Puts a task's final result where it can be read worldwide.
    async fn publish(&self, seq: i64) -> worker::Result<()> {
        let Some(card) = self.result_of(seq)? else { return Ok(()) };
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

    /// Sets the alarm for the earliest entry, where there is one.
    pub(super) fn schedule(&self) {
        const NEXT: &str = "SELECT due_at FROM outbox ORDER BY due_at LIMIT 1";
        let next = sql::first(&self.state.storage().sql(), NEXT, &[], Row::int);
        let set = next.and_then(|due_at| due_at.map_or(Ok(()), |due_at| self.wake_by(Millis(due_at))));
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
        drop(storage.as_raw().set_alarm(due_at.to_date(), js_sys::Object::new())?);
        self.memory.alarm_at.set(Some(due_at));
        Ok(())
    }
}

/// Names a task's final result in KV. The prefix keeps an id of `.` or `..` from being the whole key.
pub(crate) fn result_key(task_id: &str) -> String {
    format!("result:{task_id}")
}
