//! Reads deliveries for the API.

use base64ct::{Base64, Encoding};
use serde::Serialize;
use serde_json::value::RawValue;
use vtryon_webhooks::Millis;

use crate::protocol::delivery::{
    DeliveryState, ENDPOINT_NUMBERS, delivery_id, delivery_no, endpoint_of, seq_of,
};
use crate::protocol::settings::endpoint_id;
use crate::protocol::{Page, PageItem};
use crate::shard::deliveries;
use crate::shard::events;
use crate::shard::retention::erasure;
use crate::shard::sequence::task_events::with_task_events;
use crate::storage::database::{self, Bind, Database, Row};
use crate::text::{json, time};
use crate::{Error, Result};

/// How many events a filtered listing looks at for one page, so that a rare state costs no full scan; and how many numbers
/// their deliveries may have.
const EVENTS_PER_SCAN: i64 = 1000;
const NUMBERS_PER_SCAN: i64 = EVENTS_PER_SCAN * ENDPOINT_NUMBERS;

/// How many dead letters the listing of those of one endpoint looks at for one page: in their index alone, which has no
/// endpoint but in their numbers.
const DEAD_PER_SCAN: i64 = 10_000;

/// A delivery, as the API shows it.
#[derive(Serialize)]
pub(crate) struct DeliveryView {
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
    replay_count: i64,
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
pub(crate) struct DeliveryFilter<'a> {
    pub(crate) endpoint: Option<i64>,
    pub(crate) state: Option<DeliveryState>,
    pub(crate) task_id: Option<&'a str>,
    /// The digest of a body that cannot be parsed.
    pub(crate) digest: Option<&'a str>,
}

/// Returns a delivery with its attempts.
pub(crate) fn delivery(db: &dyn Database, shard: u32, no: i64) -> Result<Option<DeliveryView>> {
    const FIND: &str = select!("attempts", "WHERE no = ?");
    let stored = db.first(FIND, &[Bind::Int(no)], DeliveryRow::read)?;
    stored.map(|stored| show(db, shard, stored)).transpose()
}

/// The body that a delivery has.
#[derive(Serialize)]
pub(crate) struct BodyView {
    /// The bytes as received, in base64.
    body: String,
}

/// Returns the body of a delivery; none where the delivery does not exist, or its event is not stored any more.
pub(crate) fn delivery_body(db: &dyn Database, no: i64) -> Result<Option<BodyView>> {
    let seq = seq_of(no);
    if deliveries::rows::find(db, no)?.is_none() || events::find_deliverable(db, seq)?.is_none() {
        return Ok(None);
    }
    Ok(events::body(db, seq)?.map(|body| BodyView { body: Base64::encode_string(&body) }))
}

/// Lists deliveries, those of the latest events first.
pub(crate) fn deliveries(
    db: &dyn Database,
    shard: u32,
    before: Option<i64>,
    filter: &DeliveryFilter<'_>,
    limit: u32,
) -> Result<Page> {
    const ALL: &str = select_brief!("WHERE no < ? ORDER BY no DESC LIMIT ?");
    const DEAD: &str = select_brief!(
        "INDEXED BY deliveries_dead WHERE state = 'dead' AND no < ?1 AND no >= ?2
            AND (?3 IS NULL OR no % CAST(?4 AS INTEGER) = ?3)
        ORDER BY no DESC LIMIT ?5"
    );
    const FILTERED: &str = select_brief!(
        "WHERE no < ?1 AND no >= ?2 AND (?3 IS NULL OR endpoint = ?3) AND (?4 IS NULL OR state = ?4)
        ORDER BY no DESC LIMIT ?5"
    );
    let limited = Bind::Int(limit.into());
    let events = match (filter.task_id, filter.digest) {
        (Some(task_id), _) => Some(events_of_task(db, task_id, before)?),
        (None, Some(digest)) => Some(body_of(db, digest)?),
        (None, None) => None,
    };
    let (rows, floor) = match (events, filter.endpoint, filter.state) {
        (Some(events), endpoint, state) => {
            let mut rows = Vec::new();
            for seq in &events {
                let of_event = of_event(db, *seq)?.into_iter();
                rows.extend(of_event.filter(|row| {
                    endpoint.is_none_or(|no| endpoint_of(row.no) == no)
                        && state.is_none_or(|state| row.state == state.as_str())
                        && before.is_none_or(|before| row.no < before)
                }));
                if rows.len() >= limit as usize {
                    break;
                }
            }
            rows.truncate(limit as usize);
            let has_more = events.len() as i64 == EVENTS_PER_SCAN;
            let floor = events.last().filter(|_| has_more).map_or(0, |seq| delivery_no(*seq, 0));
            (rows, floor)
        }
        (None, None, None) => (db.all(ALL, &[database::before(before), limited], DeliveryRow::read)?, 0),
        (None, endpoint, Some(DeliveryState::Dead)) => {
            let floor = if endpoint.is_some() { dead_scanned_from(db, before)? } else { 0 };
            let binds = [
                database::before(before),
                Bind::Int(floor),
                Bind::MaybeInt(endpoint),
                Bind::Int(ENDPOINT_NUMBERS),
                limited,
            ];
            (db.all(DEAD, &binds, DeliveryRow::read)?, floor)
        }
        (None, endpoint, state) => {
            // Numbers without a delivery, as those that were pruned, cost no page.
            let top = latest_before(db, before)?.map_or(0, |latest| latest + 1);
            let floor = (top - NUMBERS_PER_SCAN).max(0);
            let binds = [
                Bind::Int(top),
                Bind::Int(floor),
                Bind::MaybeInt(endpoint),
                Bind::Maybe(state.map(DeliveryState::as_str)),
                limited,
            ];
            (db.all(FILTERED, &binds, DeliveryRow::read)?, floor)
        }
    };
    let is_full = rows.len() >= limit as usize;
    let items = rows.into_iter().map(|row| {
        let (no, at) = (row.no, Millis(row.created_at));
        Ok(PageItem::new(no, at, &show(db, shard, row)?))
    });
    let page = Page::new(items.collect::<Result<_>>()?, !is_full);
    if is_full || floor == 0 {
        return Ok(page);
    }
    // The window had too few: the next page begins below it, if there is anything.
    Ok(Page { next: latest_before(db, Some(floor))?.map(|_| floor), ..page })
}

