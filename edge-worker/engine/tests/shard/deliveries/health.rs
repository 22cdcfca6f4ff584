//! The health of endpoints: when they are reported as gone or failing, and how a shard spares those that fail.

use std::collections::VecDeque;

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::settings::Endpoint;
use vtryon_gateway_engine::protocol::{EndpointHealth, ShardRequest};
use vtryon_webhooks::health::{Health, is_dead};

use crate::support::{Reply, World, body, endpoint, outline};

const OK: Reply = Some(200);
const DOWN: Reply = Some(500);
const GONE: Reply = Some(410);
const TIMEOUT: Reply = None;
const DAY: i64 = 24 * 3600;

fn world() -> World {
    let mut world = World::new();
    world.deployment.retention_hours = 10_000;
    world.configure(vec![endpoint(1)]);
    world
}

fn health(world: &mut World) -> Health {
    let EndpointHealth { failing_since, succeeded_at, consecutive_410 } =
        world.query(ShardRequest::Health { endpoint: 1 });
    Health { failing_since, succeeded_at, consecutive_410, ..Health::default() }
}

fn statuses(delivery: &Json) -> Vec<&Json> {
    delivery["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect()
}

/// Disables endpoint 1 or enables it, as the directory does.
fn enable(world: &mut World, enabled: bool) {
    world.change(|settings| settings.endpoints[0].options.enabled = enabled);
}

/// Enables the endpoint again: what was pending is delivered, and a new event too.
fn assert_revived(world: &mut World) {
    world.replies.insert(1, OK);
    let pending = outline(&world.deliveries(Some("pending")), "task_id").join(" ");
    let before = world.received.len();
    enable(world, true);
    world.event("task_new", "queued");
    world.pass(200);
    let again: Vec<&str> = world.bodies(1)[before..].to_vec();
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again.contains(&&*body("task_new", "queued")) && again.contains(&&*body(&pending, "queued")));
    assert!(world.deliveries(Some("pending")).is_empty());
}

#[test]
fn what_the_former_url_answers_says_nothing_of_the_new_one() {
    let mut world = world();
    world.replies.insert(1, GONE);
    let dispatches: Vec<_> =
        ["task_1", "task_2"].iter().flat_map(|task_id| world.post(&body(task_id, "queued"))).collect();
    assert_eq!(dispatches.len(), 2);
    world.change(|settings| settings.endpoints[0].options.url = "https://moved.example/hook".to_owned());
    for dispatch in &dispatches {
        world.make(dispatch);
    }
    assert_eq!(health(&mut world), Health::default());
    assert_eq!(statuses(&world.deliveries(None)[0]), [410], "it is a failed attempt all the same");
}

#[test]
fn an_endpoint_that_answers_410_twice_in_a_row_is_gone() {
    let mut world = world();
    world.replies.insert(1, GONE);
    world.event("task_gone", "queued");
    world.pass(30);
    assert_eq!(world.unhealthy, [], "once is not enough");
    world.pass(100);
    assert_eq!(world.unhealthy, [(1, "gone".to_owned())]);
    let delivery = world.delivery(delivery_no(1, 1));
    assert_eq!(delivery["state"], "pending", "pending deliveries stay pending");
    assert_eq!(statuses(&delivery), [410, 410]);
    enable(&mut world, false);
    world.event("task_meanwhile", "queued");
    world.pass(2 * DAY);
    assert_eq!(world.deliveries(None).len(), 1, "a disabled endpoint gets no deliveries");
    assert_eq!(world.received.len(), 2, "nor attempts");
    assert_revived(&mut world);
}

#[test]
fn an_endpoint_that_answers_410_but_not_twice_in_a_row_is_not_gone() {
    let mut world = world();
    world.first_replies.insert(1, [GONE, DOWN, GONE, OK].into());
    world.event("task_1", "queued");
    world.pass(DAY);
    let delivery = world.delivery(delivery_no(1, 1));
    assert_eq!(statuses(&delivery), [410, 500, 410, 200]);
    assert_eq!(world.unhealthy, []);
}

