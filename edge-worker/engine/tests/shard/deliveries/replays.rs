//! Deliveries that are made once more: one alone, or a range, which comes to an end.

use serde_json::{Value as Json, json};
use vtryon_gateway_engine::directory::replays::ReplayView;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::live::MAX_QUEUED;
use vtryon_gateway_engine::protocol::settings::{Endpoint, EndpointOptions, RangeCount, Replay};
use vtryon_webhooks::Millis;

use crate::support::{NOON, Reply, World, body, endpoint, outline};

const OK: Reply = Some(200);
const DOWN: Reply = Some(500);

/// How many deliveries a run of the alarm enqueues.
const PAGE: usize = MAX_QUEUED;

/// A range of endpoint 1 up to now: all events, or dead letters alone.
fn range(world: &World, id: &str, all: bool) -> Replay {
    Replay { id: id.to_owned(), endpoint: 1, all, until: world.now, ..Replay::default() }
}

/// Has a shard accept a range; returns it.
fn ask(world: &mut World, id: &str, all: bool) -> Replay {
    let replay = range(world, id, all);
    world.change(|settings| settings.replays.push(replay.clone()));
    replay
}

/// Returns how far a range has come in all shards.
fn counts(worlds: &mut [World], replay: &Replay) -> Json {
    let progress: Vec<_> = worlds.iter_mut().map(|world| world.progress(&replay.id)).collect();
    let view = serde_json::to_value(ReplayView::new(replay, &progress)).unwrap();
    let names = ["matched", "enqueued", "delivered", "failed", "pending", "done"];
    names.into_iter().map(|name| (name.to_owned(), view[name].clone())).collect()
}

/// How far a range has come of which every delivery has arrived.
fn finished(deliveries: usize) -> Json {
    json!({
        "matched": deliveries, "enqueued": deliveries, "delivered": deliveries,
        "failed": 0, "pending": 0, "done": true,
    })
}

/// An endpoint that takes one kind of event alone.
fn taking(name: &str) -> Endpoint {
    let mut endpoint = endpoint(1);
    endpoint.options.events = vec![name.to_owned()];
    endpoint
}

