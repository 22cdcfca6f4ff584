//! Side effects: published once, tried until they have succeeded, and no obstacle to each other.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_webhooks::Millis;

use crate::support::{World, body};

fn is_published(world: &World, task_id: &str) -> bool {
    world.published.contains_key(&format!("result:{task_id}"))
}

/// Returns when the entries are due, and how many attempts have failed.
fn entries(world: &World) -> Vec<String> {
    let rows = world.rows("SELECT due_at, attempts FROM outbox ORDER BY due_at");
    rows.iter().map(|row| format!("{row:?}")).collect()
}

#[test]
fn a_result_is_published_with_those_that_follow_soon() {
    let mut world = World::new();
    world.event("task_1", "processing");
    assert_eq!(world.alarm, None, "there is no result yet");
    world.event("task_1", "completed");
    let due_at = world.now.plus_seconds(2);
    assert_eq!(world.alarm, Some(due_at));
    world.pass(1);
    world.event("task_2", "failed");
    world.event("task_3", "completed");
    assert_eq!(world.alarm, Some(due_at), "the alarm is not set again for a later time");
    world.pass(5);
    assert!(["task_1", "task_2", "task_3"].iter().all(|task_id| is_published(&world, task_id)));
    let published = &world.published["result:task_1"];
    assert!(published.contains(r#""result_url":"https://cdn.test/1.jpg""#), "{published}");
    assert!(entries(&world).is_empty());
    assert_eq!(world.alarm, None);
}

#[test]
fn a_failure_puts_an_entry_off_and_holds_up_no_other() {
    let mut world = World::new();
    world.unpublishable.insert("result:task_1".to_owned());
    world.event("task_1", "completed");
    world.pass(3);
    assert!(!is_published(&world, "task_1"));
    let result = world.call(ShardRequest::Result { task_id: "task_1".to_owned() }, &[]);
    assert!(result.is_some(), "until it is published, the shard has it");
    world.event("task_2", "completed");
    world.pass(3);
    assert!(is_published(&world, "task_2"));
    // No request comes after the restart: its alarm alone does it.
    world.restart();
    world.unpublishable.clear();
    world.pass(60);
    assert!(is_published(&world, "task_1"));
}

#[test]
fn the_pause_after_a_failure_doubles_up_to_an_hour() {
    let mut world = World::new();
    world.unpublishable.insert("result:task_1".to_owned());
    world.event("task_1", "completed");
    let mut due_at = world.now.plus_seconds(2);
    for pause in [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600] {
        assert_eq!(world.alarm, Some(due_at));
        world.now = due_at;
        world.run_alarm();
        due_at = due_at.plus_seconds(pause);
    }
}

#[test]
fn a_run_goes_on_after_a_full_batch_for_a_limited_time() {
    let mut world = World::new();
    for no in 0..40 {
        world.event(&format!("task_{no}"), "completed");
    }
    world.now = world.now.plus_seconds(3);
    let entries = world.decide(|shard, context| shard.due_side_effects(context)).unwrap();
    assert_eq!(entries.len(), 32);
    for (why, entries, seconds, expected) in [
        ("a full batch", 32, 9, true),
        ("a part of one is the last", 31, 0, false),
        ("its time is over", 32, 10, false),
    ] {
        let started = Millis(world.now.0 - seconds * 1000);
        let goes_on = world.decide(|shard, context| shard.continues_outbox(context, started, entries));
        assert_eq!(goes_on, expected, "{why}");
    }
    world.pass(10);
    assert_eq!(world.published.len(), 40);
}

#[test]
fn a_kind_of_a_later_version_is_left_for_it() {
    let mut world = World::new();
    world.post(&body("task_1", "completed"));
    world.db.sqlite.connection().execute("UPDATE outbox SET kind = 'later'", []).unwrap();
    world.now = world.now.plus_seconds(3);
    let entries = world.decide(|shard, context| shard.due_side_effects(context)).unwrap();
    for publishes_results in [true, false] {
        world.deployment.publishes_results = publishes_results;
        let publication = world.decide(|shard, context| shard.publication(context, &entries[0]));
        assert!(publication.is_err());
    }
    world.decide(|shard, context| shard.complete_or_retry(context, &entries[0], true)).unwrap();
    assert_eq!(world.rows("SELECT * FROM outbox").len(), 1);
}

#[test]
fn without_a_store_for_results_nothing_is_published_and_nothing_waits() {
    let mut world = World::new();
    world.event("task_1", "completed");
    world.deployment.publishes_results = false;
    world.event("task_2", "completed");
    assert_eq!(entries(&world).len(), 1, "only the entry from before");
    world.pass(5);
    assert!(entries(&world).is_empty());
    assert!(world.published.is_empty());
    let result = world.call(ShardRequest::Result { task_id: "task_2".to_owned() }, &[]);
    assert!(result.is_some(), "the shard has it");
}
