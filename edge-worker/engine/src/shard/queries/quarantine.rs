//! Reads the quarantine for the API.

use serde::Serialize;
use vtryon_webhooks::Millis;

use crate::Result;
use crate::protocol::{Page, PageItem};
use crate::shard::events::quarantine::HEAD;
use crate::shard::sequence::floors;
use crate::storage::database::{self, Bind, Database};
use crate::text::{excerpt, time};

/// A quarantined body as an administrator sees it.
#[derive(Serialize)]
struct QuarantineView {
    digest: String,
    received_at: String,
    code: String,
    message: String,
    key: String,
    bytes: i64,
    /// Whether only the beginning was kept.
    truncated: bool,
    /// The first KiB as text; what is not printed stands as U+FFFD.
    head: String,
}

/// Lists the quarantine, the latest first.
pub(crate) fn quarantine(db: &dyn Database, before: Option<i64>, limit: u32) -> Result<Page> {
    const LIST: &str = "SELECT no, digest, received_at, code, message, key, bytes, LENGTH(body),
            HEX(SUBSTR(body, 1, ?))
        FROM quarantine WHERE no < ? AND no > ? ORDER BY no DESC LIMIT ?";
    let floor = floors::pruned(db)?;
    let binds = [Bind::Int(HEAD as i64), database::before(before), Bind::Int(floor), Bind::Int(limit.into())];
    let items = db.all(LIST, &binds, |row| {
        let no = row.int();
        let digest = row.text();
        let at = Millis(row.int());
        let (code, message, key) = (row.text(), row.text(), row.text());
        let (bytes, kept) = (row.int(), row.int());
        let head = hex::decode(row.text()).unwrap_or_default();
        let view = QuarantineView {
            digest,
            received_at: time::rfc3339(at),
            code,
            message,
            key,
            bytes,
            truncated: kept < bytes,
            head: excerpt::text(&head, HEAD),
        };
        PageItem::new(no, at, &view)
    })?;
    let is_last = items.len() < limit as usize;
    Ok(Page::new(items, is_last))
}