/// Returns the number of the latest delivery before one, or of the latest of all.
fn latest_before(db: &dyn Database, bound: Option<i64>) -> Result<Option<i64>> {
    const LATEST: &str = "SELECT no FROM deliveries WHERE no < ? ORDER BY no DESC LIMIT 1";
    db.first(LATEST, &[database::before(bound)], Row::int)
}

/// Returns the first dead letter that a page looks at; 0 where it looks at all of them.
fn dead_scanned_from(db: &dyn Database, before: Option<i64>) -> Result<i64> {
    const FIRST: &str = "SELECT no FROM deliveries INDEXED BY deliveries_dead
        WHERE state = 'dead' AND no < ? ORDER BY no DESC LIMIT 1 OFFSET ?";
    let binds = [database::before(before), Bind::Int(DEAD_PER_SCAN - 1)];
    Ok(db.first(FIRST, &binds, Row::int)?.unwrap_or(0))
}

fn show(db: &dyn Database, shard: u32, row: DeliveryRow) -> Result<DeliveryView> {
    let seq = seq_of(row.no);
    let stored = events::find_deliverable(db, seq)?
        .ok_or_else(|| Error::from("the event of a delivery is missing"))?;
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
        created_at: time::rfc3339(Millis(row.created_at)),
        ended_at: row.ended_at.map(|at| time::rfc3339(Millis(at))),
        due_at: row.due_at.map(|at| time::rfc3339(Millis(at))),
        replay_count: row.replay_count,
        attempts: json::raw(row.attempts)?,
    })
}

/// Finds the events of a task whose deliveries may be before a number, the latest first, as many as a page looks at: from the
/// event of that number on, where it is one of the task, as a page's cursor is. There is none of a task that was erased, also
/// while its rows are left.
fn events_of_task(db: &dyn Database, task_id: &str, before: Option<i64>) -> Result<Vec<i64>> {
    const FOLLOW: &str = with_task_events!(
        "(SELECT COALESCE(
                (SELECT seq FROM events WHERE seq = CAST(?2 / ?3 AS INTEGER) AND task_no = tasks.no), last_seq
            ) FROM tasks WHERE task_id = ?1)",
        "-1",
        "SELECT seq FROM task_events WHERE seq * ?3 < ?2 LIMIT ?4"
    );
    if erasure::is_erased(db, task_id)? {
        return Ok(Vec::new());
    }
    let binds = [
        Bind::Text(task_id),
        database::before(before),
        Bind::Int(ENDPOINT_NUMBERS),
        Bind::Int(EVENTS_PER_SCAN),
    ];
    db.all(FOLLOW, &binds, Row::int)
}

/// Finds the quarantined body with a digest.
fn body_of(db: &dyn Database, digest: &str) -> Result<Vec<i64>> {
    db.all("SELECT no FROM quarantine WHERE digest = ?", &[Bind::Text(digest)], Row::int)
}

/// Finds the deliveries of an event, the last one first.
fn of_event(db: &dyn Database, seq: i64) -> Result<Vec<DeliveryRow>> {
    const OF_EVENT: &str = select_brief!("WHERE no BETWEEN ? AND ? ORDER BY no DESC");
    db.all(OF_EVENT, &deliveries::rows::range(seq), DeliveryRow::read)
}
