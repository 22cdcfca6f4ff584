//! An event that was just stored: its row, its task, and its deliveries.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::Content;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::settings::Endpoint;
use vtryon_gateway_engine::storage::database::{Bind, Value};

use crate::actors::worker::show;
use crate::platform::database::text;
use crate::violation::ensure;
use crate::world::World;

/// Checks that the engine has read a body as it is written: the oracle decides by what was read.
pub fn of_content(content: &Content, body: &[u8]) {
    let json: Option<Json> = serde_json::from_slice(body).ok();
    let at = |pointer: &str| json.as_ref().and_then(|json| json.pointer(pointer)?.as_str());
    let is_same = match content {
        Content::Status { task_id, status, result_url, failure } => {
            at("/event") == Some("generation.status_changed")
                && at("/task_id") == Some(&**task_id)
                && at("/status") == Some(&**status)
                && at("/data/result_url") == result_url.as_deref()
                && at("/error/message") == failure.as_deref()
        }
        Content::Other { task_id, name } => {
            at("/task_id") == Some(&**task_id) && at("/event") == Some(&**name)
        }
        Content::Unreadable { .. } => json.is_none(),
    };
    ensure!(is_same, "a body is read as it is written", "{}", show(body));
}

/// Checks an event that was just stored: its row, its task, and its deliveries.
pub fn of_stored_event(
    world: &World,
    shard: usize,
    (seq, is_imported): (i64, bool),
    content: &Content,
    body: &[u8],
    outcome: &str,
) {
    const EVENT: &str = "SELECT outcome, body FROM events WHERE seq = ?1
        UNION ALL SELECT 'quarantined', body FROM quarantine WHERE no = ?1";
    const TASK: &str = "SELECT stage FROM tasks WHERE task_id = ?";
    const ENDPOINTS: &str = "SELECT endpoint FROM deliveries WHERE no BETWEEN ? AND ? ORDER BY no";
    let object = &world.shards[shard];
    let event = object.db.rows(EVENT, &[Bind::Int(seq)]);
    let is_whole =
        matches!(&event[..], [row] if text(&row[0]) == outcome && row[1] == Value::Blob(body.to_vec()));
    ensure!(is_whole, "an event is stored as it was received, with its outcome", "{seq}: {outcome}");
    let (task_id, status) = match content {
        Content::Status { task_id, status, .. } => (Some(task_id), Some(status.as_str())),
        Content::Other { task_id, .. } => (Some(task_id), None),
        Content::Unreadable { .. } => (None, None),
    };
    if let Some(task_id) = task_id {
        let row = object.db.rows(TASK, &[Bind::Text(task_id)]);
        let stage = row.first().map_or("", |row| text(&row[0]));
        let known = object.oracle.tasks.get(task_id).and_then(|task| task.status.as_deref()).unwrap_or("");
        ensure!(stage == known, "a status never goes back", "{task_id} is {stage:?}, and not {known:?}");
    }
    let name = match content {
        Content::Other { name, .. } => name.as_str(),
        Content::Status { .. } => "generation.status_changed",
        Content::Unreadable { .. } => "",
    };
    let entry = &object.log.entries[&seq];
    ensure!(
        entry.name == name && entry.status.as_deref() == status && entry.task_id.as_ref() == task_id,
        "an event is stored as it was received, with its outcome",
        "{seq}: {} {:?}",
        entry.name,
        entry.status
    );
    let range = [Bind::Int(delivery_no(seq, 0)), Bind::Int(delivery_no(seq + 1, 0) - 1)];
    let enqueued = object.db.integers(ENDPOINTS, &range);
    if is_imported {
        ensure!(
            enqueued.is_empty(),
            "an imported event is never delivered",
            "{seq} of shard {shard} to {enqueued:?}"
        );
        return;
    }
    let mut expected: Vec<i64> = object
        .settings
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.options.enabled && !endpoint.options.is_alert_destination())
        .filter(|endpoint| takes(endpoint, outcome, name, status))
        .map(|endpoint| endpoint.no)
        .collect();
    expected.sort_unstable();
    ensure!(
        enqueued == expected,
        "an event is enqueued to every endpoint that takes it",
        "{seq} of shard {shard} to {enqueued:?} instead of {expected:?}"
    );
}

/// Returns whether an endpoint takes an event, by its filter.
pub fn takes(endpoint: &Endpoint, outcome: &str, name: &str, status: Option<&str>) -> bool {
    let options = &endpoint.options;
    let is_named = options.events.iter().any(|event| event == name);
    let any_event = options.events.is_empty();
    let is_listed = status.is_some_and(|status| options.statuses.iter().any(|listed| listed == status));
    let includes = |what| options.include.iter().any(|included| included == what);
    match (outcome, status) {
        ("applied", _) => (any_event || is_named) && (options.statuses.is_empty() || is_listed),
        ("unknown", Some(_)) => (any_event || is_named) && (includes("unknown") || is_listed),
        ("unknown", None) => is_named || (includes("unknown") && any_event),
        ("quarantined", _) => includes("quarantined"),
        _ => false,
    }
}
