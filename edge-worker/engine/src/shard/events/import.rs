//! Events that another deployment has exported: decided on and stored like those that Vtryon posts, with the times at which
//! they came there, and not delivered. Among them are the erasures of tasks.
//!
//! `received_at` of imported events is not in the order of `seq`. Searches for where a time begins use `imported_at`; ranges
//! with an end scan up to the last imported event.

use vtryon_webhooks::Digest;

use crate::protocol::import::{ImportedErasure, ImportedEvent, ImportedLine};
use crate::shard::Shard;
use crate::shard::retention::imported;
use crate::shard::sequence::floors;
use crate::storage::database::Database;
use crate::storage::meta;
use crate::{Context, Error, Result};

/// Up to which event, and up to which task, there may be one that was imported.
const LAST_EVENT: &str = "imported_event";
const LAST_TASK: &str = "imported_task";

/// What an erasure is to its task: it is erased now, or was before.
const ERASED: &str = "erased";
const KNOWN: &str = "duplicate";

impl Shard {
    /// Stores events and erasures in their order; returns the outcome of each. What fails in between leaves those before it:
    /// what is imported once more is a duplicate.
    pub(crate) fn import(
        &mut self,
        context: &Context<'_>,
        lines: &[ImportedLine],
        bodies: &[u8],
    ) -> Result<Vec<&'static str>> {
        let db = context.db;
        let count = lines.len() as i64;
        let (last_seq, known) = (self.last_seq, (last_event(db)?, last_task(db)?));
        // Before they are stored, and once for all of them.
        set_last(db, (last_seq + count, floors::last_task(db)? + count))?;
        let mut rest = bodies;
        let mut outcomes = Vec::with_capacity(lines.len());
        for line in lines {
            outcomes.push(match line {
                ImportedLine::Erasure(erasure) => self.import_erasure(context, erasure)?,
                ImportedLine::Event(ImportedEvent { event, length }) => {
                    let (body, after) = rest
                        .split_at_checked(*length)
                        .ok_or(Error::from("a body of an import is missing"))?;
                    rest = after;
                    self.store_event(context, event, body)?.outcome.as_str()
                }
            });
        }
        if self.last_seq == last_seq {
            // Nothing is new: what is stored here came in the order of its times as before.
            set_last(db, known)?;
        }
        Ok(outcomes)
    }

    fn import_erasure(&mut self, context: &Context<'_>, erasure: &ImportedErasure) -> Result<&'static str> {
        let seq = self.next_seq();
        let digest = Digest::from_hex(&erasure.task_digest)
            .ok_or(Error::from("the digest of an imported erasure is none"))?;
        let is_new = imported::store(context, &digest, erasure.erased_at, seq)?;
        // Also where it is known: the instance that has stored it may have ended before its sockets were closed.
        self.audience.broadcast_erasure(digest, None);
        if !is_new {
            return Ok(KNOWN);
        }
        self.announce_erasure(seq);
        self.retention.run_now();
        self.schedule_alarm(context, 0);
        Ok(ERASED)
    }
}

fn set_last(db: &dyn Database, (event, task): (i64, i64)) -> Result<()> {
    db.transaction(|| {
        meta::set(db, LAST_EVENT, event)?;
        meta::set(db, LAST_TASK, task)
    })
}

/// Returns the number up to which there may be an imported event; 0 where there is none.
pub(crate) fn last_event(db: &dyn Database) -> Result<i64> {
    meta::number(db, LAST_EVENT)
}

/// Returns the same of tasks.
pub(crate) fn last_task(db: &dyn Database) -> Result<i64> {
    meta::number(db, LAST_TASK)
}
