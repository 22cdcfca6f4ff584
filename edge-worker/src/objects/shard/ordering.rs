//! The order of deliveries: pending deliveries of one task to one endpoint are made in order, one at a time.

use vtryon_webhooks::Millis;
use worker::SqlStorage;

use crate::platform::sql::{self, Bind, Row};
use crate::protocol::delivery::{ENDPOINT_NUMBERS, endpoint_of, seq_of};

/// A pending delivery of a task, as far as the order needs it. A delivery that was replayed by hand is not part
/// of the order: it is made when it is asked for.
pub(super) struct PendingDelivery {
    pub(super) no: i64,
    pub(super) due_at: Option<Millis>,
    /// Whether its event tells a status.
    pub(super) has_status: bool,
    /// Whether its event has moved the task.
    pub(super) is_applied: bool,
}

impl PendingDelivery {
    pub(super) const fn endpoint(&self) -> i64 {
        endpoint_of(self.no)
    }
}

/// Finds the pending deliveries of a task to all endpoints, in order, among its last 100 events up to `last_seq`.
pub(super) fn of_task(sql: &SqlStorage, last_seq: i64) -> worker::Result<Vec<PendingDelivery>> {
    const PENDING: &str = "WITH RECURSIVE line (seq, previous, status, outcome) AS (
            SELECT seq, previous, status, outcome FROM events WHERE seq = ?1
            UNION ALL
            SELECT e.seq, e.previous, e.status, e.outcome
            FROM line JOIN events e ON e.seq = line.previous LIMIT 100
        ) SELECT d.no, d.due_at, line.status IS NOT NULL, line.outcome = 'applied'
        FROM line CROSS JOIN deliveries d ON d.no BETWEEN line.seq * ?2 AND line.seq * ?2 + ?2 - 1
        WHERE d.state = 'pending' AND d.replay_count = 0 ORDER BY d.no";
    sql::all(sql, PENDING, &[Bind::Int(last_seq), Bind::Int(ENDPOINT_NUMBERS)], |row| PendingDelivery {
        no: row.int(),
        due_at: row.maybe_int().map(Millis),
        has_status: row.int() == 1,
        is_applied: row.int() == 1,
    })
}

/// Finds the pending deliveries with the task and the endpoint of a delivery, itself included. A quarantined
/// body has none.
pub(super) fn of_delivery(sql: &SqlStorage, no: i64) -> worker::Result<Vec<PendingDelivery>> {
    const HEAD: &str = "SELECT last_seq FROM tasks WHERE no = (SELECT task_no FROM events WHERE seq = ?)";
    let Some(last_seq) = sql::first(sql, HEAD, &[Bind::Int(seq_of(no))], Row::int)? else {
        return Ok(Vec::new());
    };
    let mut pending = of_task(sql, last_seq)?;
    pending.retain(|delivery| delivery.endpoint() == endpoint_of(no));
    Ok(pending)
}
