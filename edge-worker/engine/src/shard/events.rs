//! Stored events: their names, identities and bytes.

pub(crate) mod alerts;
pub(crate) mod duplicates;
pub(crate) mod import;
pub(crate) mod quarantine;
pub(crate) mod rows;
pub(crate) mod store;

use vtryon_webhooks::Millis;
use vtryon_webhooks::event::{Identity, STATUS_CHANGED};

use crate::Result;
use crate::storage::database::{Bind, Database, Row};

/// What is stored under a sequence number: an event of a task, an alert, or a quarantined body.
pub(crate) struct StoredEvent {
    /// `None` for an alert and for a quarantined body.
    pub(crate) task_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) outcome: String,
    pub(crate) digest: Option<String>,
    pub(crate) received_at: Millis,
    /// The fingerprint of the secret that signed it.
    pub(crate) key: String,
    /// Whether all of its bytes are stored.
    pub(crate) is_whole: bool,
    /// Whether it was imported from another deployment.
    pub(crate) is_imported: bool,
}

impl StoredEvent {
    /// Returns the event's name; a quarantined body has none.
    pub(crate) fn event(&self) -> Option<&str> {
        self.name.as_deref().or(self.task_id.as_ref().map(|_| STATUS_CHANGED))
    }

    /// Returns what the event has in common with its duplicates.
    pub(crate) fn identity(&self) -> Identity<'_> {
        let digest = self.digest.as_deref().unwrap_or_default();
        match (&self.task_id, &self.name) {
            (task_id, Some(name)) => {
                Identity::Other { task_id: task_id.as_deref().unwrap_or_default(), name, digest }
            }
            (Some(task_id), None) => {
                Identity::Status { task_id, status: self.status.as_deref().unwrap_or_default() }
            }
            (None, None) => Identity::Body { digest },
        }
    }

    /// Returns whether it is an alert of the gateway itself.
    pub(crate) const fn is_alert(&self) -> bool {
        self.task_id.is_none() && self.name.is_some()
    }
}

/// Finds what can be delivered: not a body of which only the beginning is stored.
pub(crate) fn find_deliverable(db: &dyn Database, seq: i64) -> Result<Option<StoredEvent>> {
    Ok(find(db, seq)?.filter(|stored| stored.is_whole))
}

/// Finds what is stored under a sequence number, whole or in part.
pub(crate) fn find(db: &dyn Database, seq: i64) -> Result<Option<StoredEvent>> {
    // Without the cast, SQLite prepares the statement again for each value, because the value may decide whether a partial
    // index applies.
    const EVENT: &str = "SELECT t.task_id, e.name, e.status, e.outcome, e.digest, e.received_at, e.key, 1,
            e.imported_at IS NOT NULL
        FROM events e LEFT JOIN tasks t ON t.no = e.task_no WHERE e.seq = CAST(? AS INTEGER)";
    const UNREADABLE: &str = "SELECT NULL, NULL, NULL, 'quarantined', digest, received_at, key,
            LENGTH(body) = bytes, imported_at IS NOT NULL
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
        is_imported: row.int() == 1,
    };
    match db.first(EVENT, &[Bind::Int(seq)], read)? {
        None => db.first(UNREADABLE, &[Bind::Int(seq)], read),
        found => Ok(found),
    }
}

/// Returns the bytes as they were received.
pub(crate) fn body(db: &dyn Database, seq: i64) -> Result<Option<Vec<u8>>> {
    const BODY: &str =
        "SELECT body FROM events WHERE seq = ?1 UNION ALL SELECT body FROM quarantine WHERE no = ?1";
    db.first(BODY, &[Bind::Int(seq)], Row::blob)
}