fn named(task_id: &str) -> String {
    format!(r#"{{"event":"ranged","task_id":"{task_id}"}}"#)
}

#[test]
fn dead_letters_are_replayed_alone_and_as_a_range() {
    let mut worlds: Vec<World> = (0..6).map(|no| World::of(no, 6)).collect();
    for (no, world) in worlds.iter_mut().enumerate() {
        world.deployment.retention_hours = 10_000;
        world.configure(vec![endpoint(1)]);
        world.replies.insert(1, DOWN);
        world.event(&format!("task_{no}"), "completed");
        world.pass(86_400);
        let dead = world.deliveries(Some("dead"));
        assert_eq!(outline(&dead, "task_id"), [format!("task_{no}")]);
        assert_eq!(dead[0]["reason"], "exhausted");
        assert_eq!(dead[0]["attempts"].as_array().unwrap().len(), 6);
        world.replies.insert(1, OK);
    }

    let alone = &mut worlds[0];
    let no = delivery_no(1, 1);
    let answer = alone.call(ShardRequest::Replay { no }, &[]).unwrap();
    assert_eq!((&answer["id"], &answer["replay_count"]), (&json!(format!("dlv_0_{no}")), &json!(1)));
    alone.pass(1);
    let delivered = alone.delivery(no);
    assert_eq!(delivered["state"], "delivered");
    let attempts = delivered["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 7, "those before it are shown too");
    let last = &attempts[6];
    assert_eq!(
        (&last["replay_count"], &last["attempt"], &last["status"]),
        (&json!(1), &json!(1), &json!(200))
    );
    let (first, last) = (&alone.received[0], &alone.received[6]);
    assert_eq!((&last.webhook_id, &last.body), (&first.webhook_id, &first.body), "the same event");
    assert_eq!((last.replay_count, last.attempt), (1, 1), "another delivery");

    let mut replay = None;
    for world in &mut worlds {
        world.received.clear();
        replay = Some(ask(world, "rpl_1", false));
    }
    let replay = replay.unwrap();
    let matched = json!({
        "matched": 5, "enqueued": 0, "delivered": 0, "failed": 0, "pending": 5, "done": false,
    });
    assert_eq!(counts(&mut worlds, &replay), matched);
    worlds.iter_mut().for_each(|world| world.pass(1));
    assert_eq!(counts(&mut worlds, &replay), finished(5));
    let received: Vec<usize> = worlds.iter().map(|world| world.received.len()).collect();
    assert_eq!(received, [0, 1, 1, 1, 1, 1], "what was replayed alone is no dead letter any more");
    for world in &mut worlds {
        assert!(world.deliveries(Some("dead")).is_empty());
        // The directory sends the range with all settings that follow: it is replayed once.
        world.change(|_| ());
        world.pass(60);
    }
    assert_eq!(counts(&mut worlds, &replay), finished(5));
    assert_eq!(worlds.iter().map(|world| world.received.len()).sum::<usize>(), 5);
}

#[test]
fn a_page_of_dead_letters_looks_at_a_bounded_number_of_those_of_all_endpoints() {
    let mut world = World::new();
    world.deployment.max_page = 2;
    world.configure(vec![endpoint(1)]);
    world.aborting.extend([1, 2]);
    world.replies.extend([(1, DOWN), (2, DOWN)]);
    for n in 1..=6 {
        if n == 6 {
            world.configure(vec![endpoint(1), endpoint(2)]);
        }
        world.event(&format!("task_{n}"), "queued");
    }
    world.pass(600);
    let replay = Replay { endpoint: 2, ..range(&world, "rpl_1", false) };
    world.change(|settings| settings.replays.push(replay));
    assert_eq!(world.progress("rpl_1").matched, 1);
    // The second page ends with the dead letter of endpoint 1 of the sixth event, the next one begins with the other.
    for next in [2, 4, 6] {
        world.decide(|shard, context| shard.begin_alarm(context));
        assert_eq!(world.number("SELECT next_seq FROM replays"), next);
        assert_eq!(world.progress("rpl_1").enqueued, 0);
    }
    world.decide(|shard, context| shard.begin_alarm(context));
    let progress = world.progress("rpl_1");
    assert_eq!((progress.enqueued, progress.is_enqueued), (1, true));
}

#[test]
fn a_range_of_all_events_has_delivered_ones_and_those_before_the_endpoint() {
    let mut world = World::new();
    let early = ["a", "b", "c"].map(named);
    let late = ["d", "e"].map(named);
    early.iter().for_each(|body| world.send(body));
    world.configure(vec![taking("ranged")]);
    late.iter().for_each(|body| world.send(body));
    assert_eq!(world.bodies(1), late);
    let ids: Vec<_> = world.received.iter().map(|received| received.webhook_id.clone()).collect();

    world.pass(1);
    world.received.clear();
    let replay = ask(&mut world, "rpl_1", true);
    world.pass(1);
    assert_eq!(world.bodies(1), [&early[..], &late[..]].concat());
    let again: Vec<_> = world.received.iter().map(|received| received.webhook_id.clone()).collect();
    assert_eq!(again[3..], ids, "a replay has the id of its event");
    assert_eq!(counts(&mut [world], &replay), finished(5));
}

#[test]
fn a_range_has_what_was_received_between_its_times() {
    for (why, from, until, expected) in [
        ("before all events", 0, NOON, &[][..]),
        ("the first", 0, NOON + 1, &["a"]),
        ("those in the middle", NOON + 1, NOON + 200_000, &["b"]),
        ("from the last on", NOON + 200_000, i64::MAX / 2, &["c"]),
        ("all", 0, i64::MAX / 2, &["a", "b", "c"]),
    ] {
        let mut world = World::new();
        for task_id in ["a", "b", "c"] {
            world.send(&named(task_id));
            world.pass(100);
        }
        world.configure(vec![taking("ranged")]);
        let replay = Replay { from: Millis(from), until: Millis(until), ..range(&world, "rpl_1", true) };
        world.change(|settings| settings.replays.push(replay.clone()));
        world.pass(1);
        assert_eq!(
            world.bodies(1),
            expected.iter().map(|task_id| named(task_id)).collect::<Vec<_>>(),
            "{why}"
        );
        assert_eq!(counts(&mut [world], &replay), finished(expected.len()), "{why}");
    }
}

#[test]
fn a_range_ends_though_one_of_its_deliveries_is_replayed_meanwhile() {
    for (why, is_range) in [("alone", false), ("by another range", true)] {
        let mut world = World::new();
        world.configure(vec![taking("ranged")]);
        world.send(&named("a"));
        world.pass(1);
        world.replies.insert(1, DOWN);
        let replay = ask(&mut world, "rpl_1", true);
        world.pass(10);
        assert_eq!(world.received.len(), 2, "{why}: it has failed");
        assert!(counts(std::slice::from_mut(&mut world), &replay)["done"] == false, "{why}");
        world.replies.insert(1, OK);
        if is_range {
            ask(&mut world, "rpl_2", true);
        } else {
            world.call(ShardRequest::Replay { no: delivery_no(1, 1) }, &[]).unwrap();
        }
        world.pass(10);
        assert_eq!(outline(&world.deliveries(None), "state"), ["delivered"], "{why}");
        let counts = counts(&mut [world], &replay);
        assert_eq!((&counts["pending"], &counts["done"]), (&json!(0), &json!(true)), "{why}");
    }
}

#[test]
fn a_range_ends_whose_endpoint_is_deleted_meanwhile() {
    const EVENTS: i64 = PAGE as i64 + 20;
    let mut world = World::new();
    for n in 0..EVENTS {
        world.send(&named(&format!("task_{n}")));
    }
    world.pass(1);
    world.configure(vec![taking("ranged")]);
    let replay = ask(&mut world, "rpl_1", true);
    // A run has enqueued the first page, and its first attempt is in progress.
    let started = world.now;
    world.decide(|shard, context| shard.begin_alarm(context));
    let picked = world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap().unwrap();
    assert_eq!(world.progress("rpl_1").enqueued, PAGE as i64);
    world.change(|settings| {
        settings.endpoints.clear();
        settings.deleted = vec![1];
    });
    world.replies.insert(1, None);
    let report = world.attempt(&picked.dispatch, &picked.body);
    world.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
    world.decide(|shard, context| shard.end_alarm(context, false));
    world.pass(60);
    let shown = counts(std::slice::from_mut(&mut world), &replay);
    assert_eq!(shown["done"], true);
    assert_eq!(
        (&shown["matched"], &shown["delivered"], &shown["pending"]),
        (&json!(EVENTS), &json!(0), &json!(0))
    );
    assert_eq!(world.alarm, None, "the shard is at rest");
    assert_eq!(world.received.len(), 1);
}

#[test]
fn a_delivery_that_does_not_exist_is_not_replayed() {
    let mut world = World::new();
    assert!(world.call(ShardRequest::Replay { no: 1 }, &[]).is_none());
    assert_eq!(world.alarm, None);
}

#[test]
fn a_delivery_whose_attempt_is_in_progress_is_not_replayed_beside_it() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    let first = world.post(&body("task_1", "queued")).pop().unwrap();
    let answer = world.call(ShardRequest::Replay { no: first.delivery }, &[]).unwrap();
    assert_eq!((&answer["state"], &answer["replay_count"]), (&json!("pending"), &json!(0)));
    assert!(world.rows("SELECT * FROM replay_log").is_empty(), "it is no replay");
    world.pass(1);
    world.make(&first);
    world.pass(60);
    assert_eq!(world.received.len(), 1);
}

#[test]
fn a_replay_of_a_delivery_that_waits_for_an_older_one_of_its_task_has_that_tried_too() {
    // the order of the endpoint, the statuses that come while it is down, which of them is replayed once it is up again, and
    // what arrives then
    for (why, order, statuses, replayed, expected) in [
        ("it waits for one", "all", &["queued", "completed"][..], 2, &["queued", "completed"][..]),
        ("for two", "all", &["queued", "processing", "completed"], 3, &["queued", "processing", "completed"]),
        ("for an unknown status", "latest", &["moderated", "completed"], 2, &["moderated", "completed"]),
        ("it had ended, and waits for none", "latest", &["moderated", "queued", "completed"], 2, &["queued"]),
    ] {
        let mut world = World::new();
        let mut one = endpoint(1);
        one.options.order = order.to_owned();
        one.options.include = vec!["unknown".to_owned()];
        world.configure(vec![one]);
        world.replies.insert(1, DOWN);
        for status in statuses {
            world.event("task_1", status);
        }
        world.pass(30);
        world.replies.insert(1, OK);
        world.received.clear();
        world.call(ShardRequest::Replay { no: delivery_no(replayed, 1) }, &[]).unwrap();
        world.pass(10);
        let bodies = expected.iter().map(|status| body("task_1", status)).collect::<Vec<_>>();
        assert_eq!(world.bodies(1), bodies, "{why}");
    }
}

#[test]
fn a_range_makes_no_attempt_beside_one_that_is_in_progress() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    let first = world.post(&body("task_1", "queued")).pop().unwrap();
    world.pass(1);
    let replay = ask(&mut world, "rpl_1", true);
    world.pass(10);
    assert!(world.received.is_empty());
    world.make(&first);
    world.pass(60);
    assert_eq!(world.received.len(), 1);
    assert_eq!(counts(&mut [world], &replay), finished(1));
}

