//! The outbox: side effects are stored in the event's commit, executed by the alarm, and kept until they succeed.

use vtryon_webhooks::Millis;
use vtryon_webhooks::lifecycle::SideEffect;

use crate::database::{Bind, Database, Row};
use crate::protocol::result_key;
use crate::shard::{Shard, queries};
use crate::{Context, Deployment, Result, json};

/// How long a result waits for others to be published with, in seconds of machine time. By then most first attempts
/// have been reported too, so that one run of the alarm does for all: each costs a row and a request.
const BATCHING: i64 = 2;

/// How many entries are executed at the same time, and for how long batches follow each other, in seconds of machine
/// time.
const BATCH: i64 = 32;
const DRAINING: i64 = 10;

/// The first pause after a failure and the longest one, in seconds of machine time; in between it doubles.
pub(crate) const FIRST_PAUSE: i64 = 5;
const LONGEST_PAUSE: i64 = 3600;

/// An entry of the outbox.
pub struct OutboxEntry {
    due_at: i64,
    seq: i64,
    kind: String,
    /// How many attempts to execute it have failed.
    pub attempts: i64,
}

/// A result to publish: an entry of a key-value store that is read worldwide.
pub struct Publication {
    pub task_id: String,
    pub key: String,
    /// The result as JSON.
    pub value: String,
    /// After how many seconds the store deletes it.
    pub expires_in: u64,
}

/// Returns when the result of an event received now is published.
pub(crate) fn batch_deadline(deployment: &Deployment, now: Millis) -> Millis {
    now.plus_millis(deployment.span(BATCHING))
}

/// Returns when the first entry is due.
pub(crate) fn next_due(db: &dyn Database) -> Result<Option<Millis>> {
    Ok(db.first("SELECT MIN(due_at) FROM outbox", &[], Row::maybe_int)?.flatten().map(Millis))
}

impl Shard {
    /// Returns the entries that are due, in a batch that can be executed at the same time. Each is to be prepared by
    /// [`Shard::publication`] and ended by [`Shard::complete_or_retry`].
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn due_side_effects(&self, context: &Context<'_>) -> Result<Vec<OutboxEntry>> {
        // The cast spares SQLite to compile it anew each time: a bare parameter tells it how many rows to plan for.
        const DUE: &str = "SELECT due_at, seq, kind, attempts FROM outbox
            WHERE due_at <= ? ORDER BY due_at LIMIT CAST(? AS INTEGER)";
        context.db.all(DUE, &[Bind::Int(context.now.0), Bind::Int(BATCH)], |row| OutboxEntry {
            due_at: row.int(),
            seq: row.int(),
            kind: row.text(),
            attempts: row.int(),
        })
    }

    /// Returns whether a run that began at a time goes on with the next batch, after one of so many entries.
    pub fn continues_outbox(&self, context: &Context<'_>, started: Millis, entries: usize) -> bool {
        let until = started.plus_millis(context.deployment.span(DRAINING));
        entries as i64 == BATCH && context.now < until
    }

    /// Returns what has to be published for an entry; `None` where results are not published: the entry is from before
    /// that. A kind that only a later version knows is retried later.
    pub fn publication(&self, context: &Context<'_>, entry: &OutboxEntry) -> Result<Option<Publication>> {
        match SideEffect::from_name(&entry.kind) {
            Some(SideEffect::PublishResult) if !context.deployment.publishes_results => return Ok(None),
            Some(SideEffect::PublishResult) => {}
            None => return Err("this version does not know this kind of side effect".into()),
        }
        let result = queries::result_of(context.db, entry.seq)?;
        let result = result.ok_or("the result to publish does not exist")?;
        Ok(Some(Publication {
            key: result_key(&result.task_id),
            value: json::to_string(&result),
            expires_in: u64::from(context.deployment.retention_hours) * 3600,
            task_id: result.task_id,
        }))
    }

    /// Deletes an entry that was executed, or reschedules one that failed.
    pub fn complete_or_retry(
        &self,
        context: &Context<'_>,
        entry: &OutboxEntry,
        has_failed: bool,
    ) -> Result<()> {
        const COMPLETE: &str = "DELETE FROM outbox WHERE due_at = ? AND seq = ? AND kind = ?";
        const RESCHEDULE: &str = "UPDATE outbox SET due_at = ?, attempts = attempts + 1
            WHERE due_at = ? AND seq = ? AND kind = ?";
        let place = [Bind::Int(entry.due_at), Bind::Int(entry.seq), Bind::Text(&entry.kind)];
        if !has_failed {
            return context.db.run(COMPLETE, &place);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << entry.attempts.min(16)).min(LONGEST_PAUSE);
        let due_at = context.now.plus_millis(context.deployment.span(pause));
        let mut binds = vec![Bind::Int(due_at.0)];
        binds.extend(place);
        context.db.run(RESCHEDULE, &binds)
    }
}
