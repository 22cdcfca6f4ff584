//! Reads deliveries for the API.

use serde::Serialize;
use serde_json::value::RawValue;
use vtryon_webhooks::Millis;
use worker::SqlStorage;

use crate::objects::shard::deliveries::DeliveryState;
use crate::objects::shard::{TaskShard, deliveries, events};
use crate::platform::clock;
use crate::platform::sql::{self, Bind, Row};
use crate::protocol::delivery::{ENDPOINT_NUMBERS, delivery_id, endpoint_of, seq_of};
use crate::protocol::settings::endpoint_id;
use crate::protocol::{Page, PageItem};

/// How many events a filtered listing looks at for one page, so that a rare state costs no full scan.
const WINDOW: i64 = 1000 * ENDPOINT_NUMBERS;

/// A delivery, as the API shows it.
#[derive(Serialize)]
pub(in crate::objects::shard) struct DeliveryView {
    id: String,
    endpoint: String,
    /// `None` for a body that cannot be parsed.
    task_id: Option<String>,
    event: Option<String>,
    status: Option<String>,
    outcome: String,
    seq: i64,
    webhook_id: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    created_at: String,
    ended_at: Option<String>,
    /// When the next attempt is due; null when the delivery has ended, or its first attempt is in progress.
    due_at: Option<String>,
    /// How often it was replayed.
    replays: i64,
    /// The attempts of the last rounds. A listing has the last one alone, without its answer.
    attempts: Box<RawValue>,
}

/// A delivery's row, as far as it is shown.
struct DeliveryRow {
    no: i64,
    state: String,
    reason: Option<String>,
    created_at: i64,
    ended_at: Option<i64>,
    due_at: Option<i64>,
    replay_count: i64,
    attempts: String,
}

/// Selects the columns of [`DeliveryRow`], with the attempts as the first parameter's expression makes them.
macro_rules! select {
    ($attempts:literal, $rest:literal) => {
        concat!(
            "SELECT no, state, reason, created_at, ended_at, IIF(due_at IS NULL, NULL, scheduled_at), replay_count, ",
            $attempts,
            " FROM deliveries ",
            $rest
        )
    };
}

/// The last attempt without its answer.
macro_rules! select_brief {
    ($rest:literal) => {
        select!(
            "IIF(json_array_length(attempts) = 0, '[]',
                json_array(json_remove(json_extract(attempts, '$[#-1]'), '$.answer')))",
            $rest
        )
    };
}

impl DeliveryRow {
    fn read(row: &mut Row) -> Self {
        Self {
            no: row.int(),
            state: row.text(),
            reason: row.maybe_text(),
            created_at: row.int(),
            ended_at: row.maybe_int(),
            due_at: row.maybe_int(),
            replay_count: row.int(),
            attempts: row.text(),
        }
    }
}

/// Which deliveries a listing has.
pub(in crate::objects::shard) struct DeliveryFilter<'a> {
    pub(in crate::objects::shard) endpoint: Option<i64>,
    pub(in crate::objects::shard) state: Option<&'a str>,
    pub(in crate::objects::shard) task_id: Option<&'a str>,
    /// The digest of a body that cannot be parsed.
    pub(in crate::objects::shard) digest: Option<&'a str>,
}

impl TaskShard {
    /// Returns a delivery with its attempts.
    pub(in crate::objects::shard) fn delivery(
        &self,
        shard: u32,
        no: i64,
    ) -> worker::Result<Option<DeliveryView>> {
        const FIND: &str = select!("attempts", "WHERE no = ?");
        let stored = sql::first(&self.state.storage().sql(), FIND, &[Bind::Int(no)], DeliveryRow::read)?;
        stored.map(|stored| self.show(shard, stored)).transpose()
    }

