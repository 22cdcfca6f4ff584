//! Retention: old events are pruned unless a delivery is pending, and a repeat of a pruned event stays a duplicate.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::Dispatch;
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::storage::database::Value;
use vtryon_webhooks::Millis;

use crate::support::{NOON, World, body, endpoint, outline};

/// The retention of the tests' deployment, in hours.
const RETENTION: i64 = 48;
const HOUR: i64 = 3600;
const OTHER: &str = r#"{"event":"generation.rated","task_id":"task_old"}"#;
const UNREADABLE: &str = "no json";

/// A world with old events of which all are delivered but the last two.
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
fn old_events_are_pruned_but_none_with_a_pending_delivery() {
    let mut world = world_with_a_pending_delivery();
    sleep_to(&mut world, RETENTION + 1);
    assert_eq!(world.task("task_old"), None);
    assert_eq!(world.task_ids(), ["task_behind", "task_pending"]);
    let kept = world.deliveries(None);
    assert_eq!(outline(&kept, "task_id"), ["task_pending", "task_behind"]);
    assert_eq!(outline(&kept, "state"), ["pending", "pending"]);
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

    // Once they are delivered, they are pruned within the hour.
    let received = world.received.len();
    world.replies.clear();
    sleep_to(&mut world, 2 * RETENTION);
    world.pass(2 * HOUR);
    assert_eq!(world.received.len(), received + 2);
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
fn what_a_delivery_holds_is_pruned_within_the_hour_of_its_end() {
    let paused = || {
        let mut endpoint = endpoint(1);
        endpoint.options.paused = true;
        endpoint.options.statuses = vec!["queued".to_owned()];
        endpoint.options.events = vec!["generation.status_changed".to_owned()];
        endpoint.options.include = vec!["quarantined".to_owned()];
        endpoint
    };
    let [queued, processing, completed] =
        ["queued", "processing", "completed"].map(|status| body("task_held", status));
    let cases: [(&str, &[&str], &[&str]); 3] = [
        ("an event", &[&queued], &["task_held"]),
        ("those of its task after it", &[&queued, &processing, &completed], &["task_held"]),
        ("a body that can't be read", &[UNREADABLE], &[]),
    ];
    for (what, bodies, tasks) in cases {
        let mut world = World::new();
        world.configure(vec![paused()]);
        for body in bodies {
            world.send(body);
        }
        world.event("task_free", "completed");
        world.send("no json either");
        let stored = |world: &World| {
            world.number("SELECT COUNT(*) FROM events")
                + world.number("SELECT COUNT(*) FROM quarantine WHERE LENGTH(body) > 0")
        };
        sleep_to(&mut world, RETENTION + 1);
        assert_eq!(world.task_ids(), tasks, "{what}");
        for task_id in tasks {
            assert_eq!(world.seqs(task_id).len(), bodies.len(), "{what}: its timeline has what is left");
        }
        // The second body waits for the endpoint, too.
        assert_eq!(stored(&world), bodies.len() as i64 + 1, "{what}");
        world.change(|settings| settings.endpoints[0].options.paused = false);
        world.pass(2 * HOUR);
        assert_eq!(world.received.len(), 2, "{what}");
        assert_eq!((world.task_ids().len(), stored(&world)), (0, 0), "{what}");
        assert!(world.deliveries(None).is_empty(), "{what}");
        assert!(world.post(bodies[0]).is_empty(), "{what}: a repeat is a duplicate");
        assert_eq!(stored(&world), 0, "{what}");
    }
}

#[test]
fn all_that_is_held_is_looked_at_page_after_page() {
    let mut world = World::new();
    let mut waiting = endpoint(1);
    waiting.options.paused = true;
    world.configure(vec![waiting, endpoint(2)]);
    for n in 0..450 {
        world.event(&format!("task_{n}"), "queued");
    }
    sleep_to(&mut world, RETENTION + 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM events"), 450);
    world.change(|settings| settings.endpoints[0].options.enabled = false);
    world.pass(2 * HOUR);
    assert!(world.task_ids().is_empty());
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

#[test]
fn a_delivery_that_nobody_will_make_ends_when_its_event_is_too_old() {
    type Change = fn(&mut World, &Dispatch);
    let cases: [(&str, Change); 2] = [
        ("endpoint_disabled", |world, _| {
            world.change(|settings| settings.endpoints[0].options.enabled = false);
        }),
        ("secret_unreadable", |world, dispatch| {
            world.report(dispatch.report(None));
            world.change(|settings| settings.endpoints[0].options.paused = true);
        }),
    ];
    for (reason, change) in cases {
        // The second endpoint holds the event, so that what has become of the first delivery can be seen.
        let mut waiting = endpoint(2);
        waiting.options.paused = true;
        let mut world = World::new();
        world.configure(vec![endpoint(1), waiting]);
        let dispatches = world.post(&body("task_1", "queued"));
        change(&mut world, &dispatches[0]);
        sleep_to(&mut world, RETENTION - 1);
        let ends = |world: &World| world.rows("SELECT state, reason FROM deliveries WHERE ended_at > 0");
        assert!(ends(&world).is_empty(), "{reason}: its event is not too old");
        sleep_to(&mut world, RETENTION + 1);
        assert_eq!(ends(&world), [["dead", reason].map(|text| Value::Text(text.to_owned()))], "{reason}");
        assert!(world.received.is_empty(), "{reason}");
        assert_eq!(world.deliveries(Some("pending")).len(), 1, "{reason}: the other one");
    }
}
