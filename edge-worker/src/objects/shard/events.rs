//! A kept event as it is delivered: its name, its identity, its bytes.

use vtryon_webhooks::Millis;
use vtryon_webhooks::event::{Identity, STATUS_CHANGED};
use worker::SqlStorage;

use crate::platform::sql::{self, Bind, Row};

/// What is kept under a number: an event of a task, or a body that can't be read.
pub(super) struct StoredEvent {
    /// None for a body that can't be read.
    pub(super) task_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) outcome: String,
    pub(super) digest: Option<String>,
    pub(super) received_at: Millis,
    /// The fingerprint of the secret that signed it.
    pub(super) key: String,
    /// Whether all of its bytes are there.
    pub(super) is_whole: bool,
}

impl StoredEvent {
    /// Returns the event's name; a body that can't be read has none.
    pub(super) fn event(&self) -> Option<&str> {
        self.task_id.as_ref().map(|_| self.name.as_deref().unwrap_or(STATUS_CHANGED))
    }

    /// Returns what its repeats have in common.
    pub(super) fn identity(&self) -> Identity<'_> {
        let digest = self.digest.as_deref().unwrap_or_default();
        match (&self.task_id, &self.name) {
            (Some(task_id), Some(name)) => Identity::Other { task_id, name, digest },
            (Some(task_id), None) => {
                Identity::Status { task_id, status: self.status.as_deref().unwrap_or_default() }
            }
            (None, _) => Identity::Body { digest },
        }
    }
}

/// Finds what can be delivered: of a body that was too much to keep, there is nothing that could be.
pub(super) fn find_deliverable(sql: &SqlStorage, seq: i64) -> worker::Result<Option<StoredEvent>> {
    Ok(find(sql, seq)?.filter(|stored| stored.is_whole))
}

/// Finds what is kept under a number, wholly or in part.
pub(super) fn find(sql: &SqlStorage, seq: i64) -> worker::Result<Option<StoredEvent>> {
    const EVENT: &str = "SELECT t.task_id, e.name, e.status, e.outcome, e.digest, e.received_at, e.key, 1
        FROM events e JOIN tasks t ON t.no = e.task_no WHERE e.seq = ?";
    const UNREADABLE: &str = "SELECT NULL, NULL, NULL, 'quarantined', digest, received_at, key,
            LENGTH(body) = bytes
        FROM quarantine WHERE no = ?";
    let read = |row: &mut Row| StoredEvent {
        task_id: row.maybe_text(),
        name: row.maybe_text(),
        status: row.maybe_text(),
        outcome: row.text(),
        digest: row.maybe_text(),
        received_at: Millis(row.int()),
        key: row.text(),
        is_whole: row.int() == 1,
    };
    match sql::first(sql, EVENT, &[Bind::Int(seq)], read)? {
        None => sql::first(sql, UNREADABLE, &[Bind::Int(seq)], read),
        found => Ok(found),
    }
}

/// Returns the bytes as they were received.
pub(super) fn body(sql: &SqlStorage, seq: i64) -> worker::Result<Option<Vec<u8>>> {
    const BODY: &str =
        "SELECT body FROM events WHERE seq = ?1 UNION ALL SELECT body FROM quarantine WHERE no = ?1";
    sql::first(sql, BODY, &[Bind::Int(seq)], Row::blob)
}
