//! The rows of deliveries, and the statements that read and write them.
//!
//! A delivery is pending until it is `delivered`, `dead` or `superseded`. While it is pending, `due_at` says
//! when the alarm looks at it next. It is null while the Worker makes the first attempt, so a delivery that
//! arrives at once is written twice and is never in an index.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use worker::SqlStorage;

use crate::json;
use crate::platform::sql::{self, Bind, Row};
use crate::protocol::delivery::{ENDPOINT_NUMBERS, delivery_no};

/// How many attempts of a delivery are stored.
const MAX_RECORDS: usize = 12;

/// The state of a delivery.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum DeliveryState {
    #[default]
    Pending,
    Delivered,
    Dead,
    Superseded,
}

impl DeliveryState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead, Self::Superseded]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A delivery as it is stored.
pub(super) struct Delivery {
    pub(super) no: i64,
    pub(super) state: DeliveryState,
    pub(super) due_at: Option<Millis>,
    /// When its next attempt was due by the schedule, which an alarm may be late for.
    pub(super) scheduled_at: Millis,
    /// When the first attempt since the last replay was made.
    pub(super) first_at: Option<Millis>,
    /// How many attempts since the last replay have failed.
    pub(super) failed_attempts: u32,
    /// How often it was replayed by hand.
    pub(super) replay_count: i64,
    /// The range replay that it is part of.
    pub(super) replay: Option<String>,
    /// The attempts, as [`AttemptRecord`]s in JSON.
    pub(super) attempts: String,
}

/// An attempt as it is stored and shown.
#[derive(Serialize, Deserialize)]
pub(super) struct AttemptRecord {
    pub(super) round: i64,
    pub(super) attempt: u32,
    #[serde(default)]
    pub(super) due_at: String,
    #[serde(default)]
    pub(super) attempted_at: String,
    pub(super) took_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// The first KiB of a failure's answer; empty for a success.
    #[serde(default)]
    pub(super) answer: String,
    /// Where a redirect leads: the host alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) location_host: Option<String>,
    /// Whether the receiver took the previous secret alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) previous_secret: bool,
}

/// Selects the columns of [`Delivery`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT no, state, due_at, scheduled_at, first_at, failed_attempts, replay_count, replay, attempts FROM deliveries ",
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
            scheduled_at: Millis(row.int()),
            first_at: row.maybe_int().map(Millis),
            failed_attempts: u32::try_from(row.int()).unwrap_or(u32::MAX),
            replay_count: row.int(),
            replay: row.maybe_text(),
            attempts: row.text(),
        }
    }

    /// Adds an attempt to the stored ones; drops the oldest where there are too many.
    pub(super) fn record(&mut self, record: AttemptRecord) -> worker::Result<()> {
        let mut attempts: Vec<AttemptRecord> = json::read(&self.attempts)?;
        attempts.push(record);
        let first = attempts.len().saturating_sub(MAX_RECORDS);
        self.attempts = json::to_string(&attempts.get(first..).unwrap_or_default());
        Ok(())
    }
}

/// Returns the first and the last delivery number that an event can have.
pub(super) const fn range(seq: i64) -> [Bind<'static>; 2] {
    [Bind::Int(delivery_no(seq, 0)), Bind::Int(delivery_no(seq + 1, 0) - 1)]
}

/// Inserts a pending delivery. Without `due_at` the Worker has leased its first attempt.
pub(super) fn create(
    sql: &SqlStorage,
    no: i64,
    created_at: Millis,
    due_at: Option<Millis>,
) -> worker::Result<()> {
    const CREATE: &str = "INSERT INTO deliveries
            (no, endpoint, state, created_at, due_at, scheduled_at, failed_attempts, replay_count, attempts)
        VALUES (?1, ?2, 'pending', ?3, ?4, ?3, 0, 0, '[]')";
    let binds = [
        Bind::Int(no),
        Bind::Int(no % ENDPOINT_NUMBERS),
        Bind::Int(created_at.0),
        Bind::MaybeInt(due_at.map(|at| at.0)),
    ];
    sql::run(sql, CREATE, &binds)
}

pub(super) fn find(sql: &SqlStorage, no: i64) -> worker::Result<Option<Delivery>> {
    sql::first(sql, select!("WHERE no = ?"), &[Bind::Int(no)], Delivery::read)
}

/// Finds deliveries that are due to an endpoint, the longest due first.
pub(super) fn due(sql: &SqlStorage, endpoint: i64, now: Millis, limit: i64) -> worker::Result<Vec<Delivery>> {
    const DUE: &str =
        select!("INDEXED BY deliveries_due WHERE endpoint = ? AND due_at <= ? ORDER BY due_at LIMIT ?");
    sql::all(sql, DUE, &[Bind::Int(endpoint), Bind::Int(now.0), Bind::Int(limit)], Delivery::read)
}