#[test]
fn a_long_range_is_counted_up_to_a_bound_and_grows_while_it_is_enqueued() {
    const REST: &str =
        "WITH RECURSIVE more AS (SELECT 2 AS n UNION ALL SELECT n + 1 FROM more WHERE n < 10100)
        INSERT INTO events (seq, task_no, previous, received_at, status, outcome, key, body)
        SELECT n, 1, NULL, received_at, status, outcome, key, body FROM more, events WHERE seq = 1";
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("task_1", "queued");
    world.db.sqlite.connection().execute_batch(REST).unwrap();
    world.restart();
    world.pass(1);
    let replay = ask(&mut world, "rpl_1", true);
    assert_eq!(world.progress(&replay.id).matched, 10_000, "no more is looked at in one call");
    let counted: RangeCount = world.query(ShardRequest::CountRange(replay.clone()));
    assert_eq!((counted.matched, counted.is_truncated), (10_000, true), "nor in a dry run, which says so");
    world
        .db
        .sqlite
        .connection()
        .execute_batch("UPDATE replays SET next_seq = 10000, enqueued = 9999")
        .unwrap();
    (0..3).for_each(|_| world.run_alarm());
    let progress = world.progress(&replay.id);
    assert_eq!((progress.matched, progress.enqueued, progress.is_enqueued), (10_100, 10_100, true));
}

