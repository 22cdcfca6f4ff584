//! The audit trail: who has changed what through the API, and when.
//!
//! A record is written in the transaction of the change. Where a shard makes the change, it is written before: a record
//! may then stand for a change that failed, but no change is without one.

use serde::Serialize;
use vtryon_webhooks::Millis;

use super::input::refuse;
use crate::access::actor::Actor;
use crate::protocol::AuditedRequest;
use crate::protocol::page::cursor::parse_no;
use crate::storage::database::{Bind, Database, before};
use crate::text::json;
use crate::text::time::rfc3339;
use crate::{Context, Failure, Result};

/// How many records are kept at most, beside the retention.
pub const MAX_RECORDS: i64 = 10_000;

/// For how long one record stands for the requests of an import, in seconds, and among how many of the latest records it is
/// looked for.
const IMPORT_RECORDED_FOR: i64 = 3600;
const LOOKED_AT: i64 = 100;

/// A record as it is shown.
#[derive(Serialize)]
struct RecordView {
    at: String,
    actor: Actor,
    operation: String,
    /// The id of what was changed.
    target: String,
    /// The address that the request came from; null where it is unknown.
    address: Option<String>,
}

/// A page of records, the latest first. The cursor leads to the next; on the last page it is null.
#[derive(Serialize)]
pub struct AuditPage {
    records: Vec<RecordView>,
    cursor: Option<String>,
}

/// Records a change, and deletes what is too old or too much; nothing where no request of the API asks for the change.
pub fn record(context: &Context<'_>, request: Option<&AuditedRequest>, target: &str) -> Result<()> {
    const ADD: &str = "INSERT INTO audit (at, target, doc) VALUES (?, ?, ?)";
    const DELETE: &str = "DELETE FROM audit WHERE no <= (SELECT MAX(no) FROM audit) - ?";
    let Some(request) = request else { return Ok(()) };
    let Context { db, now, .. } = *context;
    db.run(ADD, &[Bind::Int(now.0), Bind::Text(target), Bind::Text(&json::to_string(request))])?;
    db.run(DELETE, &[Bind::Int(MAX_RECORDS)])?;
    expire(context)
}

/// Records an import, once an hour for all of its requests: a million events are thousands of them.
pub fn record_import(context: &Context<'_>, request: Option<&AuditedRequest>) -> Result<()> {
    const KNOWN: &str =
        "SELECT 1 FROM audit WHERE no > (SELECT MAX(no) FROM audit) - ? AND at > ? AND doc = ? LIMIT 1";
    let Some(document) = request.map(json::to_string) else { return Ok(()) };
    let since = context.now.plus_seconds(-IMPORT_RECORDED_FOR);
    let binds = [Bind::Int(LOOKED_AT), Bind::Int(since.0), Bind::Text(&document)];
    match context.db.first(KNOWN, &binds, |_| ())? {
        Some(()) => Ok(()),
        None => record(context, request, "events"),
    }
}

/// Deletes the records that are older than the retention. They are in the order of time, so that only those are read.
pub fn expire(context: &Context<'_>) -> Result<()> {
    const EXPIRE: &str = "DELETE FROM audit
        WHERE no < COALESCE((SELECT no FROM audit WHERE at >= ? ORDER BY no LIMIT 1), 9007199254740991)";
    let since = context.deployment.retained_since(context.now);
    context.db.run(EXPIRE, &[Bind::Int(since.0)])
}

/// Returns the first page of records, or the one that a cursor leads to.
pub fn page(db: &dyn Database, cursor: Option<&str>, limit: u32) -> Result<AuditPage, Failure> {
    const PAGE: &str = "SELECT no, at, target, doc FROM audit WHERE no < ? ORDER BY no DESC LIMIT ?";
    let no = cursor
        .map(|cursor| parse_no(cursor).ok_or_else(|| refuse("`cursor` is not one that a page ended with")));
    let no = no.transpose()?;
    // One more than are shown: whether there is a next page.
    let rows = db.all(PAGE, &[before(no), Bind::Int(i64::from(limit) + 1)], |row| {
        (row.int(), Millis(row.int()), row.text(), row.text())
    })?;
    let shown = rows.get(..limit as usize).unwrap_or(&rows);
    let last = shown.last().filter(|_| shown.len() < rows.len());
    let cursor = last.map(|(no, ..)| no.to_string());
    let records = shown.iter().map(|(_, at, target, doc)| {
        let AuditedRequest { actor, operation, address } = json::read(doc)?;
        Ok(RecordView { at: rfc3339(*at), actor, operation, target: target.clone(), address })
    });
    Ok(AuditPage { records: records.collect::<Result<_>>()?, cursor })
}