#[test]
fn an_endpoint_that_fails_for_5_days_is_failing_but_not_before() {
    for reply in [DOWN, TIMEOUT] {
        let mut world = world();
        world.replies.insert(1, reply);
        let first_at = world.now;
        for day in 0..5 {
            world.event(&format!("task_{day}"), "queued");
            assert_eq!(world.unhealthy, [], "day {day}");
            world.pass(DAY);
        }
        while world.unhealthy.is_empty() {
            world.event("task_fails", "queued");
            world.pass(10);
        }
        assert_eq!(world.unhealthy, [(1, "failing".to_owned())]);
        assert!(world.now >= first_at.plus_seconds(5 * DAY));
        assert!(world.now < first_at.plus_seconds(5 * DAY + 60));
        enable(&mut world, false);
        assert_revived(&mut world);
        assert_eq!(health(&mut world).failing_since, None);
    }
}

#[test]
fn that_nothing_was_attempted_for_days_proves_nothing() {
    let mut world = world();
    world.replies.insert(1, DOWN);
    world.event("task_1", "queued");
    world.pass(10 * DAY);
    assert_eq!(world.deliveries(Some("dead")).len(), 1);
    world.run_alarm();
    assert_eq!(world.unhealthy, []);
    world.event("task_2", "queued");
    world.pass(1);
    assert_eq!(world.unhealthy, [(1, "failing".to_owned())], "the next failure does");
}

#[test]
fn an_unconfirmed_report_is_repeated_with_the_next_failure() {
    let mut world = world();
    world.replies.insert(1, GONE);
    world.event("task_1", "queued");
    world.pass(DAY);
    assert_eq!(world.received.len(), 6);
    assert_eq!(world.unhealthy.len(), 5, "the directory did not disable it");
}

#[test]
fn an_endpoint_that_works_for_one_shard_is_alive() {
    let mut shards = [World::of(0, 2), World::of(1, 2)];
    for world in &mut shards {
        world.configure(vec![endpoint(1)]);
    }
    let is_dead = |shards: &mut [World; 2]| is_dead(&shards.each_mut().map(health), shards[0].now);
    shards[0].replies.insert(1, DOWN);
    for day in 0..6 {
        shards[0].event(&format!("task_dies_{day}"), "queued");
        shards[1].event(&format!("task_lives_{day}"), "queued");
        for world in &mut shards {
            world.pass(DAY);
        }
    }
    shards[0].event("task_dies", "queued");
    shards[0].pass(1);
    assert!(shards[0].unhealthy.contains(&(1, "failing".to_owned())));
    assert!(!is_dead(&mut shards), "it has succeeded a day ago");
    shards[1].replies.insert(1, DOWN);
    for _ in 0..6 {
        shards[1].event("task_lives_no_more", "queued");
        for world in &mut shards {
            world.pass(DAY);
        }
    }
    assert!(is_dead(&mut shards));
}

#[test]
fn health_is_stored_and_forgotten_with_a_new_url() {
    let mut world = world();
    world.replies.insert(1, GONE);
    world.event("task_1", "queued");
    let failing = health(&mut world);
    assert_eq!((failing.failing_since, failing.consecutive_410), (Some(world.now), 1));
    world.restart();
    assert_eq!(health(&mut world), failing);
    world.change(|settings| settings.endpoints[0].options.order = "all".to_owned());
    assert_eq!(health(&mut world), failing, "another change");
    world.change(|settings| settings.endpoints[0].options.url.push_str("new"));
    assert_eq!(health(&mut world), Health::default());
    world.restart();
    assert_eq!(health(&mut world), Health::default());
}

#[test]
fn an_endpoint_that_is_enabled_again_begins_anew() {
    let mut world = world();
    world.replies.insert(1, GONE);
    world.event("task_1", "queued");
    let failing = health(&mut world);
    enable(&mut world, false);
    assert_eq!(health(&mut world), failing, "why it was disabled");
    enable(&mut world, true);
    assert_eq!(health(&mut world), Health::default());
}

#[test]
fn an_endpoint_begins_anew_though_the_shard_has_not_heard_that_it_was_disabled() {
    let mut world = world();
    world.replies.insert(1, GONE);
    world.event("task_1", "queued");
    world.change_unseen(|settings| settings.endpoints[0].options.enabled = false);
    enable(&mut world, true);
    assert_eq!(health(&mut world), Health::default());
}

