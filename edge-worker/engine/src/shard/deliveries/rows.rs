//! The rows of deliveries: the statements that read and write them.

use vtryon_webhooks::Millis;

use super::{Delivery, DeliveryReason};
use crate::Result;
use crate::protocol::delivery::{DeliveryState, delivery_no, endpoint_of};
use crate::storage::database::{Bind, Database, Row};

/// Selects the columns of [`Delivery`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT no, state, due_at, leased_until, scheduled_at, first_at, failed_attempts, replay_count, replay, attempts FROM deliveries ",
            $rest
        )
    };
}

impl Delivery {
    fn read(row: &mut Row) -> Self {
        Self {
            no: row.int(),
            state: {
                let state = DeliveryState::from_name(&row.text());
                row.checked(state)
            },
            due_at: row.maybe_int().map(Millis),
            leased_until: row.maybe_int().map(Millis),
            scheduled_at: Millis(row.int()),
            first_at: row.maybe_int().map(Millis),
            failed_attempts: u32::try_from(row.int()).unwrap_or(u32::MAX),
            replay_count: row.int(),
            replay: row.maybe_text(),
            attempts: row.text(),
        }
    }
}

/// Returns the first and the last delivery number that an event can have.
pub(crate) const fn range(seq: i64) -> [Bind<'static>; 2] {
    [Bind::Int(delivery_no(seq, 0)), Bind::Int(delivery_no(seq + 1, 0) - 1)]
}

/// Who makes the first attempt of a new delivery.
pub(crate) enum FirstAttempt {
    /// The Worker, which has leased it until a time.
    Leased(Millis),
    /// The alarm, from a time on.
    Due(Millis),
}

/// Inserts a pending delivery.
pub(crate) fn create(db: &dyn Database, no: i64, created_at: Millis, first: FirstAttempt) -> Result<()> {
    const CREATE: &str = "INSERT INTO deliveries
            (no, endpoint, state, created_at, due_at, leased_until, scheduled_at, failed_attempts, replay_count, attempts)
        VALUES (?1, ?2, 'pending', ?3, ?4, ?5, ?3, 0, 0, '[]')";
    let (due_at, leased_until) = match first {
        FirstAttempt::Leased(until) => (None, Some(until.0)),
        FirstAttempt::Due(at) => (Some(at.0), None),
    };
    let binds = [
        Bind::Int(no),
        Bind::Int(endpoint_of(no)),
        Bind::Int(created_at.0),
        Bind::MaybeInt(due_at),
        Bind::MaybeInt(leased_until),
    ];
    db.run(CREATE, &binds)
}

pub(crate) fn find(db: &dyn Database, no: i64) -> Result<Option<Delivery>> {
    db.first(select!("WHERE no = ?"), &[Bind::Int(no)], Delivery::read)
}

/// Finds the deliveries of an event.
pub(crate) fn of_event(db: &dyn Database, seq: i64) -> Result<Vec<Delivery>> {
    db.all(select!("WHERE no BETWEEN ? AND ?"), &range(seq), Delivery::read)
}

/// Finds deliveries that are due to an endpoint, the longest due first.
pub(crate) fn due(db: &dyn Database, endpoint: i64, now: Millis, limit: i64) -> Result<Vec<Delivery>> {
    const DUE: &str =
        select!("INDEXED BY deliveries_due WHERE endpoint = ? AND due_at <= ? ORDER BY due_at LIMIT ?");
    db.all(DUE, &[Bind::Int(endpoint), Bind::Int(now.0), Bind::Int(limit)], Delivery::read)
}

/// Returns the endpoints that have deliveries which are due at any time, by their numbers.
pub(crate) fn due_endpoints(db: &dyn Database) -> Result<Vec<i64>> {
    // A step in the index for each endpoint, however many deliveries it has.
    const ENDPOINTS: &str = "WITH RECURSIVE found (endpoint) AS (
            SELECT MIN(endpoint) FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL
            UNION ALL
            SELECT (SELECT MIN(endpoint) FROM deliveries INDEXED BY deliveries_due
                WHERE due_at IS NOT NULL AND endpoint > found.endpoint)
            FROM found WHERE endpoint IS NOT NULL
        ) SELECT endpoint FROM found WHERE endpoint IS NOT NULL";
    db.all(ENDPOINTS, &[], Row::int)
}

/// Finds pending deliveries of an endpoint that the Worker has not leased, whenever they are due.
pub(crate) fn pending(db: &dyn Database, endpoint: i64, limit: i64) -> Result<Vec<Delivery>> {
    const PENDING: &str = select!(
        "INDEXED BY deliveries_due WHERE endpoint = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?"
    );
    db.all(PENDING, &[Bind::Int(endpoint), Bind::Int(limit)], Delivery::read)
}

/// Returns when the first delivery to an endpoint is due.
pub(crate) fn next_due(db: &dyn Database, endpoint: i64) -> Result<Option<Millis>> {
    // Without the cast, SQLite prepares the statement again for each value, because the value may decide whether a partial
    // index applies.
    const NEXT: &str = "SELECT due_at FROM deliveries INDEXED BY deliveries_due
        WHERE endpoint = CAST(? AS INTEGER) AND due_at IS NOT NULL ORDER BY due_at LIMIT 1";
    Ok(db.first(NEXT, &[Bind::Int(endpoint)], Row::int)?.map(Millis))
}

/// Finds pending deliveries of events from `seq` on whose first attempt was leased to the Worker, and until when.
pub(crate) fn leased(db: &dyn Database, seq: i64) -> Result<Vec<(i64, Millis)>> {
    const LEASED: &str = "SELECT no, leased_until FROM deliveries
        WHERE no >= ? AND state = 'pending' AND due_at IS NULL";
    db.all(LEASED, &[Bind::Int(delivery_no(seq, 0))], |row| (row.int(), Millis(row.int())))
}

