//! Retention: old events are pruned unless a delivery is pending, and a repeat of a pruned event stays a duplicate.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_webhooks::Millis;

use crate::support::{NOON, World, body, endpoint, outline};

/// The retention of the tests' deployment, in hours.
const RETENTION: i64 = 48;
const OTHER: &str = r#"{"event":"generation.rated","task_id":"task_old"}"#;
const UNREADABLE: &str = "no json";

/// A world with old events of which all are delivered but one, and an event after it.
fn world_with_a_pending_delivery() -> World {
    let mut world = World::new();
    let mut all = endpoint(1);
    all.options.include = vec!["unknown".to_owned(), "quarantined".to_owned()];
    world.configure(vec![all]);
    world.event("task_old", "completed");
    world.send(OTHER);
    world.send(UNREADABLE);
    assert_eq!(world.deliveries(Some("delivered")).len(), 3);
    // The endpoint fails from now on, until the end of the retention.
    world.replies.insert(1, Some(500));
    world.event("task_pending", "completed");
    world.replies.insert(1, Some(200));
    world.event("task_behind", "processing");
    world.replies.insert(1, Some(500));
    world.pass(10);
    world
}

/// Lets the shard sleep until some hours after the start.
fn sleep_to(world: &mut World, hours: i64) {
    let passed = (world.now.0 - NOON) / 3_600_000;
    world.sleep(hours - passed);
}

#[test]
fn events_younger_than_the_retention_stay_even_by_an_hour() {
    let mut world = world_with_a_pending_delivery();
    sleep_to(&mut world, RETENTION - 1);
    assert!(world.deliveries(Some("pending"))[0]["attempts"].as_array().unwrap().len() > 1);
    assert_eq!(world.task_ids(), ["task_behind", "task_pending", "task_old"]);
    assert_eq!(world.quarantine().len(), 1);
}

#[test]
fn old_events_are_pruned_but_none_with_a_pending_delivery_nor_what_came_after_it() {
    let mut world = world_with_a_pending_delivery();
    sleep_to(&mut world, RETENTION + 1);
    assert_eq!(world.task("task_old"), None);
    assert_eq!(world.task_ids(), ["task_behind", "task_pending"]);
    let kept = world.deliveries(None);
    assert_eq!(outline(&kept, "task_id"), ["task_pending", "task_behind"]);
    assert_eq!(outline(&kept, "state")[0], "pending");
    assert!(world.quarantine().is_empty(), "the tombstone of a body shows nothing of it");
    assert_eq!(world.number("SELECT LENGTH(body) + LENGTH(message) FROM quarantine"), 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM events WHERE body = x'' AND digest IS NOT NULL"), 1);

    // A repeat of what was pruned is a duplicate: nothing is stored, broadcast or delivered.
    let before = world.db.sqlite.connection().total_changes();
    for body in [&*body("task_old", "completed"), OTHER, UNREADABLE] {
        assert!(world.post(body).is_empty(), "{body}");
    }
    assert_eq!(world.db.sqlite.connection().total_changes(), before);
    assert!(world.broadcasts.is_empty());
    assert_eq!(world.task("task_old"), None);
    assert_eq!(world.task_ids(), ["task_behind", "task_pending"]);

    // Once it is delivered, it is pruned with what came after it.
    world.replies.clear();
    sleep_to(&mut world, 2 * RETENTION);
    sleep_to(&mut world, 2 * RETENTION + 2);
    assert!(world.task_ids().is_empty());
    assert!(world.deliveries(None).is_empty());
    let received = world.received.len();

    // A range skips pruned events: no empty body is sent.
    world.change(|settings| {
        let (id, from, until) = ("rpl_1".to_owned(), Millis(0), Millis(i64::MAX / 2));
        settings.replays = vec![Replay { id, endpoint: 1, all: true, from, until, ..Replay::default() }];
    });
    world.pass(60);
    let progress = world.progress("rpl_1");
    assert_eq!((progress.matched, progress.is_enqueued), (0, true));
    assert_eq!(world.received.len(), received);
    assert!(world.deliveries(None).is_empty());
}

#[test]
fn an_event_for_a_pruned_task_restores_it_with_the_statuses_seen() {
    let mut world = World::new();
    world.event("task_1", "processing");
    world.event("task_2", "queued");
    sleep_to(&mut world, RETENTION + 1);
    assert!(world.task_ids().is_empty());
    world.event("task_1", "processing");
    assert_eq!(world.task("task_1"), None, "a duplicate restores nothing");
    world.event("task_1", "completed");
    let task = world.task("task_1").unwrap();
    assert_eq!(task["status"], "completed");
    assert_eq!(outline(task["events"].as_array().unwrap(), "status"), ["completed"]);
    assert_eq!(world.task_ids(), ["task_1"]);
    world.event("task_1", "queued");
    let task = world.task("task_1").unwrap();
    assert_eq!(outline(task["events"].as_array().unwrap(), "outcome"), ["applied", "late"]);
}

#[test]
fn a_pruned_task_that_is_restored_has_no_result() {
    let mut world = World::new();
    world.event("task_1", "completed");
    let has_result =
        |world: &mut World| world.call(ShardRequest::Result { task_id: "task_1".to_owned() }, b"").is_some();
    assert!(has_result(&mut world));
    sleep_to(&mut world, RETENTION + 1);
    assert!(!has_result(&mut world));
    world.event("task_1", "queued");
    assert_eq!(world.task("task_1").unwrap()["status"], "completed");
    assert!(!has_result(&mut world), "its URL is gone");
}

#[test]
fn a_replay_is_pruned_with_its_own_number_and_no_number_is_used_twice() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("task_replayed", "queued");
    world.call(ShardRequest::Replay { no: 65_537 }, &[]).unwrap();
    world.pass(60);
    assert_eq!(world.received.len(), 2);
    world.event("task_later", "queued");
    sleep_to(&mut world, RETENTION + 1);
    assert!(world.task_ids().is_empty());
    assert_eq!(world.number("SELECT COUNT(*) FROM replay_log"), 0);
    world.restart();
    world.event("task_next", "queued");
    assert_eq!(world.seqs("task_next"), [4], "after an event, its replay, and another event");
}