#[test]
fn what_was_attempted_before_an_endpoint_was_enabled_again_is_not_counted_after_a_restart_either() {
    let mut world = world();
    world.replies.insert(1, GONE);
    let dispatches = world.post(&body("task_1", "queued"));
    enable(&mut world, false);
    enable(&mut world, true);
    world.restart();
    dispatches.iter().for_each(|dispatch| world.make(dispatch));
    assert_eq!(health(&mut world), Health::default());
}

#[test]
fn a_working_endpoint_costs_a_row_of_health_in_an_hour() {
    let mut world = world();
    world.event("task_1", "queued");
    let first = health(&mut world);
    world.pass(3599);
    world.event("task_2", "queued");
    assert_eq!(health(&mut world), first);
    world.pass(1);
    world.event("task_3", "queued");
    assert_eq!(health(&mut world).succeeded_at, Some(world.now));
}

#[test]
fn a_failing_endpoint_is_attempted_by_the_alarm_and_cools_down_after_each_failure() {
    let mut world = world();
    world.replies.insert(1, DOWN);
    world.event("task_1", "queued");
    for no in 2..5 {
        assert!(world.post(&body(&format!("task_{no}"), "queued")).is_empty());
    }
    let started = world.now;
    world.pass(12);
    let times: Vec<i64> = world.received.iter().map(|received| received.at.0 - started.0).collect();
    assert_eq!(times, [0, 0, 5_000, 10_000], "one attempt in 5 seconds");
    // The Worker attempts again what comes after a success.
    world.replies.insert(1, OK);
    world.pass(5);
    world.event("task_5", "queued");
    world.pass(200);
    assert_eq!(world.post(&body("task_6", "queued")).len(), 1);
}

#[test]
fn connections_are_shared_between_endpoints() {
    for (why, due, failing, draining, expected) in [
        ("nothing is due", &[][..], &[][..], &[][..], &[][..]),
        ("one endpoint", &[1], &[], &[], &[1, 1]),
        ("three endpoints", &[1, 2, 3], &[], &[], &[1, 2, 3, 1, 2, 3]),
        ("four endpoints", &[1, 2, 3, 4], &[], &[], &[1, 2, 3, 4, 1, 2]),
        ("one is in use", &[1], &[], &[1], &[1]),
        ("all of its own are in use", &[1], &[], &[1, 1], &[]),
        ("others are in use", &[1, 2], &[], &[3, 3, 4, 4, 5], &[1]),
        ("a failing one has one", &[1, 2], &[1], &[], &[1, 2, 2]),
        ("two others leave one to a failing one", &[1, 2, 3], &[3], &[], &[3, 1, 2, 1, 2]),
        ("failing ones leave two", &[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5], &[], &[1, 2, 3, 4]),
        ("a failing one takes the fourth", &[1, 2], &[1], &[3, 3, 4], &[1, 2, 2]),
        ("failing ones leave two to others", &[1, 2], &[1], &[3, 3, 4, 4], &[2, 2]),
    ] {
        let mut world = World::new();
        world.configure((1..=5).map(endpoint).collect());
        world.replies.extend(failing.iter().map(|no| (*no, DOWN)));
        world.event("task_0", "queued");
        world.now = world.now.plus_seconds(10);
        // The reports of these first attempts are lost, so they are due when their leases have ended.
        let retained = |no: &i64| due.contains(no);
        for dispatch in world.post(&body("task_1", "queued")) {
            let no = vtryon_gateway_engine::protocol::delivery::endpoint_of(dispatch.delivery);
            if !retained(&no) {
                world.make(&dispatch);
            }
        }
        let started = world.now.plus_seconds(30);
        world.now = started;
        world.decide(|shard, context| shard.begin_alarm(context));
        let picked = world.decide(|shard, context| shard.pick_endpoints(context, started, draining)).unwrap();
        assert_eq!(picked, expected, "{why}");
    }
}

