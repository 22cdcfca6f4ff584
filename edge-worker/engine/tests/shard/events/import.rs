//! Events of another deployment: stored as if they had come when they did, and never delivered.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::import::MAX_BYTES;
use vtryon_gateway_engine::protocol::live::Start;
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::protocol::stats::Stats;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_webhooks::{BodyLimit, Millis};

use crate::support::{Client, NOON, SECRET, Watches, World, body, deployment, endpoint, outline};

const HOUR: i64 = 3600;
const OTHER: &str = r#"{"event":"generation.rated","task_id":"task_1"}"#;
const UNREADABLE: &str = "no json";

/// The time some hours before noon.
fn before_noon(hours: i64) -> Millis {
    Millis(NOON).plus_seconds(-hours * HOUR)
}

fn status(task_id: &str, status: &str, hours: i64) -> (String, Millis) {
    (body(task_id, status), before_noon(hours))
}

fn import_all(world: &mut World, events: &[(String, Millis)]) -> Vec<String> {
    let events: Vec<_> = events.iter().map(|(body, at)| (body.as_str(), *at)).collect();
    world.import(&events)
}

#[test]
fn the_longest_event_that_can_be_exported_fits_into_an_import() {
    const LONGEST: usize = 1024 * 1024;
    let completed = |url: &str| {
        format!(
            r#"{{"event":"generation.status_changed","task_id":"task_1","status":"completed","data":{{"result_url":"{url}"}}}}"#
        )
    };
    let mut world = World::new();
    let limit = BodyLimit::new(LONGEST).unwrap();
    world.deployment.verifier = deployment(&[SECRET]).verifier.with_limit(limit);
    world.post(&completed(&"x".repeat(LONGEST - completed("").len())));
    let mut client = Client::new(Watches::Shard);
    client.bodies = true;
    client.open(&mut world, Start::After(0));
    let longest = client.sizes.into_iter().max().unwrap();
    assert!(longest > 2 * LONGEST, "the body in base64, and the URL in the state of the task: {longest}");
    assert!(longest <= MAX_BYTES, "{longest}");
}

#[test]
fn imported_events_are_decided_on_in_their_order_with_their_times_and_not_delivered() {
    let mut world = World::new();
    let mut all = endpoint(1);
    all.options.include = vec!["unknown".to_owned(), "quarantined".to_owned()];
    world.configure(vec![all]);
    let events = [
        status("task_1", "queued", 5),
        status("task_1", "completed", 4),
        status("task_1", "processing", 3),
        status("task_1", "failed", 2),
        (OTHER.to_owned(), before_noon(1)),
        (UNREADABLE.to_owned(), before_noon(1)),
    ];
    let outcomes = ["applied", "applied", "late", "conflict", "unknown", "quarantined"];
    assert_eq!(import_all(&mut world, &events), outcomes);
    let changes = world.db.sqlite.connection().total_changes();
    assert_eq!(import_all(&mut world, &events), ["duplicate"; 6]);
    let marks = 4;
    assert_eq!(world.db.sqlite.connection().total_changes() - changes, marks, "a duplicate writes no row");

    let task = world.task("task_1").unwrap();
    let events = task["events"].as_array().unwrap();
    assert_eq!(outline(events, "outcome"), outcomes[..5]);
    assert_eq!(task["status"], "completed");
    assert_eq!(task["conflict"], true);
    assert_eq!(task["duplicates"], 0, "none is a repeat of Vtryon's");
    let times: Vec<_> = ["created_at", "updated_at"].iter().map(|name| task[*name].clone()).collect();
    assert_eq!(times, ["2023-11-14T17:13:20.000Z", "2023-11-14T21:13:20.000Z"]);
    let result = world.result("task_1").unwrap();
    assert_eq!(result["completed_at"], "2023-11-14T18:13:20.000Z");
    assert_eq!(world.quarantine()[0]["received_at"], "2023-11-14T21:13:20.000Z");

    world.pass(48 * HOUR - 2 * HOUR);
    assert!(world.received.is_empty() && world.deliveries(None).is_empty());
    let conditions = world.number("SELECT COUNT(*) FROM conditions") + world.conditions.len() as i64;
    assert_eq!(conditions, 0, "nobody is alerted of what was quarantined elsewhere");
}

