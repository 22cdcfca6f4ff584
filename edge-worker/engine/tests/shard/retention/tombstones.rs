//! Tombstones: what is left of a pruned event identifies its duplicates, as long as its key is configured.

use vtryon_webhooks::Millis;

use crate::support::{SECRET, World, body, deployment};

const NEXT: &str = "the next secret of the tests, which is long";
const THIRD: &str = "a third secret of the tests, which is long";

/// Configures secrets, and starts another instance, which runs its alarm.
fn rotate(world: &mut World, secrets: &[&str]) {
    world.deployment = deployment(secrets);
    world.restart();
    world.pass(3600);
}

#[test]
fn a_tombstone_is_dropped_with_the_last_key_that_signed_its_events() {
    let mut world = World::new();
    world.event("task_1", "queued");
    // The second event is signed by the next secret: both keys are of this task.
    rotate(&mut world, &[NEXT, SECRET]);
    world.event("task_1", "processing");
    world.event("task_2", "queued");
    world.event("task_last", "queued");
    world.sleep(50);
    assert!(world.task_ids().is_empty());
    let tombstones = |world: &World| world.number("SELECT COUNT(*) FROM tasks");
    assert_eq!(tombstones(&world), 3);

    rotate(&mut world, &[THIRD, NEXT]);
    assert_eq!(tombstones(&world), 3, "one of its keys is configured");
    let post = |world: &mut World, task_id| world.post_signed(body(task_id, "queued").as_bytes(), 1);
    post(&mut world, "task_1");
    assert_eq!(world.task("task_1"), None, "it is a duplicate");

    rotate(&mut world, &[THIRD]);
    assert_eq!(tombstones(&world), 1, "the last one stays: the next task is numbered after it");
    world.event("task_1", "queued");
    assert_eq!(world.task("task_1").unwrap()["status"], "queued");
    assert_eq!(world.number("SELECT MAX(no) FROM tasks"), 4);
}

#[test]
fn what_identifies_events_by_other_names_is_dropped_with_their_task() {
    let mut world = World::new();
    world.send(r#"{"event":"generation.rated","task_id":"task_1"}"#);
    world.event("task_last", "queued");
    world.sleep(50);
    assert_eq!(world.number("SELECT COUNT(*) FROM events"), 1);
    rotate(&mut world, &[NEXT]);
    assert_eq!(world.number("SELECT COUNT(*) FROM events"), 0);
}

#[test]
fn bodies_that_cannot_be_parsed_go_with_their_key_page_after_page() {
    // Two whole pages and a part of one.
    const BODIES: usize = 450;
    let mut world = World::new();
    let bodies: Vec<String> = (0..BODIES).map(|nth| format!("no json {nth}")).collect();
    for body in &bodies {
        world.send(body);
    }
    world.sleep(50);
    assert!(world.quarantine().is_empty());
    let kept = |world: &World| world.number("SELECT COUNT(*) FROM quarantine");
    assert_eq!(kept(&world), BODIES as i64);
    rotate(&mut world, &[NEXT, SECRET]);
    for nth in [0, 250, BODIES - 1] {
        world.post_signed(bodies[nth].as_bytes(), 1);
    }
    assert!(world.quarantine().is_empty(), "all are duplicates");
    rotate(&mut world, &[NEXT]);
    assert_eq!(kept(&world), 1, "the last one stays: it has the sum of all bytes");
    for nth in [0, 250, BODIES - 2] {
        world.send(&bodies[nth]);
        assert_eq!(world.quarantine()[0]["head"], *bodies[nth]);
    }
}

#[test]
fn what_is_pruned_or_erased_after_its_key_was_removed_leaves_nothing_to_recognise_it() {
    const OTHER: &str = r#"{"event":"generation.rated","task_id":"task_1"}"#;
    let mut world = World::new();
    world.event("task_1", "queued");
    world.send(OTHER);
    world.send("no json");
    world.event("task_erased", "queued");
    world.event("task_late", "queued");
    rotate(&mut world, &[NEXT]);
    world.event("task_late", "processing");
    world.event("task_last", "queued");
    world.send("the last body");
    world.erase("task_erased").unwrap();
    world.pass(2 * 3600);
    world.event("task_erased", "completed");
    assert_eq!(world.task("task_erased"), None, "by the key that was configured then, it is known");
    world.sleep(50);
    assert!(world.task_ids().is_empty());
    let tombstones = |world: &World| world.number("SELECT COUNT(*) FROM tasks");
    assert_eq!(tombstones(&world), 3, "one has an event of the next key, one was erased, one is the last");
    assert_eq!(world.number("SELECT COUNT(*) FROM events"), 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM quarantine"), 1);
    rotate(&mut world, &[THIRD]);
    assert_eq!(tombstones(&world), 1, "the last one");
}

#[test]
fn a_change_of_keys_in_the_middle_has_all_of_them_looked_through() {
    const TASKS: i64 = 450;
    let mut world = World::new();
    for nth in 0..TASKS {
        world.event(&format!("task_{nth}"), "queued");
    }
    world.sleep(50);
    world.deployment = deployment(&[NEXT, SECRET]);
    world.deployment.max_page = 100;
    world.restart();
    world.run_alarm();
    assert!(
        world.number("SELECT value FROM meta WHERE name = 'tombstones_place'") > 0,
        "it is in the middle"
    );
    rotate(&mut world, &[NEXT]);
    assert_eq!(world.number("SELECT COUNT(*) FROM tasks"), 1);
}

#[test]
fn tasks_are_looked_through_page_after_page() {
    const TASKS: i64 = 450;
    let mut world = World::new();
    for nth in 0..TASKS {
        world.event(&format!("task_{nth}"), "queued");
    }
    world.sleep(50);
    assert!(world.task_ids().is_empty());
    assert_eq!(world.number("SELECT COUNT(*) FROM tasks"), TASKS);
    world.deployment = deployment(&[NEXT]);
    world.restart();
    let started: Millis = world.now;
    while world.number("SELECT COUNT(*) FROM tasks") > 1 {
        assert!(world.now < started.plus_seconds(60), "a page a second");
        world.pass(1);
    }
}