/// Makes the attempts of a run of the alarm whose endpoints all answer equally fast: one over each connection in turn.
fn run_alarm_evenly(world: &mut World) {
    let started = world.now;
    world.decide(|shard, context| shard.begin_alarm(context));
    let mut connections = VecDeque::new();
    loop {
        let draining = connections.make_contiguous();
        let picked = world.decide(|shard, context| shard.pick_endpoints(context, started, draining)).unwrap();
        connections.extend(picked);
        let Some(endpoint) = connections.pop_front() else { break };
        let picked = world.decide(|shard, context| shard.pick_attempt(context, endpoint, started)).unwrap();
        if let Some(picked) = picked {
            let report = world.attempt(&picked.dispatch, &picked.body);
            world.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
            connections.push_back(endpoint);
        }
    }
    world.decide(|shard, context| shard.end_alarm(context, false));
    world.now = world.now.plus_seconds(1);
}

#[test]
fn endpoints_to_which_much_is_due_leave_another_one_its_turn() {
    // how many have 60 events each; whether the next one has failed; in which run it receives its event, which has come
    // after 19 of the others
    for (behind, is_failing, in_run) in [(2, true, 1), (3, false, 1), (4, true, 3), (6, false, 4)] {
        let why = format!("{behind} behind, failing: {is_failing}");
        let mut world = World::new();
        let mut last = endpoint(behind + 1);
        last.options.statuses = vec!["completed".to_owned()];
        // The alarm makes all attempts at it.
        last.options.attempt.timeout_seconds = 30;
        world.configure((1..=behind).map(endpoint).chain([last]).collect());
        if is_failing {
            world.first_replies.insert(behind + 1, [DOWN].into());
            world.event("task_0", "completed");
            world.pass(1);
        }
        let pause = |world: &mut World, paused: bool| {
            let change = |endpoint: &mut Endpoint| endpoint.options.paused = paused && endpoint.no <= behind;
            world.change(|settings| settings.endpoints.iter_mut().for_each(change));
        };
        pause(&mut world, true);
        for task in 1..=60 {
            let status = if task == 20 { "completed" } else { "queued" };
            assert!(world.post(&body(&format!("task_{task}"), status)).is_empty(), "{why}: all wait");
            world.now = world.now.plus_seconds(1);
        }
        pause(&mut world, false);
        world.received.clear();
        let has_received = |world: &mut World| {
            run_alarm_evenly(world);
            !world.bodies(behind + 1).is_empty()
        };
        assert_eq!((1..20).find(|_| has_received(&mut world)), Some(in_run), "{why}");
    }
}

#[test]
fn a_run_begins_attempts_that_end_within_30_seconds() {
    // the timeout, how long the run has lasted, whether it begins one: any may begin in the first 5 seconds
    for (timeout_seconds, seconds, begins) in [
        (10, 0, true),
        (10, 19, true),
        (10, 20, false),
        (1, 28, true),
        (1, 29, false),
        (30, 0, true),
        (30, 4, true),
        (30, 5, false),
    ] {
        let mut world = World::new();
        let mut endpoint = endpoint(1);
        endpoint.options.attempt.timeout_seconds = timeout_seconds;
        world.configure(vec![endpoint]);
        world.post(&body("task_1", "queued"));
        world.now = world.now.plus_seconds(60);
        world.decide(|shard, context| shard.begin_alarm(context));
        let started = world.now.plus_seconds(-seconds);
        let endpoints = world.decide(|shard, context| shard.pick_endpoints(context, started, &[])).unwrap();
        assert_eq!(!endpoints.is_empty(), begins, "{timeout_seconds}, {seconds}");
        let picked = world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap();
        assert_eq!(picked.is_some(), begins, "{timeout_seconds}, {seconds}");
    }
}

#[test]
fn the_health_of_a_deleted_endpoint_is_deleted_and_its_last_attempt_is_none_of_it() {
    let mut world = world();
    world.replies.insert(1, Some(500));
    let dispatches = world.post(&body("task_1", "queued"));
    world.event("task_2", "queued");
    let stored = |world: &World| world.number("SELECT COUNT(*) FROM health");
    assert_eq!(stored(&world), 1);
    world.configure(Vec::new());
    assert_eq!(stored(&world), 0);
    world.make(&dispatches[0]);
    assert_eq!(world.delivery(dispatches[0].delivery)["reason"], "endpoint_deleted");
    assert_eq!(stored(&world), 0);
}
