//! The order of deliveries: pending deliveries of one task to one endpoint are made in order, one at a time.

use vtryon_webhooks::Millis;

use super::{Delivery, rows};
use crate::Result;
use crate::protocol::delivery::{ENDPOINT_NUMBERS, endpoint_of, seq_of};
use crate::shard::sequence::task_events::with_task_events;
use crate::storage::database::{Bind, Database, Row};

/// A pending delivery of a task, as far as the order needs it. A delivery that was replayed is not part of the
/// order: it is made when it is asked for.
pub(crate) struct PendingDelivery {
    pub(crate) no: i64,
    pub(crate) due_at: Option<Millis>,
    leased_until: Option<Millis>,
    pub(crate) scheduled_at: Millis,
    /// Whether its event has moved the task: one of the four statuses, which a newer one may supersede.
    pub(crate) is_applied: bool,
}

impl PendingDelivery {
    pub(crate) const fn endpoint(&self) -> i64 {
        endpoint_of(self.no)
    }

    pub(crate) fn is_leased(&self, now: Millis) -> bool {
        self.leased_until.is_some_and(|until| now < until)
    }

    /// Makes it due. What is due already keeps its place among those that wait.
    pub(crate) fn expedite(&self, db: &dyn Database, now: Millis) -> Result<()> {
        if self.due_at.is_some_and(|due_at| due_at <= now) {
            return Ok(());
        }
        rows::reschedule(db, self.no, now)
    }
}

/// Finds the pending deliveries of a task to all endpoints, in order, among its last 100 events up to `last_seq`.
pub(crate) fn of_task(db: &dyn Database, last_seq: i64) -> Result<Vec<PendingDelivery>> {
    const PENDING: &str = with_task_events!(
        "?1",
        "100",
        "SELECT d.no, d.due_at, d.leased_until, d.scheduled_at, task_events.outcome = 'applied'
        FROM task_events CROSS JOIN deliveries d ON d.no BETWEEN task_events.seq * ?2 AND task_events.seq * ?2 + ?2 - 1
        WHERE d.state = 'pending' AND d.replay_count = 0 ORDER BY d.no"
    );
    db.all(PENDING, &[Bind::Int(last_seq), Bind::Int(ENDPOINT_NUMBERS)], |row| PendingDelivery {
        no: row.int(),
        due_at: row.maybe_int().map(Millis),
        leased_until: row.maybe_int().map(Millis),
        scheduled_at: Millis(row.int()),
        is_applied: row.int() == 1,
    })
}

/// Finds the pending deliveries with the task and the endpoint of a delivery, itself included. A quarantined
/// body has none.
pub(crate) fn of_delivery(db: &dyn Database, no: i64) -> Result<Vec<PendingDelivery>> {
    of_endpoint(db, last_seq_of_task(db, no)?, endpoint_of(no))
}

/// Finds the first of them that comes after the delivery. There is none after the last event of a task, as most are when
/// they arrive.
pub(crate) fn next_after(db: &dyn Database, no: i64) -> Result<Option<PendingDelivery>> {
    let last_seq = last_seq_of_task(db, no)?.filter(|last_seq| *last_seq > seq_of(no));
    let pending = of_endpoint(db, last_seq, endpoint_of(no))?;
    Ok(pending.into_iter().find(|delivery| delivery.no > no))
}

/// Returns the delivery that has to arrive before a pending one, if there is one. Its end makes that one due.
pub(crate) fn blocking(db: &dyn Database, delivery: &Delivery) -> Result<Option<PendingDelivery>> {
    if delivery.replay_count > 0 {
        return Ok(None);
    }
    let pending = of_delivery(db, delivery.no)?;
    Ok(pending.into_iter().next().filter(|first| first.no < delivery.no))
}

/// Makes the delivery due that has to arrive before a pending one, unless an attempt of it is in progress.
pub(crate) fn expedite_blocking(db: &dyn Database, delivery: &Delivery, now: Millis) -> Result<()> {
    match blocking(db, delivery)?.filter(|blocking| !blocking.is_leased(now)) {
        Some(blocking) => blocking.expedite(db, now),
        None => Ok(()),
    }
}

/// Finds the pending deliveries of a task to an endpoint; none without a last event.
fn of_endpoint(db: &dyn Database, last_seq: Option<i64>, endpoint: i64) -> Result<Vec<PendingDelivery>> {
    let Some(last_seq) = last_seq else { return Ok(Vec::new()) };
    let mut pending = of_task(db, last_seq)?;
    pending.retain(|delivery| delivery.endpoint() == endpoint);
    Ok(pending)
}

/// Returns the number of the last event of a delivery's task.
fn last_seq_of_task(db: &dyn Database, no: i64) -> Result<Option<i64>> {
    const LAST: &str = "SELECT last_seq FROM tasks WHERE no = (SELECT task_no FROM events WHERE seq = ?)";
    db.first(LAST, &[Bind::Int(seq_of(no))], Row::int)
}
