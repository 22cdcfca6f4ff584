//! Conditions that a shard meets and reports to the directory: what is one, and that none is lost.

use vtryon_gateway_engine::protocol::directory::conditions::Condition;
use vtryon_gateway_engine::protocol::settings::{AlertOptions, Endpoint};

use crate::support::{Reply, World, body, endpoint};

const OK: Reply = Some(200);
const DOWN: Reply = Some(500);
const HOUR: i64 = 3600;

/// What endpoint 1 answers first, for how many hours events are delivered, and what is reported: kind and count.
struct Case {
    name: &'static str,
    why: &'static str,
    answers: &'static [Reply],
    hours: i64,
    expect: &'static [(&'static str, i64)],
}

const CASES: [Case; 6] = [
    Case { name: "it answers", why: "nothing has happened", answers: &[OK], hours: 30, expect: &[] },
    Case {
        name: "three failures, then a success",
        why: "it was never down",
        answers: &[DOWN, DOWN, DOWN, OK],
        hours: 30,
        expect: &[],
    },
    Case {
        name: "four failures",
        why: "it is down",
        answers: &[DOWN, DOWN, None, DOWN],
        hours: 1,
        expect: &[("endpoint_down", 1)],
    },
    Case {
        name: "four failures, then a success",
        why: "it is up again",
        answers: &[DOWN, DOWN, DOWN, DOWN, OK],
        hours: 30,
        expect: &[("endpoint_down", 1), ("endpoint_up", 1)],
    },
    Case {
        name: "six failures",
        why: "it is down once, and its delivery is dead",
        answers: &[DOWN, DOWN, DOWN, DOWN, DOWN, DOWN],
        hours: 30,
        expect: &[("endpoint_down", 1), ("delivery_dead", 1)],
    },
    Case {
        name: "410 four times",
        why: "an answer 410 is a failure too",
        answers: &[Some(410), Some(410), Some(410), Some(410)],
        hours: 1,
        expect: &[("endpoint_down", 1)],
    },
];

fn reported(world: &World) -> Vec<(&str, i64)> {
    world.conditions.iter().map(|condition| (&*condition.kind, condition.count)).collect()
}

#[test]
fn an_endpoint_that_goes_down_or_up_and_a_dead_delivery_are_reported_once() {
    for Case { name, why, answers, hours, expect } in CASES {
        let mut world = World::new();
        world.configure(vec![endpoint(1)]);
        world.first_replies.insert(1, answers.iter().copied().collect());
        world.event("task_1", "queued");
        world.pass(hours * HOUR);
        assert_eq!(reported(&world), expect, "{name}: {why}");
        let ids: Vec<i64> = world.conditions.iter().map(|condition| condition.endpoint).collect();
        assert!(ids.iter().all(|endpoint| *endpoint == 1), "{name}");
    }
}

#[test]
fn nothing_is_reported_of_an_alert_destination() {
    let mut world = World::new();
    let mut destination = endpoint(1);
    destination.options.alerts = Some(AlertOptions::default());
    world.configure(vec![destination]);
    world.replies.insert(1, DOWN);
    crate::events::alerts::store(&mut world, "1 standard", &[1]);
    world.pass(30 * HOUR);
    assert_eq!(world.deliveries(Some("dead")).len(), 1, "it has failed all the same");
    assert_eq!(reported(&world), []);
}

#[test]
fn a_quarantined_body_is_reported_soon_and_with_others() {
    let mut world = World::new();
    world.post("not json");
    world.post("not json");
    world.post("nor this");
    world.pass(5);
    assert_eq!(reported(&world), [("event_quarantined", 2)], "a duplicate is none");
    assert_eq!(world.conditions[0].endpoint, 0);
}

#[test]
fn what_the_directory_has_not_confirmed_is_reported_again_after_a_restart_too() {
    let mut world = World::new();
    world.is_directory_down = true;
    world.post("not json");
    world.pass(3600);
    world.restart();
    world.pass(3600);
    assert_eq!(reported(&world), []);
    world.is_directory_down = false;
    world.pass(120);
    assert_eq!(reported(&world), [("event_quarantined", 1)]);
    world.pass(DAY);
    assert_eq!(reported(&world).len(), 1, "it is reported once");
    assert_eq!(world.rows("SELECT * FROM conditions"), [[]; 0]);
}

/// A world whose endpoint is down, which the directory does not know.
fn world_with_an_unreported_failure() -> World {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.is_directory_down = true;
    world.replies.insert(1, DOWN);
    world.event("task_1", "queued");
    world.pass(12 * HOUR);
    world
}

/// The same endpoint at another URL.
fn moved() -> Endpoint {
    let mut moved = endpoint(1);
    moved.options.url = "https://moved.example/hook".to_owned();
    moved
}

#[test]
fn a_failure_at_the_former_url_is_not_reported_of_the_new_one() {
    let mut world = world_with_an_unreported_failure();
    world.configure(vec![moved()]);
    world.is_directory_down = false;
    world.pass(120);
    assert_eq!(reported(&world), []);
}

#[test]
fn a_failure_at_the_new_url_is_reported_though_a_report_of_the_former_one_is_on_its_way() {
    let mut world = world_with_an_unreported_failure();
    world.now = world.now.plus_seconds(60);
    let report = world.decide(|shard, context| shard.conditions_to_report(context)).unwrap();
    assert_eq!(report.conditions.len(), 1);
    world.configure(vec![moved()]);
    let tasks = ["task_2", "task_3", "task_4", "task_5"];
    let dispatches: Vec<_> = tasks.into_iter().flat_map(|task| world.post(&body(task, "queued"))).collect();
    assert_eq!(dispatches.len(), tasks.len());
    dispatches.iter().for_each(|dispatch| world.make(dispatch));
    world.decide(|shard, context| shard.confirm_report(context, &report)).unwrap();
    world.is_directory_down = false;
    world.pass(60);
    assert_eq!(reported(&world), [("endpoint_down", 1)]);
}

const DAY: i64 = 24 * HOUR;

#[test]
fn what_is_met_while_a_report_is_on_its_way_is_not_forgotten() {
    let mut world = World::new();
    world.post("not json");
    let report = world.decide(|shard, context| shard.conditions_to_report(context)).unwrap();
    world.pass(1);
    world.post("nor this");
    world.decide(|shard, context| shard.confirm_report(context, &report)).unwrap();
    world.pass(120);
    let [Condition { kind, count, .. }] = &world.conditions[..] else { panic!("{:?}", world.conditions) };
    assert_eq!((&**kind, *count), ("event_quarantined", 1));
}

#[test]
fn a_delivered_event_writes_no_condition() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.send(&body("task_1", "queued"));
    world.pass(60);
    assert!(!world.db.statements().iter().any(|sql| sql.contains("INTO conditions")));
}
