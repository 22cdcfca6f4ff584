//! No statement walks through a table that grows. Every statement that a shard runs in a life with everything in it is
//! planned by SQLite on the shard's own tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::life::live;
use crate::support::World;

/// Statements with a step that grows, by a part of each that no other has: the steps, and why they may be.
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    ("LIMIT ?) SELECT seq, name, status, outcome", &[SORT], "sorts the 101 events shown of a task"),
    (
        "SELECT d.no, d.due_at, d.leased_until, d.scheduled_at, task_events.outcome",
        &[SORT],
        "sorts what is pending of 100 events",
    ),
    (
        "SELECT seq, NULL, 0 FROM task_events",
        &[SORT],
        "sorts the events of a task after a number: those that a stream has not sent yet",
    ),
    (
        "SELECT MIN(last_seq) FROM tasks WHERE erased_at IS NOT NULL",
        &["SEARCH tasks USING INDEX tasks_erased"],
        "the first of the index",
    ),
    (
        "WITH RECURSIVE found (endpoint)",
        &["SEARCH deliveries USING COVERING INDEX deliveries_due", "SCAN found", "SCAN found"],
        "a row for each endpoint, which is the first of its part of the index",
    ),
    ("FROM conditions ORDER BY at", &[SORT], "a row for each kind and endpoint"),
    ("received_at, outcome FROM events WHERE seq > ?2", &[GROUP], "counts the last 10,000"),
    ("received_at FROM quarantine WHERE no > ?2", &[GROUP], "counts the last 10,000"),
    ("created_at, state, endpoint FROM deliveries WHERE no >= ?2", &[GROUP], "counts the last 10,000"),
    (
        "FROM tasks INDEXED BY tasks_open WHERE open = 1 LIMIT ?1",
        &["SCAN tasks USING INDEX tasks_open"],
        "the count has a limit",
    ),
    (
        "SELECT no % CAST(?1 AS INTEGER), COUNT(*)",
        &["SCAN deliveries USING COVERING INDEX deliveries_dead", GROUP],
        "counts the last 10,000",
    ),
    ("FROM events WHERE seq >= ?1 AND seq < ?2 AND task_no > 0", &[GROUP], "counts a page of events"),
    (
        "SELECT updated_at, stage, unknown FROM tasks INDEXED BY tasks_open",
        &["SCAN tasks USING INDEX tasks_open"],
        "the latest 10,000 unfinished tasks, once an hour",
    ),
    (
        "WHERE no >= ? AND state = 'pending' AND due_at IS NULL",
        &["SEARCH deliveries USING INTEGER PRIMARY KEY (rowid>?)"],
        "once in the life of an instance, from the last event on that was surely not leased",
    ),
];

const SORT: &str = "USE TEMP B-TREE FOR ORDER BY";
const GROUP: &str = "USE TEMP B-TREE FOR GROUP BY";

