//! Totals for metrics, counted from the rows of events and deliveries: an event writes no row for them.
//!
//! The totals of the events before a number are stored, in one row; those of the events from it on are counted from their
//! rows whenever somebody asks. The number is raised when somebody asks and it is far behind, and before events are
//! pruned. So a total never falls, whenever an instance ends.

use serde::Deserialize;
use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::lifecycle::Outcome;

use crate::Result;
use crate::protocol::TEST_EVENT;
use crate::protocol::delivery::{Attempt, delivery_no, endpoint_of, seq_of};
use crate::protocol::metrics::Totals;
use crate::protocol::settings::Settings;
use crate::shard::deliveries::AttemptRecord;
use crate::shard::deliveries::attempts::leases::WorkerLeases;
use crate::storage::database::{Bind, Database, Row};
use crate::text::json;

/// How many events the number may lag behind: raising it writes a row.
const MAX_EVENTS_BEHIND: i64 = 100;

/// How many rows are counted at most at a time.
const ROWS_PER_COUNT: i64 = 10_000;

/// How many pages of as many rows are stored when somebody asks.
const PAGES_PER_QUESTION: usize = 10;

/// The name of an event that Vtryon may have added.
const OTHER: &str = "other";

/// What an instance knows beside the stored totals.
#[derive(Default)]
pub(crate) struct TotalsCheckpoint {
    /// The first event whose rows are not part of the stored totals.
    counted_to: i64,
    /// Attempts for events before it: they are stored at the end of a run of the alarm, and lost with an instance that
    /// ends before.
    late_attempts: Totals,
}

impl TotalsCheckpoint {
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        let counted_to = db.first("SELECT counted_to FROM totals WHERE no = 1", &[], Row::int)?.unwrap_or(1);
        Ok(Self { counted_to, late_attempts: Totals::default() })
    }

    /// Counts an attempt that was recorded.
    pub(crate) fn note(&mut self, delivery: i64, attempt: &Attempt) {
        // The attempts of later events are counted from the rows of their deliveries.
        if seq_of(delivery) < self.counted_to {
            self.late_attempts.add_attempt(endpoint_of(delivery), attempt.status, attempt.took_ms);
        }
    }

    /// Adds the events before `to` to the stored totals; [`Self::committed`] has to follow when that is committed.
    pub(crate) fn write(&self, db: &dyn Database, settings: &Settings, to: i64) -> Result<()> {
        put(db, settings, to, self.count_to(db, to)?)
    }

    /// Returns the stored totals with those of the events before `to`: they are counted before events are deleted, and put
    /// after it.
    pub(crate) fn count_to(&self, db: &dyn Database, to: i64) -> Result<Totals> {
        let mut totals = stored(db)?;
        totals.add(&self.late_attempts);
        totals.add(&count(db, self.counted_to, to)?);
        Ok(totals)
    }

    /// Adds events that are about to be erased to the stored totals, where they are not part of them yet.
    pub(crate) fn add_erased(&self, db: &dyn Database, settings: &Settings, erased: &[i64]) -> Result<()> {
        let mut uncounted = erased.iter().filter(|seq| **seq >= self.counted_to).peekable();
        if uncounted.peek().is_none() {
            return Ok(());
        }
        let mut totals = stored(db)?;
        for seq in uncounted {
            totals.add(&count(db, *seq, seq + 1)?);
        }
        put(db, settings, self.counted_to, totals)
    }

    /// Adds attempts of a delivery that are about to be dropped from its row to the stored totals, where they are not part
    /// of them yet.
    pub(crate) fn add_dropped(
        &self,
        db: &dyn Database,
        settings: &Settings,
        delivery: i64,
        dropped: &[AttemptRecord],
    ) -> Result<()> {
        if dropped.is_empty() || seq_of(delivery) < self.counted_to {
            return Ok(());
        }
        let mut totals = stored(db)?;
        for AttemptRecord { status, took_ms, .. } in dropped {
            totals.add_attempt(endpoint_of(delivery), *status, *took_ms);
        }
        put(db, settings, self.counted_to, totals)
    }

    pub(crate) fn committed(&mut self, to: i64) {
        if self.is_before(to) {
            self.counted_to = to;
            self.late_attempts = Totals::default();
        }
    }

    /// Returns whether there are events before a number that are not part of the stored totals.
    pub(crate) const fn is_before(&self, to: i64) -> bool {
        self.counted_to < to
    }

    /// Returns whether another instance has read the same.
    #[cfg(feature = "sqlite")]
    pub(crate) const fn is_stored_as(&self, other: &Self) -> bool {
        self.counted_to == other.counted_to
    }

    /// Returns the totals as far as they can't be lost. `next_seq` is the number after the last event.
    pub(crate) fn read(&self, db: &dyn Database, settings: &Settings, next_seq: i64) -> Result<Totals> {
        let mut totals = stored(db)?;
        totals.add(&count(db, self.counted_to, self.page_end(settings, next_seq))?);
        Ok(totals)
    }

    /// Stores the totals of some pages of events: as many as come between two questions, so that what is counted does not
    /// lag behind ever more.
    pub(crate) fn catch_up(
        &mut self,
        db: &dyn Database,
        settings: &Settings,
        next_seq: i64,
        leases: &WorkerLeases,
    ) -> Result<()> {
        for _ in 0..PAGES_PER_QUESTION {
            if !self.advance(db, settings, next_seq, leases)? {
                break;
            }
        }
        Ok(())
    }

    /// Stores the totals of a page of events, where they are many; returns whether it did. The first attempts of leased
    /// deliveries are yet to come.
    fn advance(
        &mut self,
        db: &dyn Database,
        settings: &Settings,
        next_seq: i64,
        leases: &WorkerLeases,
    ) -> Result<bool> {
        let to = self.page_end(settings, next_seq).min(leases.first_event().unwrap_or(i64::MAX));
        if to - self.counted_to < MAX_EVENTS_BEHIND {
            return Ok(false);
        }
        db.transaction(|| self.write(db, settings, to))?;
        self.committed(to);
        Ok(true)
    }

    /// Stores the attempts that no row is counted from any more.
    pub(crate) fn store_late_attempts(&mut self, db: &dyn Database, settings: &Settings) -> Result<()> {
        if self.late_attempts.is_empty() {
            return Ok(());
        }
        db.transaction(|| self.write(db, settings, self.counted_to))?;
        self.late_attempts = Totals::default();
        Ok(())
    }

    /// Returns up to where events can be counted at a time: each has up to a delivery for each endpoint.
    fn page_end(&self, settings: &Settings, next_seq: i64) -> i64 {
        let rows = 1 + settings.endpoints.len() as i64;
        next_seq.min(self.counted_to + (ROWS_PER_COUNT / rows).max(MAX_EVENTS_BEHIND))
    }
}