/// Returns when a pending delivery was created that the Worker has leased.
pub(crate) fn leased_since(db: &dyn Database, no: i64) -> Result<Option<Millis>> {
    const LEASED: &str =
        "SELECT created_at FROM deliveries WHERE no = ? AND state = 'pending' AND due_at IS NULL";
    Ok(db.first(LEASED, &[Bind::Int(no)], Row::int)?.map(Millis))
}

/// Finds deliveries of an endpoint that the shard has leased to itself until a time between these two, and until when.
pub(crate) fn leased_to_shard(
    db: &dyn Database,
    endpoint: i64,
    (after, until): (Millis, Millis),
) -> Result<Vec<(i64, Millis)>> {
    const LEASED: &str = "SELECT no, due_at FROM deliveries INDEXED BY deliveries_due
        WHERE endpoint = ? AND due_at > ? AND due_at <= ? AND due_at = leased_until";
    let binds = [Bind::Int(endpoint), Bind::Int(after.0), Bind::Int(until.0)];
    db.all(LEASED, &binds, |row| (row.int(), Millis(row.int())))
}

/// Leases an attempt to the shard itself. Should nobody report it, the alarm looks at the delivery again.
pub(crate) fn lease(db: &dyn Database, no: i64, until: Millis) -> Result<()> {
    const LEASE: &str =
        "UPDATE deliveries SET due_at = ?1, leased_until = ?1 WHERE no = ?2 AND state = 'pending'";
    db.run(LEASE, &[Bind::Int(until.0), Bind::Int(no)])
}

/// Sets when a pending delivery is due.
pub(crate) fn reschedule(db: &dyn Database, no: i64, due_at: Millis) -> Result<()> {
    const RESCHEDULE: &str = "UPDATE deliveries SET due_at = ? WHERE no = ? AND state = 'pending'";
    db.run(RESCHEDULE, &[Bind::Int(due_at.0), Bind::Int(no)])
}

/// Reschedules a delivery that could not be attempted, and stores the reason.
pub(crate) fn defer(db: &dyn Database, no: i64, due_at: Millis, reason: DeliveryReason) -> Result<()> {
    const DEFER: &str = "UPDATE deliveries SET due_at = ?, leased_until = NULL, reason = ? WHERE no = ? AND state = 'pending'";
    db.run(DEFER, &[Bind::Int(due_at.0), Bind::Text(reason.as_str()), Bind::Int(no)])
}

/// Updates a delivery that stays pending after an attempt.
pub(crate) fn retry(db: &dyn Database, delivery: &Delivery, at: Millis) -> Result<()> {
    const RETRY: &str =
        "UPDATE deliveries SET due_at = ?1, scheduled_at = ?1, first_at = ?2, failed_attempts = ?3,
            attempts = ?4, leased_until = NULL, reason = NULL
        WHERE no = ?5";
    let binds = [
        Bind::Int(at.0),
        Bind::MaybeInt(delivery.first_at.map(|at| at.0)),
        Bind::Int(delivery.failed_attempts.into()),
        Bind::Text(&delivery.attempts),
        Bind::Int(delivery.no),
    ];
    db.run(RETRY, &binds)
}

/// Ends a delivery.
pub(crate) fn end(
    db: &dyn Database,
    delivery: &Delivery,
    state: DeliveryState,
    at: Millis,
    reason: Option<DeliveryReason>,
) -> Result<()> {
    const END: &str =
        "UPDATE deliveries SET state = ?, ended_at = ?, reason = ?, failed_attempts = ?, attempts = ?,
            due_at = NULL, leased_until = NULL
        WHERE no = ?";
    let binds = [
        Bind::Text(state.as_str()),
        Bind::Int(at.0),
        Bind::Maybe(reason.map(DeliveryReason::as_str)),
        Bind::Int(delivery.failed_attempts.into()),
        Bind::Text(&delivery.attempts),
        Bind::Int(delivery.no),
    ];
    db.run(END, &binds)
}

/// Restarts a delivery, or makes a pending one due that is not leased: alone, or as part of a range. One that is due already
/// keeps its place among those that wait.
pub(crate) fn replay(
    db: &dyn Database,
    no: i64,
    created_at: Millis,
    at: Millis,
    replay: Option<&str>,
) -> Result<()> {
    const REPLAY: &str = "INSERT INTO deliveries
            (no, endpoint, state, created_at, due_at, scheduled_at, failed_attempts, replay_count, replay, attempts)
        VALUES (?1, ?2, 'pending', ?3, ?4, ?4, 0, 1, ?5, '[]')
        ON CONFLICT (no) DO UPDATE SET
            replay_count = replay_count + (state <> 'pending'), failed_attempts = IIF(state = 'pending', failed_attempts, 0),
            first_at = IIF(state = 'pending', first_at, NULL), state = 'pending',
            due_at = IIF(leased_until > ?4, due_at, MIN(COALESCE(due_at, ?4), ?4)), scheduled_at = IIF(state = 'pending', scheduled_at, ?4), replay = IIF(state = 'pending', COALESCE(?5, replay), ?5),
            ended_at = NULL, reason = NULL";
    let binds = [
        Bind::Int(no),
        Bind::Int(endpoint_of(no)),
        Bind::Int(created_at.0),
        Bind::Int(at.0),
        Bind::Maybe(replay),
    ];
    db.run(REPLAY, &binds)
}
