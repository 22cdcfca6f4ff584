//! The outbox: side effects are stored in the event's commit, executed by the alarm, and kept until they
//! succeed. And the alarm, which is set for whatever is due first.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use vtryon_webhooks::Millis;
use vtryon_webhooks::lifecycle::SideEffect;
use worker::{Delay, console_error};

use super::TaskShard;
use crate::config::{Config, RESULTS};
use crate::json;
use crate::platform::clock;
use crate::platform::sql::{self, Bind, Row};
use crate::protocol::result_key;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// How long a result waits for others to be published with, in seconds of this machine. By then most first
/// attempts have been reported too, so that one run of the alarm does for all: each costs a row and a request.
const BATCHING: i64 = 2;

/// How far ahead the alarm is set for what will be too old, in seconds. The hourly sweep comes before that, and a
/// second one should the first be missed.
const AHEAD: i64 = 2 * 3600;

/// How many entries are done at the same time, and for how long batches follow each other, in seconds.
const BATCH: i64 = 32;
const DRAINING: i64 = 10;

/// The first pause after a failure and the longest one, in seconds; in between it doubles.
pub(super) const FIRST_PAUSE: i64 = 5;
const LONGEST_PAUSE: i64 = 3600;

/// How long an alarm waits after a run that left something to do, in milliseconds of this machine: its time
/// must not come before the run has ended.
pub(super) const MIN_ALARM_DELAY: i64 = 250;

/// How late an alarm may be before it counts as lost, in seconds of this machine. Setting one again that was
/// only late does no harm.
const LOST: i64 = 30;

/// How long KV may take, for what it is put into must not hold up the rest.
const PUT_TIME: Duration = Duration::from_secs(10);

/// An entry of the outbox.
struct OutboxEntry {
    due_at: i64,
    seq: i64,
    kind: String,
    attempts: i64,
}

/// Returns when the result of an event received now is published.
pub(super) fn batch_deadline(now: Millis) -> Millis {
    now.plus_millis(clock::span(BATCHING))
}

impl TaskShard {
    /// Executes what is due, batch after batch, for a limited time. No entry delays another.
    pub(super) async fn drain_outbox(&self) -> worker::Result<()> {
        let over = clock::now().plus_millis(clock::span(DRAINING));
        while self.drain_outbox_batch().await? && clock::now() < over {}
        Ok(())
    }

    /// Returns whether there may be more.
    async fn drain_outbox_batch(&self) -> worker::Result<bool> {
        const DUE: &str =
            "SELECT due_at, seq, kind, attempts FROM outbox WHERE due_at <= ? ORDER BY due_at LIMIT ?";
        let sql = self.state.storage().sql();
        let entries = sql::all(&sql, DUE, &[Bind::Int(clock::now().0), Bind::Int(BATCH)], |row| {
            OutboxEntry { due_at: row.int(), seq: row.int(), kind: row.text(), attempts: row.int() }
        })?;
        let done = join_all(entries.iter().map(|entry| self.execute(entry))).await;
        for (entry, done) in entries.iter().zip(done) {
            if let Err(error) = &done {
                console_error!("outbox: {error}");
            }
            if let Err(error) = self.complete_or_retry(entry, done.is_err()) {
                console_error!("outbox: an entry stays as it is: {error}");
            }
        }
        Ok(entries.len() as i64 == BATCH)
    }

    /// Executes one entry. A kind that only a later version knows is retried later.
    async fn execute(&self, entry: &OutboxEntry) -> worker::Result<()> {
        match SideEffect::from_name(&entry.kind) {
            Some(SideEffect::PublishResult) => self.publish(entry).await,
            None => Err(worker::Error::from("this version does not know this kind of side effect")),
        }
    }

    /// Writes a task's final result to KV, where it can be read worldwide.
    async fn publish(&self, entry: &OutboxEntry) -> worker::Result<()> {
        let result = self
            .result_of(entry.seq)?
            .ok_or_else(|| worker::Error::from("the result to publish does not exist"))?;
        faults::before_publish(&result.task_id, entry.attempts)?;
        let hours = match Config::current(&self.env) {
            Ok(config) => u64::from(config.retention_hours),
            Err(_) => return Err(worker::Error::from("not configured")),
        };
        let text = json::to_string(&result);
        metering::count(BilledOperation::KvWrite);
        let put = self.env.kv(RESULTS)?.put(&result_key(&result.task_id), text)?;
        let put = pin!(put.expiration_ttl(hours * 3600).execute());
        match select(put, Delay::from(PUT_TIME)).await {
            Either::Left((done, _)) => Ok(done?),
            Either::Right(_) => Err(worker::Error::from("KV took too long")),
        }
    }

