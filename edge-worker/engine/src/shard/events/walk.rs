//! The walk over the events of a task, from one event back to those before it.

/// Begins a statement with the table `line`: the event of the number `$from`, an expression, and those of its task
/// before it, the latest first and at most `$limit`.
macro_rules! walk {
    ($from:literal, $limit:literal, $rest:literal) => {
        concat!(
            "WITH RECURSIVE line (seq, previous, name, status, outcome, received_at, key) AS (
                SELECT seq, previous, name, status, outcome, received_at, key FROM events WHERE seq = ",
            $from,
            " UNION ALL
                SELECT e.seq, e.previous, e.name, e.status, e.outcome, e.received_at, e.key
                FROM line JOIN events e ON e.seq = line.previous LIMIT ",
            $limit,
            ") ",
            $rest
        )
    };
}

pub(crate) use walk;
