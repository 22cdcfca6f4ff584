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
    let (mut checkpoint, mut leases) = (TotalsCheckpoint::load(db)?, WorkerLeases::default());
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
        checkpoint.catch_up(db, &settings, next_seq, &WorkerLeases::default())?;
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
