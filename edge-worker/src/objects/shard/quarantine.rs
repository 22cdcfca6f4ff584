//! Signed bodies that cannot be parsed: stored raw and once each, so that nothing Vtryon signed is lost.

use serde::Serialize;
use vtryon_webhooks::event::Identity;
use vtryon_webhooks::{Digest, Millis, lifecycle};

use super::TaskShard;
use super::enqueue::{Enqueued, NewEvent};
use super::retention::{self, QUARANTINE_PRUNED_TO};
use crate::platform::sql::{self, Bind};
use crate::platform::{clock, excerpt};
use crate::protocol::{IncomingEvent, Page, PageItem, StoreResult};

/// How many bytes of bodies a shard keeps: 64 MiB. Of a further one only the beginning is kept.
const MAX_HELD: i64 = 64 * 1024 * 1024;

/// How much is kept of a body that comes when all is full, and shown of any: 1 KiB.
const HEAD: usize = 1024;

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

impl TaskShard {
    /// Stores a body once.
    pub(super) fn quarantine(
        &self,
        code: &str,
        message: &str,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> worker::Result<StoreResult> {
        // `cumulative_bytes` runs up over the rows; what was pruned is what the oldest row had before it.
        const FIND: &str = "SELECT EXISTS (SELECT 1 FROM quarantine WHERE digest = ?),
            (SELECT cumulative_bytes FROM quarantine WHERE no = (SELECT MAX(no) FROM quarantine))
            - (SELECT cumulative_bytes - LENGTH(body) FROM quarantine WHERE no > ? ORDER BY no LIMIT 1)";
        const KEEP: &str =
            "INSERT INTO quarantine (no, digest, received_at, code, message, key, bytes, body, cumulative_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ? + COALESCE(
                (SELECT cumulative_bytes FROM quarantine WHERE no = (SELECT MAX(no) FROM quarantine)), 0))";
        let storage = self.state.storage();
        let sql = storage.sql();
        let digest = Digest::of(body).to_hex();
        let floor = retention::floor(&sql, QUARANTINE_PRUNED_TO)?;
        let found = sql::first(&sql, FIND, &[Bind::Text(&digest), Bind::Int(floor)], |row| {
            (row.int() == 1, row.maybe_int().unwrap_or(0))
        })?;
        let (known, held) = found.unwrap_or((false, 0));
        let outcome = lifecycle::unreadable(known);
        if !outcome.is_kept() {
            return Ok(StoreResult::default());
        }
        let bytes = body.len() as i64;
        let kept = if held + bytes > MAX_HELD { body.get(..HEAD).unwrap_or(body) } else { body };
        let seq = self.next_seq();
        let binds = [
            Bind::Int(seq),
            Bind::Text(&digest),
            Bind::Int(incoming.received_at.0),
            Bind::Text(code),
            Bind::Text(message),
            Bind::Text(&incoming.key),
            Bind::Int(bytes),
            Bind::Blob(kept),
            Bind::Int(kept.len() as i64),
        ];
        let event = NewEvent {
            seq,
            received_at: incoming.received_at,
            outcome,
            name: "",
            status: None,
            webhook_id: Identity::Body { digest: &digest }.webhook_id(),
            previous: None,
            target_endpoint: None,
        };
        let enqueued = sql::transaction(&storage, || {
            sql::run(&sql, KEEP, &binds)?;
            // What is not kept as a whole can't be delivered byte for byte.
            if kept.len() == body.len() {
                self.enqueue_deliveries(&sql, &event)
            } else {
                Ok(Enqueued::default())
            }
        })?;
        self.answer_stored(seq, enqueued, incoming)
    }

    /// Lists the quarantine, the latest first.
    pub(super) fn quarantined(&self, before: Option<i64>, limit: u32) -> worker::Result<Page> {
        const LIST: &str = "SELECT no, digest, received_at, code, message, key, bytes, LENGTH(body),
                HEX(SUBSTR(body, 1, ?))
            FROM quarantine WHERE no < ? AND no > ? ORDER BY no DESC LIMIT ?";
        let sql = self.state.storage().sql();
        let floor = retention::floor(&sql, QUARANTINE_PRUNED_TO)?;
        let binds = [Bind::Int(HEAD as i64), sql::before(before), Bind::Int(floor), Bind::Int(limit.into())];
        let items = sql::all(&sql, LIST, &binds, |row| {
            let no = row.int();
            let digest = row.text();
            let at = Millis(row.int());
            let (code, message, key) = (row.text(), row.text(), row.text());
            let (bytes, kept) = (row.int(), row.int());
            let head = hex::decode(row.text()).unwrap_or_default();
            let view = QuarantineView {
                digest,
                received_at: clock::rfc3339(at),
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
}
