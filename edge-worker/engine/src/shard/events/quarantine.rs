//! The quarantine: signed bodies that cannot be parsed, stored raw and once each, so that nothing Vtryon signed is lost.

use vtryon_webhooks::Digest;
use vtryon_webhooks::lifecycle;

use super::store::Stored;
use crate::database::Bind;
use crate::log::Decision;
use crate::protocol::IncomingEvent;
use crate::protocol::conditions::ConditionKind;
use crate::shard::deliveries::enqueue::{Enqueued, NewEvent, enqueue};
use crate::shard::{Shard, conditions, floors};
use crate::{Context, Result};

/// How many bytes of bodies a shard keeps: 64 MiB. Of a further one only the beginning is kept.
const MAX_HELD: i64 = 64 * 1024 * 1024;

/// How many bytes of a body are shown, and how many are stored of one that arrives when the quarantine is full: 1 KiB.
pub(crate) const HEAD: usize = 1024;

impl Shard {
    /// Stores a body once.
    pub(crate) fn quarantine(
        &mut self,
        context: &Context<'_>,
        code: &str,
        message: &str,
        incoming: &IncomingEvent,
        body: &[u8],
    ) -> Result<Stored> {
        // `cumulative_bytes` runs up over the rows; what was pruned is what the oldest row had before it.
        const FIND: &str = "SELECT EXISTS (SELECT 1 FROM quarantine WHERE digest = ?),
            (SELECT cumulative_bytes FROM quarantine WHERE no = (SELECT MAX(no) FROM quarantine))
            - (SELECT cumulative_bytes - LENGTH(body) FROM quarantine WHERE no > ? ORDER BY no LIMIT 1)";
        const KEEP: &str =
            "INSERT INTO quarantine (no, digest, received_at, code, message, key, bytes, body, imported_at, cumulative_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ? + COALESCE(
                (SELECT cumulative_bytes FROM quarantine WHERE no = (SELECT MAX(no) FROM quarantine)), 0))";
        let db = context.db;
        let digest = Digest::of(body).to_hex();
        let floor = floors::quarantine(db)?;
        let found = db.first(FIND, &[Bind::Text(&digest), Bind::Int(floor)], |row| {
            (row.int() == 1, row.maybe_int().unwrap_or(0))
        })?;
        let (known, held) = found.unwrap_or((false, 0));
        let outcome = lifecycle::unreadable(known);
        if !outcome.is_stored() {
            self.log_event(context, || Decision::EventDropped { outcome: outcome.as_str() });
            return Ok(Stored::nothing(outcome));
        }
        let bytes = body.len() as i64;
        let kept = if held + bytes > MAX_HELD { body.get(..HEAD).unwrap_or(body) } else { body };
        let seq = self.next_seq();
        let is_imported = incoming.imported_at.is_some();
        let binds = [
            Bind::Int(seq),
            Bind::Text(&digest),
            Bind::Int(incoming.received_at.0),
            Bind::Text(code),
            Bind::Text(message),
            Bind::Text(&incoming.key),
            Bind::Int(bytes),
            Bind::Blob(kept),
            Bind::MaybeInt(incoming.imported_at.map(|at| at.0)),
            Bind::Int(kept.len() as i64),
        ];
        let event = NewEvent::of(incoming, seq, outcome, &digest, None);
        let enqueued = db.transaction(|| {
            db.run(KEEP, &binds)?;
            if !is_imported {
                conditions::note(db, ConditionKind::EventQuarantined, 0, incoming.received_at)?;
            }
            // What is not kept as a whole can't be delivered byte for byte.
            if kept.len() == body.len() {
                enqueue(context, &self.configuration, &self.attempts, &event)
            } else {
                Ok(Enqueued::default())
            }
        })?;
        self.log.note(Decision::EventQuarantined { seq, code: code.to_owned() });
        if !is_imported {
            self.alarm.set(self.reports.schedule(context));
        }
        Ok(Stored { outcome, result: self.answer_stored(context, seq, enqueued, None) })
    }
}