/// Finds pending deliveries of an endpoint that the Worker has not leased, whenever they are due.
pub(super) fn pending(sql: &SqlStorage, endpoint: i64, limit: i64) -> worker::Result<Vec<Delivery>> {
    const PENDING: &str = select!(
        "INDEXED BY deliveries_due WHERE endpoint = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?"
    );
    sql::all(sql, PENDING, &[Bind::Int(endpoint), Bind::Int(limit)], Delivery::read)
}

/// Returns when the first delivery to an endpoint is due.
pub(super) fn next_due(sql: &SqlStorage, endpoint: i64) -> worker::Result<Option<Millis>> {
    const NEXT: &str = "SELECT due_at FROM deliveries INDEXED BY deliveries_due
        WHERE endpoint = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1";
    Ok(sql::first(sql, NEXT, &[Bind::Int(endpoint)], Row::int)?.map(Millis))
}

/// Finds pending deliveries of events from `seq` on whose first attempt was leased.
pub(super) fn leased(sql: &SqlStorage, seq: i64) -> worker::Result<Vec<i64>> {
    const LEASED: &str = "SELECT no FROM deliveries WHERE no >= ? AND state = 'pending' AND due_at IS NULL";
    sql::all(sql, LEASED, &[Bind::Int(delivery_no(seq, 0))], Row::int)
}

/// Sets when a pending delivery is due.
pub(super) fn reschedule(sql: &SqlStorage, no: i64, due_at: Millis) -> worker::Result<()> {
    const RESCHEDULE: &str = "UPDATE deliveries SET due_at = ? WHERE no = ? AND state = 'pending'";
    sql::run(sql, RESCHEDULE, &[Bind::Int(due_at.0), Bind::Int(no)])
}

/// Reschedules a delivery that could not be attempted, and stores the reason.
pub(super) fn defer(sql: &SqlStorage, no: i64, due_at: Millis, reason: &str) -> worker::Result<()> {
    const DEFER: &str = "UPDATE deliveries SET due_at = ?, reason = ? WHERE no = ? AND state = 'pending'";
    sql::run(sql, DEFER, &[Bind::Int(due_at.0), Bind::Text(reason), Bind::Int(no)])
}

/// Updates a delivery that stays pending after an attempt.
pub(super) fn retry(sql: &SqlStorage, delivery: &Delivery, at: Millis) -> worker::Result<()> {
    const RETRY: &str =
        "UPDATE deliveries SET due_at = ?1, scheduled_at = ?1, first_at = ?2, failed_attempts = ?3,
            attempts = ?4, reason = NULL
        WHERE no = ?5";
    let binds = [
        Bind::Int(at.0),
        Bind::MaybeInt(delivery.first_at.map(|at| at.0)),
        Bind::Int(delivery.failed_attempts.into()),
        Bind::Text(&delivery.attempts),
        Bind::Int(delivery.no),
    ];
    sql::run(sql, RETRY, &binds)
}

/// Ends a delivery.
pub(super) fn end(
    sql: &SqlStorage,
    delivery: &Delivery,
    state: DeliveryState,
    at: Millis,
    reason: Option<&str>,
) -> worker::Result<()> {
    const END: &str =
        "UPDATE deliveries SET state = ?, ended_at = ?, reason = ?, failed_attempts = ?, attempts = ?,
            due_at = NULL
        WHERE no = ?";
    let binds = [
        Bind::Text(state.as_str()),
        Bind::Int(at.0),
        Bind::Maybe(reason),
        Bind::Int(delivery.failed_attempts.into()),
        Bind::Text(&delivery.attempts),
        Bind::Int(delivery.no),
    ];
    sql::run(sql, END, &binds)
}

/// Restarts a delivery, or makes a pending one due: by hand, or as part of a range.
pub(super) fn replay(
    sql: &SqlStorage,
    no: i64,
    created_at: Millis,
    at: Millis,
    replay: Option<&str>,
) -> worker::Result<()> {
    const REPLAY: &str = "INSERT INTO deliveries
            (no, endpoint, state, created_at, due_at, scheduled_at, failed_attempts, replay_count, replay, attempts)
        VALUES (?1, ?2, 'pending', ?3, ?4, ?4, 0, 1, ?5, '[]')
        ON CONFLICT (no) DO UPDATE SET
            replay_count = replay_count + (state <> 'pending'), failed_attempts = IIF(state = 'pending', failed_attempts, 0),
            first_at = IIF(state = 'pending', first_at, NULL), state = 'pending',
            due_at = ?4, scheduled_at = IIF(state = 'pending', scheduled_at, ?4), replay = IIF(state = 'pending', COALESCE(?5, replay), ?5),
            ended_at = NULL, reason = NULL";
    let binds = [
        Bind::Int(no),
        Bind::Int(no % ENDPOINT_NUMBERS),
        Bind::Int(created_at.0),
        Bind::Int(at.0),
        Bind::Maybe(replay),
    ];
    sql::run(sql, REPLAY, &binds)
}