#[test]
fn an_imported_event_is_a_duplicate_when_vtryon_posts_it_and_the_other_way_round() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    import_all(&mut world, &[status("task_1", "queued", 2)]);
    world.event("task_1", "queued");
    assert!(world.received.is_empty(), "it was delivered where it comes from");
    world.event("task_1", "processing");
    assert_eq!(world.received.len(), 1);
    assert_eq!(import_all(&mut world, &[status("task_1", "processing", 1)]), ["duplicate"]);
    let task = world.task("task_1").unwrap();
    assert_eq!(task["duplicates"], 1);
    assert_eq!(task["updated_at"], "2023-11-14T22:13:20.000Z");
    // One that is older than the last one does not set the task's time back.
    assert_eq!(import_all(&mut world, &[status("task_1", "paused", 20)]), ["unknown"]);
    assert_eq!(world.task("task_1").unwrap()["updated_at"], "2023-11-14T22:13:20.000Z");
}

#[test]
fn an_import_adds_the_secret_that_it_was_verified_with_to_the_task() {
    const KEYS: &str = "SELECT LENGTH(key) FROM tasks";
    let mut world = World::new();
    world.deployment =
        crate::support::deployment(&["a secret of another deployment", crate::support::SECRET]);
    world.post_signed(body("task_1", "queued").as_bytes(), 1);
    let one = world.number(KEYS);
    import_all(&mut world, &[status("task_1", "queued", 1)]);
    assert_eq!(world.number(KEYS), 2 * one + 1, "so that its tombstone stays as long as either");
}

#[test]
fn streams_mark_what_was_imported() {
    let mut world = World::new();
    let mut connected = Client::opened(&mut world, Watches::Shard, Start::Now);
    import_all(&mut world, &[status("task_1", "queued", 2)]);
    crate::support::broadcast(&mut world, &mut [&mut connected]);
    world.event("task_1", "processing");
    crate::support::broadcast(&mut world, &mut [&mut connected]);
    let later = Client::opened(&mut world, Watches::Shard, Start::After(0));
    for client in [&connected, &later] {
        let events = client.messages.iter().filter(|message| message["type"] == "event");
        let marks: Vec<_> = events.map(|event| event["imported"].clone()).collect();
        assert_eq!(marks, [Json::Bool(true), Json::Null]);
    }
}

#[test]
fn what_was_too_old_when_it_was_imported_is_a_gap_where_it_is_pruned_before_its_broadcast() {
    let mut world = World::new();
    let mut client = Client::new(Watches::Shard);
    client.until = Some(world.now.plus_seconds(24 * HOUR));
    client.open(&mut world, Start::Now);
    world.import(&[("no json", before_noon(50))]);
    import_all(&mut world, &[status("task_1", "queued", 1)]);
    let queued = std::mem::take(&mut world.broadcasts);
    world.sleep(1);
    assert!(world.quarantine().is_empty());
    world.broadcasts = queued;
    crate::support::broadcast(&mut world, &mut [&mut client]);
    let seen: Vec<_> =
        client.messages.iter().map(|message| (message["type"].clone(), message["to"].clone())).collect();
    let types: Vec<_> = seen.iter().map(|(kind, _)| kind.as_str().unwrap()).collect();
    assert_eq!(types, ["snapshot", "ready", "gap", "snapshot", "event"]);
    assert_eq!(seen[2].1, 1);
}

#[test]
fn an_old_body_is_part_of_streams_until_the_young_event_before_it_is_pruned() {
    const FLOOR: &str = "SELECT COALESCE(MAX(value), 0) FROM meta WHERE name = 'pruned_to'";
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("task_young", "queued");
    world.import(&[(UNREADABLE, before_noon(60))]);
    world.sleep(1);
    let client = Client::opened(&mut world, Watches::Shard, Start::After(0));
    assert_eq!(client.types(0), ["event", "event", "ready"]);
    let soon = world.now.plus_seconds(2 * HOUR);
    assert!(world.alarm.is_none_or(|at| at > soon), "nothing is due before the event is too old");
    world.sleep(48);
    assert!(world.task_ids().is_empty() && world.quarantine().is_empty());
    assert_eq!(world.number(FLOOR), 2);
}

