//! The quarantine: signed bodies that cannot be parsed, stored raw and once each, so that nothing Vtryon signed is lost.

use vtryon_webhooks::Digest;
use vtryon_webhooks::lifecycle::Outcome;

use crate::protocol::IncomingEvent;
use crate::protocol::directory::conditions::ConditionKind;
use crate::shard::capacity::Capacity;
use crate::shard::conditions;
use crate::shard::config::Config;
use crate::shard::deliveries::attempts::Attempts;
use crate::shard::deliveries::enqueue::{Enqueued, NewEvent, enqueue};
use crate::shard::sequence::floors;
use crate::storage::database::Bind;
use crate::{Context, Result};

/// How many bytes of bodies a shard stores: 64 MiB. Of a further one only the beginning is stored.
const MAX_STORED_BYTES: i64 = 64 * 1024 * 1024;

/// How many bytes of a body are shown, and how many are stored of one that arrives when the quarantine is full: 1 KiB.
pub(crate) const HEAD: usize = 1024;

/// A body that cannot be parsed, and why.
#[derive(Clone, Copy)]
pub(crate) struct UnreadableBody<'a> {
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    pub(crate) incoming: &'a IncomingEvent,
    pub(crate) body: &'a [u8],
}

/// Stores a body once, under a number, with its deliveries; returns those, or none where it is stored already.
pub(crate) fn store(
    context: &Context<'_>,
    config: &Config,
    attempts: &Attempts,
    capacity: &mut Capacity,
    seq: i64,
    unreadable: &UnreadableBody<'_>,
) -> Result<Option<Enqueued>> {
    // `cumulative_bytes` runs up over the rows; what was pruned is what the oldest row had before it.
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM quarantine WHERE digest = ?),
        (SELECT cumulative_bytes FROM quarantine WHERE no = (SELECT MAX(no) FROM quarantine))
        - (SELECT cumulative_bytes - LENGTH(body) FROM quarantine WHERE no > ? ORDER BY no LIMIT 1)";
    const INSERT: &str =
        "INSERT INTO quarantine (no, digest, received_at, code, message, key, bytes, body, imported_at, cumulative_bytes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ? + COALESCE(
            (SELECT cumulative_bytes FROM quarantine WHERE no = (SELECT MAX(no) FROM quarantine)), 0))";
    let UnreadableBody { code, message, incoming, body } = *unreadable;
    let db = context.db;
    let digest = Digest::of(body).to_hex();
    let floor = floors::pruned(db)?;
    let found = db.first(FIND, &[Bind::Text(&digest), Bind::Int(floor)], |row| {
        (row.int() == 1, row.maybe_int().unwrap_or(0))
    })?;
    let (known, stored_bytes) = found.unwrap_or((false, 0));
    if known {
        return Ok(None);
    }
    capacity.check(context, seq)?;
    let bytes = body.len() as i64;
    let stored =
        if stored_bytes + bytes > MAX_STORED_BYTES { body.get(..HEAD).unwrap_or(body) } else { body };
    let binds = [
        Bind::Int(seq),
        Bind::Text(&digest),
        Bind::Int(incoming.received_at.0),
        Bind::Text(code),
        Bind::Text(message),
        Bind::Text(&incoming.key),
        Bind::Int(bytes),
        Bind::Blob(stored),
        Bind::MaybeInt(incoming.imported_at.map(|at| at.0)),
        Bind::Int(stored.len() as i64),
    ];
    let event = NewEvent::of(incoming, seq, Outcome::Quarantined, &digest, None);
    db.transaction(|| {
        db.run(INSERT, &binds)?;
        if incoming.imported_at.is_none() {
            conditions::note(db, ConditionKind::EventQuarantined, 0, incoming.received_at)?;
        }
        // What is not stored as a whole can't be delivered byte for byte.
        if stored.len() == body.len() {
            enqueue(context, config, attempts, &event).map(Some)
        } else {
            Ok(Some(Enqueued::default()))
        }
    })
}
