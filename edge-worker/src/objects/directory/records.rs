//! The rows of endpoints, and an endpoint as the API shows it.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use worker::SqlStorage;

use crate::json;
use crate::platform::sql::{self, Bind, Row};
use crate::platform::{clock, migrations};
use crate::protocol::delivery::ENDPOINT_NUMBERS;
use crate::protocol::settings::{Endpoint, endpoint_id};

/// An endpoint as it is stored: the part that shards get, and the rest.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct EndpointRecord {
    pub(super) endpoint: Endpoint,
    #[serde(default)]
    pub(super) description: String,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
    pub(super) disabled: Option<Disabled>,
}

/// Why an endpoint is disabled, and since when.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Disabled {
    #[serde(default)]
    pub(super) reason: String,
    pub(super) at: Millis,
}

/// An endpoint, as the API shows it. Its secrets are shown by their fingerprints.
#[derive(Serialize)]
pub(super) struct EndpointView<'a> {
    id: String,
    url: &'a str,
    description: &'a str,
    enabled: bool,
    disabled: Option<DisabledView<'a>>,
    order: &'a str,
    statuses: &'a [String],
    events: &'a [String],
    include: &'a [String],
    secrets: Vec<SecretView<'a>>,
    created_at: String,
    updated_at: String,
    /// What keeps deliveries from being made at all; null where nothing does.
    problem: Option<&'static str>,
}

/// What is said of a secret that the master key does not open.
pub(super) const UNREADABLE: &str = "GATEWAY_MASTER_KEY is not the key that sealed this endpoint's secret: \
    set the former key again, or rotate the secret";

#[derive(Serialize)]
struct DisabledView<'a> {
    reason: &'a str,
    at: String,
}

#[derive(Serialize)]
struct SecretView<'a> {
    fingerprint: &'a str,
    created_at: String,
    /// When it stops being used; null for the current one.
    expires_at: Option<String>,
}

impl EndpointRecord {
    pub(super) fn view(&self, now: Millis, is_readable: bool) -> EndpointView<'_> {
        let endpoint = &self.endpoint;
        let valid = endpoint.secrets.iter().filter(|secret| secret.until.is_none_or(|until| now < until));
        EndpointView {
            id: endpoint_id(endpoint.no),
            url: &endpoint.url,
            description: &self.description,
            enabled: endpoint.enabled,
            disabled: self
                .disabled
                .as_ref()
                .map(|disabled| DisabledView { reason: &disabled.reason, at: clock::rfc3339(disabled.at) }),
            order: &endpoint.order,
            statuses: &endpoint.statuses,
            events: &endpoint.events,
            include: &endpoint.include,
            secrets: valid
                .map(|secret| SecretView {
                    fingerprint: &secret.fingerprint,
                    created_at: clock::rfc3339(secret.created_at),
                    expires_at: secret.until.map(clock::rfc3339),
                })
                .collect(),
            created_at: clock::rfc3339(self.created_at),
            updated_at: clock::rfc3339(self.updated_at),
            problem: (!is_readable).then_some(UNREADABLE),
        }
    }
}

/// Returns every endpoint that there is, in order of creation.
pub(super) fn all(sql: &SqlStorage) -> worker::Result<Vec<EndpointRecord>> {
    const ALL: &str = "SELECT doc FROM endpoints WHERE deleted_at IS NULL ORDER BY no";
    sql::all(sql, ALL, &[], Row::text)?.iter().map(|doc| json::read(doc)).collect()
}

pub(super) fn find(sql: &SqlStorage, no: i64) -> worker::Result<Option<EndpointRecord>> {
    const FIND: &str = "SELECT doc FROM endpoints WHERE no = ? AND deleted_at IS NULL";
    let doc = sql::first(sql, FIND, &[Bind::Int(no)], Row::text)?;
    doc.map(|doc| json::read(&doc)).transpose()
}

/// Takes a number for an endpoint: none is given twice, and beyond the last there is none.
pub(super) fn take_number(sql: &SqlStorage) -> worker::Result<Option<i64>> {
    const LAST: &str = "last_endpoint";
    let no = migrations::meta(sql, LAST)?.unwrap_or(0) + 1;
    if no >= ENDPOINT_NUMBERS {
        return Ok(None);
    }
    migrations::set_meta(sql, LAST, no)?;
    Ok(Some(no))
}

pub(super) fn put(sql: &SqlStorage, record: &EndpointRecord) -> worker::Result<()> {
    const PUT: &str = "INSERT INTO endpoints (no, doc) VALUES (?, ?)
        ON CONFLICT (no) DO UPDATE SET doc = excluded.doc";
    let doc = json::to_string(record);
    sql::run(sql, PUT, &[Bind::Int(record.endpoint.no), Bind::Text(&doc)])
}

/// Deletes an endpoint with its secrets; its row stays, since the settings name deleted endpoints.
pub(super) fn delete(sql: &SqlStorage, no: i64, now: Millis) -> worker::Result<()> {
    const DELETE: &str = "UPDATE endpoints SET doc = '', deleted_at = ? WHERE no = ?";
    sql::run(sql, DELETE, &[Bind::Int(now.0), Bind::Int(no)])
}

/// Returns the numbers of endpoints deleted since a time.
pub(super) fn deleted_since(sql: &SqlStorage, since: Millis) -> worker::Result<Vec<i64>> {
    const DELETED: &str = "SELECT no FROM endpoints WHERE deleted_at >= ? ORDER BY no";
    sql::all(sql, DELETED, &[Bind::Int(since.0)], Row::int)
}