    /// Deletes a completed entry, or reschedules a failed one.
    fn complete_or_retry(&self, entry: &OutboxEntry, failed: bool) -> worker::Result<()> {
        const COMPLETE: &str = "DELETE FROM outbox WHERE due_at = ? AND seq = ? AND kind = ?";
        const RESCHEDULE: &str = "UPDATE outbox SET due_at = ?, attempts = attempts + 1
            WHERE due_at = ? AND seq = ? AND kind = ?";
        let sql = self.state.storage().sql();
        let place = [Bind::Int(entry.due_at), Bind::Int(entry.seq), Bind::Text(&entry.kind)];
        if !failed {
            return sql::run(&sql, COMPLETE, &place);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << entry.attempts.min(16)).min(LONGEST_PAUSE);
        let mut binds = vec![Bind::Int(clock::now().plus_millis(clock::span(pause)).0)];
        binds.extend(place);
        sql::run(&sql, RESCHEDULE, &binds)
    }

    /// Sets the alarm for the earliest thing due, where there is one, but not before a pause, in milliseconds
    /// of this machine: after a run of the alarm there is one, so that it does not spin.
    pub(super) fn schedule(&self, pause: i64) {
        self.set(|due_at| due_at.max(clock::now().plus_millis(clock::stretched(pause))));
    }

    /// Sets the alarm for the earliest thing due, which may be later than `now`: an earlier run would have
    /// nothing to do.
    pub(super) fn wake_for_next(&self) -> worker::Result<()> {
        self.next_due()?.map_or(Ok(()), |due_at| self.wake_by(due_at))
    }

    fn set(&self, at: impl Fn(Millis) -> Millis) {
        let set = self.next_due().and_then(|next| next.map_or(Ok(()), |due_at| self.wake_by(at(due_at))));
        self.memory.alarm_failed.set(set.is_err());
        if let Err(error) = set {
            console_error!("alarm not set: {error}");
        }
    }

    /// Sets the alarm again where it could not be set, or is overdue: with every call, since nothing else may
    /// wake this shard.
    pub(super) fn repair_alarm(&self) {
        if self.memory.alarm_failed.get() || self.is_lost() {
            self.reset_alarm();
        }
    }

    /// Sets the alarm again, whatever the memory says, and for another time than before: the platform does
    /// nothing where the alarm is set for that time already.
    pub(super) fn reset_alarm(&self) {
        self.memory.alarm_at.set(None);
        self.set(|due_at| {
            let now = clock::now();
            due_at.max(now.plus_millis(clock::stretched(MIN_ALARM_DELAY))).plus_millis(1 + now.0 % 7)
        });
    }

    fn is_lost(&self) -> bool {
        let lost = clock::now().plus_millis(-clock::span(LOST));
        !self.memory.is_running.get() && self.memory.alarm_at.get().is_some_and(|set| set < lost)
    }

    /// Returns when the alarm is needed next, for anything.
    fn next_due(&self) -> worker::Result<Option<Millis>> {
        const NEXT: &str = "SELECT MIN(due_at) FROM outbox";
        let next_side_effect =
            sql::first(&self.state.storage().sql(), NEXT, &[], Row::maybe_int)?.flatten().map(Millis);
        let mut next: Vec<Option<Millis>> = vec![next_side_effect, self.next_lease_end()];
        let settings = self.settings();
        for endpoint in settings.endpoints.iter().filter(|endpoint| endpoint.enabled) {
            next.push(self.next_attempt_at(endpoint.no)?);
        }
        for endpoint in &settings.deleted {
            next.push(self.next_attempt_at(*endpoint)?.map(|_| clock::now()));
        }
        if self.has_replays()? {
            next.push(Some(clock::now()));
        }
        if let Ok(config) = Config::current(&self.env) {
            let soon = clock::now().plus_seconds(AHEAD);
            next.push(self.next_prune(&config)?.filter(|due_at| *due_at <= soon));
        }
        Ok(next.into_iter().flatten().min())
    }

    /// Sets the alarm unless it is set for an earlier time, or runs. It becomes part of the current commit.
    pub(super) fn wake_by(&self, due_at: Millis) -> worker::Result<()> {
        let is_set = self.memory.alarm_at.get().is_some_and(|set| set <= due_at);
        if is_set || self.memory.is_running.get() {
            return Ok(());
        }
        let storage = self.state.storage();
        metering::count(BilledOperation::AlarmSet);
        // The promise need not be awaited: the platform holds the answer back until the write is durable.
        let set = storage.as_raw().set_alarm(clock::alarm_date(due_at), js_sys::Object::new());
        self.memory.alarm_failed.set(set.is_err());
        drop(set?);
        self.memory.alarm_at.set(Some(due_at));
        Ok(())
    }
}
