//! The rows of alerts, a JSON document for each cause and endpoint, and of messages that no shard has confirmed.

use vtryon_webhooks::Millis;

use super::cause::Cause;
use super::message::{MessagePart, QueuedMessage};
use super::state::Alert;
use crate::Result;
use crate::storage::database::{Bind, Database, Row};
use crate::storage::meta;
use crate::text::json;

pub(super) fn find(db: &dyn Database, cause: Cause, endpoint: i64) -> Result<Option<Alert>> {
    const FIND: &str = "SELECT doc FROM alerts WHERE cause = ? AND endpoint = ?";
    let doc = db.first(FIND, &[Bind::Text(cause.as_str()), Bind::Int(endpoint)], Row::text)?;
    doc.map(|doc| json::read(&doc)).transpose()
}

pub(super) fn put(db: &dyn Database, cause: Cause, endpoint: i64, alert: &Alert) -> Result<()> {
    const PUT: &str = "INSERT INTO alerts (cause, endpoint, doc) VALUES (?, ?, ?)
        ON CONFLICT (cause, endpoint) DO UPDATE SET doc = excluded.doc";
    let doc = json::to_string(alert);
    db.run(PUT, &[Bind::Text(cause.as_str()), Bind::Int(endpoint), Bind::Text(&doc)])
}

/// Returns all alerts, each with its cause and endpoint. A cause that only a newer version knows is left out.
pub(super) fn all(db: &dyn Database) -> Result<Vec<(Cause, i64, Alert)>> {
    const ALL: &str = "SELECT cause, endpoint, doc FROM alerts ORDER BY cause, endpoint";
    let rows = db.all(ALL, &[], |row| (Cause::from_name(&row.text()), row.int(), row.text()))?;
    let known = rows.into_iter().filter_map(|(cause, endpoint, doc)| Some((cause?, endpoint, doc)));
    known.map(|(cause, endpoint, doc)| Ok((cause, endpoint, json::read(&doc)?))).collect()
}

pub(super) fn delete(db: &dyn Database, cause: Cause, endpoint: i64) -> Result<()> {
    const DELETE: &str = "DELETE FROM alerts WHERE cause = ? AND endpoint = ?";
    db.run(DELETE, &[Bind::Text(cause.as_str()), Bind::Int(endpoint)])
}

/// Deletes what there is about an endpoint that is no more.
pub(super) fn delete_of(db: &dyn Database, endpoint: i64) -> Result<()> {
    db.run("DELETE FROM alerts WHERE endpoint = ?", &[Bind::Int(endpoint)])
}

/// Stores a message that is to be sent, under a number that none has had before.
pub(super) fn enqueue(db: &dyn Database, event: &str, parts: Vec<MessagePart>, at: Millis) -> Result<()> {
    const ENQUEUE: &str = "INSERT INTO alert_messages (no, doc) VALUES (?, ?)";
    const LAST: &str = "last_alert_message";
    let no = meta::number(db, LAST)? + 1;
    meta::set(db, LAST, no)?;
    let message = QueuedMessage { no, at, event: event.to_owned(), parts };
    db.run(ENQUEUE, &[Bind::Int(no), Bind::Text(&json::to_string(&message))])
}

pub(super) fn dequeue(db: &dyn Database, no: i64) -> Result<()> {
    db.run("DELETE FROM alert_messages WHERE no = ?", &[Bind::Int(no)])
}

/// Returns the messages that are to be sent, in order.
pub(super) fn queued(db: &dyn Database) -> Result<Vec<QueuedMessage>> {
    let docs = db.all("SELECT doc FROM alert_messages ORDER BY no", &[], Row::text)?;
    docs.iter().map(|doc| json::read(doc)).collect()
}

pub(super) fn has_queued(db: &dyn Database) -> Result<bool> {
    Ok(db.first("SELECT 1 FROM alert_messages LIMIT 1", &[], Row::int)?.is_some())
}
