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
use crate::shard::deliveries::attempts::leases::Leases;
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
        let mut totals = stored(db)?;
        totals.add(&self.late_attempts);
        totals.add(&count(db, self.counted_to, to)?);
        put(db, settings, to, totals)
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
        leases: &Leases,
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
    pub(crate) fn advance(
        &mut self,
        db: &dyn Database,
        settings: &Settings,
        next_seq: i64,
        leases: &Leases,
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
    pub(crate) fn page_end(&self, settings: &Settings, next_seq: i64) -> i64 {
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

fn put(db: &dyn Database, settings: &Settings, counted_to: i64, mut totals: Totals) -> Result<()> {
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
mod tests {
    use vtryon_webhooks::Millis;

    use super::*;
    use crate::protocol::settings::Endpoint;
    use crate::shard::testing::database;
    use crate::storage::sqlite::Sqlite;

    const ENDPOINT: i64 = 1;

    /// Stores as many events, each with a delivery that was attempted once.
    fn store(db: &Sqlite, events: i64) -> Result<()> {
        const EVENT: &str = "INSERT INTO events (seq, task_no, received_at, outcome, key, body)
            VALUES (?, 1, 0, 'applied', '', x'00')";
        const DELIVERY: &str = "INSERT INTO deliveries
            (no, endpoint, state, created_at, scheduled_at, failed_attempts, replay_count, attempts)
            VALUES (?, 1, 'pending', 0, 0, 0, 0, '[{\"status\":200,\"took_ms\":5}]')";
        let db: &dyn Database = db;
        (1..=events).try_for_each(|seq| {
            db.run(EVENT, &[Bind::Int(seq)])?;
            db.run(DELIVERY, &[Bind::Int(delivery_no(seq, ENDPOINT))])
        })
    }

    /// Settings that know the endpoint as one that was deleted.
    fn settings() -> Settings {
        Settings { deleted: vec![ENDPOINT], ..Settings::default() }
    }

    /// Returns how many events and attempts are counted.
    fn counted(totals: &Totals) -> (i64, i64) {
        (totals.events.values().sum(), totals.attempts.values().map(|attempts| attempts.delivered).sum())
    }

    #[test]
    fn totals_are_the_same_wherever_they_are_stored_up_to() -> Result<()> {
        let (db, settings) = (&database()?, &settings());
        store(db, 5)?;
        let mut checkpoint = TotalsCheckpoint::load(db)?;
        for to in [1, 3, 3, 6] {
            checkpoint.write(db, settings, to)?;
            checkpoint.committed(to);
            assert_eq!(counted(&checkpoint.read(db, settings, 6)?), (5, 5), "up to {to}");
            assert!(checkpoint.is_stored_as(&TotalsCheckpoint::load(db)?), "up to {to}");
        }
        checkpoint.committed(2);
        assert_eq!(counted(&checkpoint.read(db, settings, 6)?), (5, 5), "it is never set back");
        Ok(())
    }

    #[test]
    fn many_events_are_stored_at_a_time_but_none_of_which_an_attempt_is_leased() -> Result<()> {
        let (db, settings) = (&database()?, &settings());
        store(db, MAX_EVENTS_BEHIND)?;
        let (mut checkpoint, mut leases) = (TotalsCheckpoint::load(db)?, Leases::default());
        let end = MAX_EVENTS_BEHIND + 1;
        checkpoint.advance(db, settings, end - 1, &leases)?;
        assert_eq!(checkpoint.counted_to, 1, "they are too few");
        leases.grant(delivery_no(end - 1, ENDPOINT), Millis(9));
        checkpoint.advance(db, settings, end, &leases)?;
        assert_eq!(checkpoint.counted_to, 1, "one is leased");
        leases.release(delivery_no(end - 1, ENDPOINT));
        checkpoint.advance(db, settings, end, &leases)?;
        assert_eq!(checkpoint.counted_to, end);
        Ok(())
    }

    #[test]
    fn what_is_counted_does_not_lag_behind_what_comes_between_two_questions() -> Result<()> {
        const BETWEEN: i64 = 2000;
        let (db, endpoints) = (&database()?, 20);
        let settings = Settings {
            endpoints: (1..=endpoints).map(|no| Endpoint { no, ..Endpoint::default() }).collect(),
            ..Settings::default()
        };
        let mut checkpoint = TotalsCheckpoint::load(db)?;
        store(db, 5 * BETWEEN)?;
        for asked in 1..=5 {
            let next_seq = asked * BETWEEN + 1;
            checkpoint.catch_up(db, &settings, next_seq, &Leases::default())?;
            let (events, _) = counted(&checkpoint.read(db, &settings, next_seq)?);
            assert_eq!(events, asked * BETWEEN, "question {asked}");
        }
        Ok(())
    }

    #[test]
    fn a_late_attempt_is_counted_once_it_is_stored() -> Result<()> {
        let (db, settings) = (&database()?, &settings());
        store(db, 2)?;
        let mut checkpoint = TotalsCheckpoint::load(db)?;
        checkpoint.write(db, settings, 2)?;
        checkpoint.committed(2);
        let attempt: Attempt = json::read(r#"{"attempted_at":0,"took_ms":5,"status":200}"#)?;
        // That of the second event is in its row.
        [1, 2].into_iter().for_each(|seq| checkpoint.note(delivery_no(seq, ENDPOINT), &attempt));
        for _ in 0..2 {
            checkpoint.store_late_attempts(db, settings)?;
            assert_eq!(counted(&checkpoint.read(db, settings, 3)?), (2, 3));
        }
        Ok(())
    }
}