/// The queries of every event, page and alarm, by the end of each, and the step that goes to the table.
const PATHS: &[(&str, &str)] = &[
    ("FROM tasks WHERE task_id IN (?, ?) ORDER BY task_id LIMIT 1", TASK_ID),
    (
        "FROM events WHERE task_no = ? AND name = ? AND digest = ?",
        "SEARCH events USING COVERING INDEX events_other (task_no=? AND name=? AND digest=?)",
    ),
    ("duplicates = duplicates + ? WHERE no = ?", "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"),
    ("failure = ?, final_at = ? WHERE no = ?", "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"),
    ("updated_at, duplicates FROM tasks WHERE task_id = ?", TASK_ID),
    ("FROM tasks WHERE open = 0 AND final_at IS NOT NULL AND task_id = ?", TASK_ID),
    (
        "outcome, received_at, key FROM task_events ORDER BY seq",
        "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)",
    ),
    (
        "created_at < ?4 AND NOT (SUBSTR(task_id, 1, 1) = CHAR(1)) ORDER BY no DESC LIMIT ?5",
        "SEARCH tasks USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    ),
    ("unknown <> '[]'))) ORDER BY no DESC LIMIT ?5", "SEARCH tasks USING INDEX tasks_open (no>? AND no<?)"),
    ("unknown <> '[]'))) ORDER BY task_id LIMIT ?8", SEARCH),
    (
        "FROM tasks WHERE task_id >= ?1 AND task_id < ?2 ORDER BY task_id LIMIT 1 OFFSET ?3",
        "SEARCH tasks USING COVERING INDEX sqlite_autoindex_tasks_1 (task_id>? AND task_id<?)",
    ),
    (
        "SELECT no, created_at FROM tasks WHERE no >= ? ORDER BY no LIMIT 1",
        "SEARCH tasks USING INTEGER PRIMARY KEY (rowid>?)",
    ),
    ("WHERE no < ? ORDER BY no DESC LIMIT ?", "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid<?)"),
    (
        "(?3 IS NULL OR no % CAST(?4 AS INTEGER) = ?3) ORDER BY no DESC LIMIT ?5",
        "SEARCH deliveries USING INDEX deliveries_dead (no>? AND no<?)",
    ),
    (
        "WHERE endpoint = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
        "SEARCH deliveries USING INDEX deliveries_due (endpoint=? AND due_at<?)",
    ),
    (
        "WHERE endpoint = ? AND due_at > ? AND due_at <= ? AND due_at = leased_until",
        "SEARCH deliveries USING INDEX deliveries_due (endpoint=? AND due_at>? AND due_at<?)",
    ),
];

const SEARCH: &str = "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (task_id>? AND task_id<?)";
const TASK_ID: &str = "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (task_id=?)";

/// What a table is sorted by: its least or greatest is found at once, that of another column by a walk.
const KEYS: [(&str, &str); 5] =
    [("deliveries", "no"), ("events", "seq"), ("quarantine", "no"), ("replay_log", "seq"), ("tasks", "no")];

/// What a plan may scan: rows that it has made itself, and tables that do not grow with events.
fn is_small(step: &str) -> bool {
    let Some(table) = step.strip_prefix("SCAN").map(str::trim) else { return true };
    let table = table.split(' ').next().unwrap();
    let own = ["", "task_events", "CONSTANT", "conditions", "replays", "health", "settings", "meta"];
    own.contains(&table) || table.starts_with("(subquery-")
}

/// Returns whether a step costs more the more is stored.
fn grows(step: &str, sql: &str) -> bool {
    let is_open = step.contains("USING INTEGER PRIMARY KEY (rowid<?)")
        || step.contains("USING INTEGER PRIMARY KEY (rowid>?)");
    let is_unsorted = KEYS.iter().any(|(table, key)| {
        step.strip_prefix("SEARCH ").is_some_and(|rest| rest.split(' ').next() == Some(table))
            && !step.contains('(')
            && !sql.contains(&format!("MIN({key})"))
            && !sql.contains(&format!("MAX({key})"))
    });
    !is_small(step)
        || step.contains("USE TEMP B-TREE")
        || step.contains("AUTOMATIC")
        || is_unsorted
        || (is_open && !sql.contains("LIMIT"))
}

/// Returns the statements of a world, in one line each, with the steps of their plans.
fn plans(world: &World) -> BTreeMap<String, Vec<String>> {
    let statements = BTreeSet::from_iter(world.db.statements());
    let planned = statements.iter().filter(|statement| !statement.contains("CREATE "));
    planned
        .map(|statement| {
            let mut explained = world
                .db
                .sqlite
                .connection()
                .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
            // Without parameters: a plan does not depend on them.
            let mut rows = explained.raw_query();
            let mut steps = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                steps.push(row.get("detail").unwrap());
            }
            (statement.split_whitespace().collect::<Vec<_>>().join(" "), steps)
        })
        .collect()
}

#[test]
fn no_statement_walks_through_a_table_that_grows() {
    let plans = plans(&live());
    for (sql, steps) in &plans {
        let growing: Vec<&str> = steps.iter().map(String::as_str).filter(|step| grows(step, sql)).collect();
        let exception = EXCEPTIONS.iter().find(|(part, ..)| sql.contains(part));
        let allowed = exception.map_or(&[][..], |(_, steps, _)| steps);
        assert_eq!(growing, allowed, "{sql}");
    }
    for (part, ..) in EXCEPTIONS {
        assert_eq!(plans.keys().filter(|sql| sql.contains(part)).count(), 1, "{part}");
    }
    for (end, step) in PATHS {
        let (sql, steps) =
            plans.iter().find(|(sql, _)| sql.ends_with(end)).unwrap_or_else(|| panic!("{end}"));
        assert!(steps.iter().any(|known| known.contains(step)), "{sql}: {steps:?}");
    }
}

#[test]
fn a_walk_is_found() {
    for (step, sql) in [
        ("SCAN tasks", "SELECT no FROM tasks"),
        ("SEARCH deliveries USING INTEGER PRIMARY KEY (rowid>?)", "SELECT no FROM deliveries WHERE no > ?"),
        ("SEARCH events", "SELECT MIN(received_at) FROM events"),
        (SORT, "SELECT no FROM tasks ORDER BY updated_at"),
    ] {
        assert!(grows(step, sql), "{step}");
    }
}
