//! Events that another deployment has exported: decided on and stored like those that Vtryon posts, with the times at which
//! they came there, and not delivered.
//!
//! Their times are older than those of what was stored before them. What goes by the order of time, such as the search for
//! the first event of a day, goes by when they were imported, and looks at them all where it has an end.

use vtryon_webhooks::lifecycle::Outcome;

use crate::database::{Database, Row};
use crate::protocol::import::ImportedEvent;
use crate::shard::Shard;
use crate::{Context, Error, Result, meta};

/// Up to which event, and up to which task, there may be one that was imported.
const LAST_EVENT: &str = "imported_event";
const LAST_TASK: &str = "imported_task";

impl Shard {
    /// Stores events in their order; returns the outcome of each. What fails in between leaves those before it: an event
    /// that is imported once more is a duplicate.
    pub(crate) fn import(
        &mut self,
        context: &Context<'_>,
        events: &[ImportedEvent],
        bodies: &[u8],
    ) -> Result<Vec<&'static str>> {
        const LAST: &str = "SELECT COALESCE(MAX(no), 0) FROM tasks";
        let db = context.db;
        let count = events.len() as i64;
        let last_task = db.first(LAST, &[], Row::int)?.unwrap_or(0);
        // Before they are stored, and once for all of them.
        db.transaction(|| {
            meta::set(db, LAST_EVENT, self.last_seq + count)?;
            meta::set(db, LAST_TASK, last_task + count)
        })?;
        let mut rest = bodies;
        let mut outcomes = Vec::with_capacity(events.len());
        for ImportedEvent { event, length } in events {
            let (body, after) =
                rest.split_at_checked(*length).ok_or(Error::from("a body of an import is missing"))?;
            rest = after;
            let (outcome, _) = self.decide(context, event, body)?;
            outcomes.push(Outcome::as_str(outcome));
        }
        Ok(outcomes)
    }
}

/// Returns the number up to which there may be an imported event; 0 where there is none.
pub(crate) fn last_event(db: &dyn Database) -> Result<i64> {
    Ok(meta::get(db, LAST_EVENT)?.unwrap_or(0))
}

/// Returns the same of tasks.
pub(crate) fn last_task(db: &dyn Database) -> Result<i64> {
    Ok(meta::get(db, LAST_TASK)?.unwrap_or(0))
}