#[test]
fn a_young_body_stays_part_of_all_though_an_old_event_was_imported_after_it() {
    let mut world = World::new();
    let mut all = endpoint(1);
    all.options.include = vec!["quarantined".to_owned()];
    world.configure(vec![all]);
    world.send(UNREADABLE);
    world.call(ShardRequest::Replay { no: 65_537 }, &[]).unwrap();
    import_all(&mut world, &[status("task_old", "queued", 60)]);
    world.sleep(1);
    let since = before_noon(1);
    let client = Client::opened(&mut world, Watches::Shard, Start::Since(since));
    assert_eq!(client.seqs(), [1, 2, 3]);
    let client = Client::opened(&mut world, Watches::Shard, Start::After(1));
    assert_eq!(
        client.types(0),
        ["replay", "event", "ready"],
        "a replay is resumed as long as its body is stored"
    );
    let stats: Stats = world.query(ShardRequest::Stats { from: since, endpoint: None });
    assert_eq!(stats.events.iter().map(|(.., count)| count).sum::<u64>(), 1);
}

#[test]
fn what_was_imported_since_a_time_and_is_pruned_already_is_a_gap() {
    let old = [status("task_old", "queued", 60)];
    let since = Start::Since(before_noon(1));
    for (why, live_at, expected) in [
        ("nothing that is left was stored before that time", None, ["gap", "snapshot", "ready"].as_slice()),
        (
            "what was pruned was stored before what is left from before that time",
            Some(before_noon(2)),
            &["ready"],
        ),
    ] {
        let mut world = World::new();
        world.now = live_at.unwrap_or(Millis(NOON));
        import_all(&mut world, &old);
        if live_at.is_some() {
            world.event("task_live", "queued");
        }
        world.sleep(1);
        world.now = Millis(NOON).plus_seconds(1);
        let client = Client::opened(&mut world, Watches::Shard, since);
        assert_eq!(client.types(0), expected, "{why}");
    }
}

/// A shard with a live task an hour before noon, imported ones from hours before, and a live one after them.
fn mixed() -> World {
    let mut world = World::new();
    world.now = before_noon(1);
    world.event("task_before", "queued");
    world.pass(600);
    // In two parts, the later one first.
    for hours in [2..=10, 11..=30] {
        let part: Vec<_> = hours.rev().map(|hour| status(&format!("task_{hour}"), "queued", hour)).collect();
        import_all(&mut world, &part);
    }
    world.now = Millis(NOON);
    world.event("task_after", "queued");
    world
}

#[test]
fn listings_by_time_find_imported_tasks_by_the_times_at_which_they_came() {
    let none = TaskFilter::default;
    let at = |hours| Some(before_noon(hours));
    let open = || Some("queued".to_owned());
    for (why, filter, expected) in [
        (
            "a range among them",
            TaskFilter { since: at(5), until: at(3), ..none() },
            &["task_4", "task_5"][..],
        ),
        (
            "from a time on",
            TaskFilter { since: at(3), ..none() },
            &["task_after", "task_2", "task_3", "task_before"],
        ),
        ("before a time", TaskFilter { until: at(28), ..none() }, &["task_29", "task_30"]),
        ("after the import", TaskFilter { since: at(0), ..none() }, &["task_after"]),
        (
            "open ones",
            TaskFilter { since: at(3), status: open(), ..none() },
            &["task_after", "task_2", "task_3", "task_before"],
        ),
        ("ended ones", TaskFilter { since: at(3), status: Some("failed".to_owned()), ..none() }, &[]),
    ] {
        let mut world = mixed();
        let request = |before| ShardRequest::Tasks { before, filter: filter.clone(), limit: 2 };
        let found = world.pages(request, |_| ()).concat();
        assert_eq!(outline(&found, "task_id"), expected, "{why}");
    }
}

#[test]
fn a_page_among_imported_tasks_looks_at_a_thousand_of_them() {
    let mut world = World::new();
    let imported: Vec<_> =
        (0..2500).map(|no| status(&format!("task_{no}"), "queued", 30 - i64::from(no < 2))).collect();
    import_all(&mut world, &imported);
    let filter = TaskFilter { since: Some(before_noon(29)), ..TaskFilter::default() };
    let pages =
        world.pages(|before| ShardRequest::Tasks { before, filter: filter.clone(), limit: 50 }, |_| ());
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 2]);
}

