//! Tasks whose end never came: no signature shows what did not arrive, so they are listed by their age.

use vtryon_gateway_engine::protocol::{Page, ShardRequest, TaskFilter};
use vtryon_webhooks::Millis;

use crate::support::{NOON, World, endpoint};

const HOUR: i64 = 3600;

/// Returns the tasks listed that have had no event for so many seconds, in alphabetical order.
fn stalled(world: &mut World, seconds: i64, status: Option<&str>) -> Vec<String> {
    let since = Millis(world.now.plus_seconds(-seconds).0.max(0));
    let status = status.map(str::to_owned);
    let page: Page = world.query(ShardRequest::Tasks {
        before: None,
        filter: TaskFilter { status, stalled: Some(since), ..TaskFilter::default() },
        limit: 100,
    });
    let view = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let mut tasks: Vec<_> = page.items.iter().map(|item| view(item.view.get())["task_id"].clone()).collect();
    tasks.sort_by_key(ToString::to_string);
    tasks.iter().map(|task| task.as_str().unwrap().to_owned()).collect()
}

#[test]
fn tasks_without_an_end_are_listed_by_their_age() {
    let mut world = World::new();
    for status in ["queued", "processing", "completed", "failed", "paused"] {
        world.event(&format!("task_{status}"), status);
    }
    world.event("task_moves", "queued");
    world.send(r#"{"event":"rated","task_id":"task_rated"}"#);
    world.pass(HOUR);
    world.event("task_moves", "processing");
    world.event("task_late", "queued");
    let open = ["task_paused", "task_processing", "task_queued"];
    for (why, seconds, status, expected) in [
        ("older than half an hour", HOUR / 2, None, &open[..]),
        ("exactly an hour", HOUR, None, &open),
        ("longer than an hour", HOUR + 1, None, &[]),
        ("in a status", HOUR / 2, Some("queued"), &["task_queued"]),
        ("in another status", HOUR / 2, Some("processing"), &["task_processing"]),
        ("longer than there is time", NOON, None, &[]),
    ] {
        assert_eq!(stalled(&mut world, seconds, status), expected, "{why}");
    }
    let all = stalled(&mut world, 0, None);
    assert_eq!(all, ["task_late", "task_moves", "task_paused", "task_processing", "task_queued"]);
}

#[test]
fn the_sweep_finds_how_full_the_storage_is_and_that_retention_relieves_it() {
    let mut world = World::new();
    let percent =
        |world: &mut World| world.call(ShardRequest::Sweep, &[]).unwrap()["storage_percent"].clone();
    world.deployment.max_object_bytes = 1_000_000;
    assert!(percent(&mut world).as_u64().unwrap() < 20);
    for nth in 0..80 {
        let remark = "x".repeat(10_000);
        world.post(&format!(r#"{{"event":"rated","task_id":"task_{nth}","remark":"{remark}"}}"#));
    }
    assert!(percent(&mut world).as_u64().unwrap() >= 80);
    world.sleep(50);
    assert!(percent(&mut world).as_u64().unwrap() < 70, "pruned bodies are free again");
}

#[test]
fn the_sweep_finds_which_settings_the_shard_has() {
    let mut world = World::new();
    let version =
        |world: &mut World| world.call(ShardRequest::Sweep, &[]).unwrap()["settings_version"].clone();
    assert_eq!(version(&mut world), 0);
    world.configure(vec![endpoint(1)]);
    assert_eq!(version(&mut world), 1);
}