    /// Lists deliveries, those of the latest events first.
    pub(in crate::objects::shard) fn deliveries(
        &self,
        shard: u32,
        before: Option<i64>,
        filter: &DeliveryFilter<'_>,
        limit: u32,
    ) -> worker::Result<Page> {
        const ALL: &str = select_brief!("WHERE no < ? ORDER BY no DESC LIMIT ?");
        const DEAD: &str = select_brief!(
            "INDEXED BY deliveries_dead WHERE state = 'dead' AND no < ? AND (?2 IS NULL OR endpoint = ?2)
            ORDER BY no DESC LIMIT ?3"
        );
        const FILTERED: &str = select_brief!(
            "WHERE no < ?1 AND no >= ?2 AND (?3 IS NULL OR endpoint = ?3) AND (?4 IS NULL OR state = ?4)
            ORDER BY no DESC LIMIT ?5"
        );
        let sql = self.state.storage().sql();
        let limited = Bind::Int(limit.into());
        let events = match (filter.task_id, filter.digest) {
            (Some(task_id), _) => Some(events_of_task(&sql, task_id)?),
            (None, Some(digest)) => Some(body_of(&sql, digest)?),
            (None, None) => None,
        };
        let (rows, floor) = match (events, filter.endpoint, filter.state) {
            (Some(events), endpoint, state) => {
                let mut rows = of_events(&sql, &events)?;
                rows.retain(|row| {
                    endpoint.is_none_or(|no| endpoint_of(row.no) == no)
                        && state.is_none_or(|state| row.state == state)
                        && before.is_none_or(|before| row.no < before)
                });
                rows.truncate(limit as usize);
                (rows, 0)
            }
            (None, None, None) => {
                (sql::all(&sql, ALL, &[sql::before(before), limited], DeliveryRow::read)?, 0)
            }
            (None, endpoint, Some(state)) if state == DeliveryState::Dead.as_str() => {
                let binds = [sql::before(before), Bind::MaybeInt(endpoint), limited];
                (sql::all(&sql, DEAD, &binds, DeliveryRow::read)?, 0)
            }
            (None, endpoint, state) => {
                let top = before.map_or_else(|| self.next_delivery(), Ok)?;
                let floor = (top - WINDOW).max(0);
                let binds =
                    [Bind::Int(top), Bind::Int(floor), Bind::MaybeInt(endpoint), Bind::Maybe(state), limited];
                (sql::all(&sql, FILTERED, &binds, DeliveryRow::read)?, floor)
            }
        };
        let is_full = rows.len() >= limit as usize;
        let items = rows.into_iter().map(|row| {
            let (no, at) = (row.no, Millis(row.created_at));
            Ok(PageItem::new(no, at, &self.show(shard, row)?))
        });
        let page = Page::new(items.collect::<worker::Result<_>>()?, !is_full);
        // Where the window had too few, the next page begins below it.
        Ok(Page { next: page.next.or((!is_full && floor > 0).then_some(floor)), ..page })
    }

    /// Returns a number above that of every delivery.
    fn next_delivery(&self) -> worker::Result<i64> {
        const LAST: &str = "SELECT COALESCE(MAX(no), 0) FROM deliveries";
        Ok(sql::first(&self.state.storage().sql(), LAST, &[], Row::int)?.unwrap_or(0) + 1)
    }

    fn show(&self, shard: u32, row: DeliveryRow) -> worker::Result<DeliveryView> {
        let seq = seq_of(row.no);
        let stored = events::find_deliverable(&self.state.storage().sql(), seq)?
            .ok_or_else(|| worker::Error::from("the event of a delivery is missing"))?;
        Ok(DeliveryView {
            id: delivery_id(shard, row.no),
            endpoint: endpoint_id(endpoint_of(row.no)),
            webhook_id: stored.identity().webhook_id(),
            event: stored.event().map(str::to_owned),
            task_id: stored.task_id,
            status: stored.status,
            outcome: stored.outcome,
            seq,
            state: row.state,
            reason: row.reason,
            created_at: clock::rfc3339(Millis(row.created_at)),
            ended_at: row.ended_at.map(|at| clock::rfc3339(Millis(at))),
            due_at: row.due_at.map(|at| clock::rfc3339(Millis(at))),
            replays: row.replay_count,
            attempts: RawValue::from_string(row.attempts)?,
        })
    }
}

/// Finds the events of a task, the latest first.
fn events_of_task(sql: &SqlStorage, task_id: &str) -> worker::Result<Vec<i64>> {
    const FOLLOW: &str = "WITH RECURSIVE line (seq, previous) AS (
            SELECT seq, previous FROM events WHERE seq = (SELECT last_seq FROM tasks WHERE task_id = ?)
            UNION ALL
            SELECT e.seq, e.previous FROM line JOIN events e ON e.seq = line.previous LIMIT 100
        ) SELECT seq FROM line";
    sql::all(sql, FOLLOW, &[Bind::Text(task_id)], Row::int)
}

/// Finds the quarantined body with a digest.
fn body_of(sql: &SqlStorage, digest: &str) -> worker::Result<Vec<i64>> {
    sql::all(sql, "SELECT no FROM quarantine WHERE digest = ?", &[Bind::Text(digest)], Row::int)
}

fn of_events(sql: &SqlStorage, events: &[i64]) -> worker::Result<Vec<DeliveryRow>> {
    const OF_EVENT: &str = select_brief!("WHERE no BETWEEN ? AND ? ORDER BY no DESC");
    let mut rows = Vec::new();
    for seq in events {
        rows.extend(sql::all(sql, OF_EVENT, &deliveries::range(*seq), DeliveryRow::read)?);
    }
    Ok(rows)
}