/// A world with two pages of events and some more, which endpoint 1 would take.
fn world_of_pages() -> World {
    let mut world = World::new();
    for no in 0..2 * PAGE + 7 {
        world.send(&named(&format!("task_{no}")));
    }
    world.configure(vec![taking("ranged")]);
    world.pass(1);
    world
}

#[test]
fn ranges_share_a_run_so_that_a_long_one_does_not_hold_up_others() {
    let mut world = world_of_pages();
    let ids = ["rpl_1", "rpl_2"];
    let mut second = taking("ranged");
    second.no = 2;
    world.change(|settings| settings.endpoints.push(second));
    let ranges = ids.map(|id| range(&world, id, true));
    let [first, other] = ranges;
    world.change(|settings| settings.replays = vec![first, Replay { endpoint: 2, ..other }]);
    world.now = world.now.plus_seconds(1);
    world.run_alarm();
    let enqueued = ids.map(|id| world.progress(id).enqueued as usize);
    assert!(enqueued.iter().all(|count| *count > 0), "{enqueued:?}");
    assert!(enqueued.iter().sum::<usize>() <= PAGE, "{enqueued:?}");
}

#[test]
fn a_range_that_is_cancelled_enqueues_nothing_more_and_what_is_enqueued_is_delivered() {
    for (why, runs, enqueued) in
        [("before its first page", 0, 0), ("between two pages", 1, PAGE), ("after its end", 3, 2 * PAGE + 7)]
    {
        let mut world = world_of_pages();
        let replay = ask(&mut world, "rpl_1", true);
        for _ in 0..runs {
            world.now = world.now.plus_seconds(1);
            world.run_alarm();
        }
        world.change(|settings| settings.replays[0].is_cancelled = true);
        assert_eq!(world.progress("rpl_1").matched, enqueued as i64, "{why}: it says how much is enqueued");
        world.restart();
        world.pass(3600);
        assert_eq!(world.received.len(), enqueued, "{why}");
        assert_eq!(counts(&mut [world], &replay), finished(enqueued), "{why}");
    }
}

