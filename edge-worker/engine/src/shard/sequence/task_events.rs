//! The events of a task, found from one of them back to those before it.

use crate::storage::database::Bind;
use crate::{Context, Result};

/// How many events of a task one statement finds.
const EVENTS_PER_STATEMENT: i64 = 1000;

/// Begins a statement with the table `task_events`: the event of the number `$from`, an expression, and those of its task
/// before it, the latest first and at most `$limit`.
macro_rules! with_task_events {
    ($from:literal, $limit:literal, $rest:literal) => {
        concat!(
            "WITH RECURSIVE task_events (seq, previous, name, status, outcome, received_at, key) AS (
                SELECT seq, previous, name, status, outcome, received_at, key FROM events WHERE seq = ",
            $from,
            " UNION ALL
                SELECT e.seq, e.previous, e.name, e.status, e.outcome, e.received_at, e.key
                FROM task_events JOIN events e ON e.seq = task_events.previous LIMIT ",
            $limit,
            ") ",
            $rest
        )
    };
}

pub(crate) use with_task_events;

/// Finds the numbers of a task's events, from one back to the first.
pub(crate) fn until(context: &Context<'_>, last: i64) -> Result<Vec<i64>> {
    const FOLLOW: &str = with_task_events!("?", "?", "SELECT seq, previous FROM task_events");
    let rows = context.deployment.page(EVENTS_PER_STATEMENT);
    let mut events = Vec::new();
    let mut next = Some(last);
    while let Some(from) = next {
        let binds = [Bind::Int(from), Bind::Int(rows)];
        let page = context.db.all(FOLLOW, &binds, |row| (row.int(), row.maybe_int()))?;
        let is_full = page.len() as i64 == rows;
        next = page.last().filter(|_| is_full).and_then(|(_, previous)| *previous);
        events.extend(page.into_iter().map(|(seq, _)| seq));
    }
    Ok(events)
}
