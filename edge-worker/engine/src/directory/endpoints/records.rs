//! Endpoints as they are stored.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;

use crate::Result;
use crate::protocol::delivery::ENDPOINT_NUMBERS;
use crate::protocol::settings::Endpoint;
use crate::storage::database::{Bind, Database, Row};
use crate::storage::meta;
use crate::text::json;

/// An endpoint as it is stored: the part that shards get, and the rest.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointRecord {
    pub endpoint: Endpoint,
    pub description: String,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub disabled: Option<Disabled>,
}

/// Why an endpoint is disabled, and since when.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Disabled {
    pub reason: String,
    pub at: Millis,
}

/// Returns every endpoint that there is, in order of creation.
pub(crate) fn all(db: &dyn Database) -> Result<Vec<EndpointRecord>> {
    const ALL: &str = "SELECT doc FROM endpoints WHERE deleted_at IS NULL ORDER BY no";
    db.all(ALL, &[], Row::text)?.iter().map(|doc| json::read(doc)).collect()
}

pub(crate) fn find(db: &dyn Database, no: i64) -> Result<Option<EndpointRecord>> {
    const FIND: &str = "SELECT doc FROM endpoints WHERE no = ? AND deleted_at IS NULL";
    let doc = db.first(FIND, &[Bind::Int(no)], Row::text)?;
    doc.map(|doc| json::read(&doc)).transpose()
}

/// The number that was taken last.
const LAST: &str = "last_endpoint";

/// How many numbers are left out at once: more than are taken between two backups, and few of all that there are.
const MAX_SKIPPED: i64 = 1000;

/// Leaves out numbers that a directory may have given before it was restored.
pub(crate) fn skip_numbers(db: &dyn Database, count: i64) -> Result<()> {
    meta::set(db, LAST, meta::number(db, LAST)? + count.min(MAX_SKIPPED))
}

/// Takes a number for an endpoint: none is given twice, and beyond the last there is none.
pub(crate) fn take_number(db: &dyn Database) -> Result<Option<i64>> {
    let no = meta::number(db, LAST)? + 1;
    if no >= ENDPOINT_NUMBERS {
        return Ok(None);
    }
    meta::set(db, LAST, no)?;
    Ok(Some(no))
}

pub(crate) fn put(db: &dyn Database, record: &EndpointRecord) -> Result<()> {
    const PUT: &str = "INSERT INTO endpoints (no, doc) VALUES (?, ?)
        ON CONFLICT (no) DO UPDATE SET doc = excluded.doc";
    db.run(PUT, &[Bind::Int(record.endpoint.no), Bind::Text(&json::to_string(record))])
}

/// Deletes an endpoint with its secrets; its row stays, since the settings name deleted endpoints.
pub(crate) fn delete(db: &dyn Database, no: i64, now: Millis) -> Result<()> {
    const DELETE: &str = "UPDATE endpoints SET doc = '', deleted_at = ? WHERE no = ?";
    db.run(DELETE, &[Bind::Int(now.0), Bind::Int(no)])
}

/// Returns the numbers of endpoints deleted since a time.
pub(crate) fn deleted_since(db: &dyn Database, since: Millis) -> Result<Vec<i64>> {
    const DELETED: &str = "SELECT no FROM endpoints WHERE deleted_at >= ? ORDER BY no";
    db.all(DELETED, &[Bind::Int(since.0)], Row::int)
}