#[test]
fn ranges_replay_imported_events_by_the_times_at_which_they_came() {
    for (why, from, until, expected) in [
        ("a range among them", before_noon(5), before_noon(3), 2),
        ("one that ends before the import", before_noon(30), before_noon(1), 29),
        ("one that begins after it", before_noon(0), Millis(i64::MAX / 2), 1),
        ("everything", Millis(0), Millis(i64::MAX / 2), 31),
    ] {
        let mut world = mixed();
        world.configure(vec![endpoint(1)]);
        let id = "rpl_1".to_owned();
        let replay = Replay { id, endpoint: 1, all: true, from, until, ..Replay::default() };
        world.change(|settings| settings.replays = vec![replay]);
        assert_eq!(world.progress("rpl_1").matched, expected, "{why}");
        world.pass(600);
        let progress = world.progress("rpl_1");
        assert_eq!((progress.matched, progress.delivered), (expected, expected), "{why}");
    }
}

#[test]
fn a_stream_since_a_time_has_all_that_was_stored_since_and_statistics_what_came() {
    let mut world = mixed();
    let client = Client::opened(&mut world, Watches::Shard, Start::Since(Millis(NOON).plus_seconds(-3100)));
    let events = client.messages.iter().filter(|message| message["type"] == "event").count();
    assert_eq!(events, 30, "29 were imported since, and one came");
    let stats: Stats = world.query(ShardRequest::Stats { from: before_noon(3), endpoint: None });
    let counted: u64 = stats.events.iter().map(|(.., count)| count).sum();
    assert_eq!((counted, stats.truncated), (4, false));
}

#[test]
fn imported_events_are_pruned_by_their_times_once_all_before_them_are() {
    let live = |world: &mut World| {
        let mut ids = world.task_ids();
        ids.sort();
        ids
    };
    let mut world = World::new();
    import_all(&mut world, &[status("task_40", "queued", 40), status("task_20", "queued", 20)]);
    world.import(&[("no json 40", before_noon(40)), ("no json 20", before_noon(20))]);
    world.event("task_live", "queued");
    import_all(&mut world, &[status("task_45", "queued", 45)]);
    world.import(&[("no json 45", before_noon(45))]);
    world.sleep(7);
    assert_eq!(live(&mut world), ["task_20", "task_40", "task_45", "task_live"]);
    world.sleep(2);
    assert_eq!(live(&mut world), ["task_20", "task_45", "task_live"], "after 48 hours by its own time");
    assert_eq!(world.quarantine().len(), 3, "those that came here after task_20 wait for it");
    world.sleep(20);
    assert_eq!(live(&mut world), ["task_45", "task_live"]);
    assert_eq!(world.quarantine().len(), 1);
    world.sleep(20);
    assert!(live(&mut world).is_empty(), "with the last one before it");
    assert!(world.quarantine().is_empty());
    assert_eq!(world.number("SELECT SUM(LENGTH(body)) FROM quarantine"), 0);
    assert_eq!(import_all(&mut world, &[status("task_45", "queued", 45)]), ["duplicate"]);
}

#[test]
fn an_import_of_what_is_known_leaves_the_times_in_the_order_that_they_were_in() {
    let marks = |world: &World| {
        world.number(
            "SELECT COALESCE(SUM(value), 0) FROM meta WHERE name IN ('imported_event', 'imported_task')",
        )
    };
    let mut world = World::new();
    world.event("task_1", "queued");
    let known = status("task_1", "queued", 2);
    assert_eq!(import_all(&mut world, std::slice::from_ref(&known)), ["duplicate"]);
    assert_eq!(marks(&world), 0);
    assert_eq!(import_all(&mut world, &[status("task_2", "queued", 2)]), ["applied"]);
    assert_eq!(marks(&world), 2 + 2, "the event and the task");
    world.event("task_3", "queued");
    assert_eq!(import_all(&mut world, &[known]), ["duplicate"]);
    assert_eq!(marks(&world), 2 + 2);
}