fn is_known(settings: &Settings, endpoint: i64) -> bool {
    settings.endpoint(endpoint).is_some() || settings.deleted.contains(&endpoint)
}

fn stored(db: &dyn Database) -> Result<Totals> {
    let doc = db.first("SELECT doc FROM totals WHERE no = 1", &[], Row::text)?;
    doc.map_or_else(|| Ok(Totals::default()), |doc| json::read(&doc))
}

/// Stores the totals of the events before a number; [`TotalsCheckpoint::committed`] has to follow when that is committed.
pub(crate) fn put(db: &dyn Database, settings: &Settings, counted_to: i64, mut totals: Totals) -> Result<()> {
    const PUT: &str = "INSERT INTO totals (no, counted_to, doc) VALUES (1, ?, ?)
        ON CONFLICT (no) DO UPDATE SET counted_to = excluded.counted_to, doc = excluded.doc";
    totals.attempts.retain(|endpoint, _| is_known(settings, *endpoint));
    db.run(PUT, &[Bind::Int(counted_to), Bind::Text(&json::to_string(&totals))])
}

/// Counts from the rows of the events from one number on, before another one.
fn count(db: &dyn Database, from: i64, to: i64) -> Result<Totals> {
    const EVENTS: &str = "SELECT IIF(name IS NULL, 0, IIF(name = ?3, 1, 2)), outcome, COUNT(*) FROM events
        WHERE seq >= ?1 AND seq < ?2 AND task_no > 0 GROUP BY 1, 2";
    const QUARANTINED: &str = "SELECT COUNT(*) FROM quarantine WHERE no >= ? AND no < ?";
    const ATTEMPTS: &str =
        "SELECT endpoint, attempts FROM deliveries WHERE no >= ? AND no < ? AND attempts <> '[]'";
    const NAMES: [&str; 3] = [STATUS_CHANGED, TEST_EVENT, OTHER];
    let mut totals = Totals::default();
    let range = [Bind::Int(from), Bind::Int(to), Bind::Text(TEST_EVENT)];
    for (name, outcome, count) in db.all(EVENTS, &range, |row| (row.int(), row.text(), row.int()))? {
        let name = usize::try_from(name).ok().and_then(|name| NAMES.get(name)).unwrap_or(&OTHER);
        totals.add_events(name, &outcome, count);
    }
    let [from_seq, to_seq, _] = range;
    let quarantined = db.first(QUARANTINED, &[from_seq, to_seq], Row::int)?.unwrap_or(0);
    totals.add_events(OTHER, Outcome::Quarantined.as_str(), quarantined);
    let range = [Bind::Int(delivery_no(from, 0)), Bind::Int(delivery_no(to, 0))];
    for (endpoint, attempts) in db.all(ATTEMPTS, &range, |row| (row.int(), row.text()))? {
        for Made { status, took_ms } in json::read::<Vec<Made>>(&attempts)? {
            totals.add_attempt(endpoint, status, took_ms);
        }
    }
    Ok(totals)
}

/// What is counted of a recorded attempt.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Made {
    status: Option<u16>,
    took_ms: i64,
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