#[test]
fn a_range_that_was_cancelled_before_a_shard_knew_it_never_begins() {
    let mut world = world_of_pages();
    let replay = Replay { is_cancelled: true, ..range(&world, "rpl_1", true) };
    world.change(|settings| settings.replays.push(replay.clone()));
    world.pass(60);
    assert_eq!(world.received.len(), 0);
    assert_eq!(counts(&mut [world], &replay), finished(0));
}

#[test]
fn a_dry_run_counts_what_would_be_replayed_and_changes_nothing() {
    let unfiltered = EndpointOptions::default();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (why, options, all, expected) in [
        ("every applied status", unfiltered.clone(), true, 3),
        ("one status", EndpointOptions { statuses: names(&["completed"]), ..unfiltered.clone() }, true, 1),
        ("one event", EndpointOptions { events: names(&["ranged"]), ..unfiltered.clone() }, true, 2),
        ("unknown ones too", EndpointOptions { include: names(&["unknown"]), ..unfiltered.clone() }, true, 5),
        ("bodies too", EndpointOptions { include: names(&["quarantined"]), ..unfiltered.clone() }, true, 4),
        ("dead letters", unfiltered, false, 0),
    ] {
        let mut world = World::new();
        for status in ["queued", "processing", "completed"] {
            world.event("task_1", status);
        }
        for body in [named("a"), named("b"), "no json".to_owned()] {
            world.send(&body);
        }
        world.configure(vec![Endpoint { options, ..endpoint(1) }]);
        world.pass(60);
        let replay = range(&world, "rpl_1", all);
        let before = world.db.sqlite.connection().total_changes();
        let counted: RangeCount = world.query(ShardRequest::CountRange(replay));
        assert_eq!(world.db.sqlite.connection().total_changes(), before, "{why}: nothing is written");
        assert_eq!((counted.matched, counted.is_truncated), (expected, false), "{why}");
        let replay = ask(&mut world, "rpl_2", all);
        world.pass(60);
        assert_eq!(counts(&mut [world], &replay), finished(expected as usize), "{why}: as the range does");
    }
}

#[test]
fn a_dry_run_counts_dead_letters_of_its_endpoint_and_times() {
    let mut world = World::new();
    world.deployment.retention_hours = 10_000;
    world.configure(vec![endpoint(1), endpoint(2)]);
    world.replies.extend([(1, DOWN), (2, DOWN)]);
    world.event("task_1", "queued");
    world.pass(100);
    world.event("task_2", "queued");
    world.pass(2 * 86_400);
    for (why, from, until, expected) in [
        ("all of one endpoint", 0, NOON * 2, 2),
        ("the first", 0, NOON + 1, 1),
        ("none, though the second came shortly before", NOON + 110_000, NOON * 2, 0),
    ] {
        let replay = Replay { from: Millis(from), until: Millis(until), ..range(&world, "rpl_1", false) };
        let counted: RangeCount = world.query(ShardRequest::CountRange(replay));
        assert_eq!((counted.matched, counted.is_truncated), (expected, false), "{why}");
    }
}
