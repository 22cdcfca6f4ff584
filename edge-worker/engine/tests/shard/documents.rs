//! Stored documents of a former version: whatever fields are added, a shard reads them, and goes on from there.
//!
//! They are never edited: what a later version adds is missing in them, as it is in a deployed database.

use serde_json::value::RawValue;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::storage::database::{Bind, Database, Value};

use crate::support::{World, endpoint, outline};

/// The attempts of a delivery: one with all that there is, and others with less.
const ATTEMPTS: &str = r#"[
    {"replay_count": 0, "attempt": 1, "due_at": "2023-11-14T22:13:20.000Z",
     "attempted_at": "2023-11-14T22:13:21.000Z", "took_ms": 250, "status": 302, "error": null, "answer": "moved",
     "location_host": "shop.example", "previous_secret": true},
    {"replay_count": 0, "attempt": 2, "took_ms": 5, "error": "timeout"},
    {}
]"#;

const TOTALS: &str = r#"{
    "events": [[["generation.status_changed", "applied"], 5]],
    "attempts": [[1, {"delivered": 3, "refused": 2, "unanswered": 1, "buckets": [6, 0, 0, 0, 0, 0, 0], "took_ms": 90}]]
}"#;

const SETTINGS: &str = r#"{
    "version": 1,
    "endpoints": [{"no": 1, "url": "https://shop-1.test/"}]
}"#;

fn run(world: &World, statement: &'static str, document: &str) {
    let db: &dyn Database = &world.db.sqlite;
    db.run(statement, &[Bind::Text(document)]).unwrap();
}

#[test]
fn attempts_of_a_former_version_are_shown_counted_and_followed_by_others() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.replies.insert(1, Some(503));
    world.event("task_1", "completed");
    run(&world, "UPDATE deliveries SET attempts = ?", ATTEMPTS);
    assert_eq!(world.counts().totals.attempts[&1].count_all(), 3);
    assert_eq!(world.deliveries(None)[0]["attempts"].as_array().map(Vec::len), Some(3));

    world.replies.clear();
    world.pass(3600);
    let delivery = &world.deliveries(None)[0];
    assert_eq!(delivery["state"], "delivered");
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(outline(attempts, "answer"), ["moved", "", "", ""]);
    let fields = (&attempts[0]["location_host"], &attempts[1]["error"]);
    assert_eq!(fields, (&"shop.example".into(), &"timeout".into()));
}

#[test]
fn settings_and_totals_of_a_former_version_are_taken_over() {
    let mut world = World::new();
    run(&world, "INSERT INTO settings (no, version, doc) VALUES (1, 1, ?)", SETTINGS);
    run(&world, "INSERT INTO totals (no, counted_to, doc) VALUES (1, 1, ?)", TOTALS);
    world.restart();
    world.event("task_1", "completed");
    assert_eq!(world.received.len(), 1);
    let totals = world.counts().totals;
    assert_eq!((totals.events.values().sum::<i64>(), totals.attempts[&1].count_all()), (6, 7));
}

#[test]
fn settings_of_a_later_version_are_stored_as_they_came() {
    const LATER: &str =
        r#"{"version":2,"later":true,"endpoints":[{"no":1,"url":"https://shop-1.test/","later":[1]}]}"#;
    let mut world = World::new();
    let settings = RawValue::from_string(LATER.to_owned()).unwrap();
    let version: i64 = world.query(ShardRequest::Configure(settings));
    assert_eq!(version, 2);
    world.restart();
    assert_eq!(world.rows("SELECT doc FROM settings"), [[Value::Text(LATER.to_owned())]]);
    world.event("task_1", "completed");
    assert_eq!(world.received.len(), 1);
}
