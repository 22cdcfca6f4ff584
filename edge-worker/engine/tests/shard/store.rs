//! Storing events: what is written, and what is not.

use crate::support::{World, body};

#[test]
fn a_duplicate_writes_no_row() {
    let mut world = World::new();
    world.event("task_1", "queued");
    world.event("task_1", "completed");
    let tables = [
        "SELECT * FROM tasks",
        "SELECT * FROM events",
        "SELECT * FROM deliveries",
        "SELECT * FROM outbox",
        "SELECT * FROM meta",
    ];
    let before = tables.map(|query| world.rows(query));
    for status in ["queued", "completed", "processing", "processing"] {
        assert!(world.post(&body("task_1", status)).is_empty());
    }
    let after = tables.map(|query| world.rows(query));
    // `processing` came late and was stored once; the repeats of all three were not.
    assert_eq!(after[1].len(), before[1].len() + 1);
    assert_eq!(after[2..], before[2..]);
}
