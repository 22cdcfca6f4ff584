//! The events of a task, found from one of them back to those before it.

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
