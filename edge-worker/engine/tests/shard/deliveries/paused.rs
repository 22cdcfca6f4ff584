//! A paused endpoint: it receives nothing, and nothing is lost.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::settings::{Endpoint, EndpointOptions, Settings};
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, ShardRequest};
use vtryon_gateway_engine::text::json;

use crate::support::{Reply, World, endpoint, outline};

const GUIDE: [&str; 3] = ["queued", "processing", "completed"];
const OK: Reply = Some(200);
const DOWN: Reply = Some(500);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A world whose endpoint 1 has an order.
fn world(order: &str) -> World {
    let mut world = World::new();
    let mut endpoint = endpoint(1);
    endpoint.options.order = order.to_owned();
    world.configure(vec![endpoint]);
    world
}

fn pause(world: &mut World, paused: bool) {
    world.change(|settings| settings.endpoints[0].options.paused = paused);
}

fn statuses(world: &World) -> Vec<String> {
    let status = |body: &str| serde_json::from_str::<Json>(body).unwrap()["status"].clone();
    world.bodies(1).into_iter().map(|body| status(body).as_str().unwrap().to_owned()).collect()
}

#[test]
fn events_wait_and_go_out_by_their_order_once_it_is_resumed() {
    for (order, received, states) in [
        ("all", &GUIDE[..], ["delivered", "delivered", "delivered"]),
        ("latest", &GUIDE[2..], ["superseded", "superseded", "delivered"]),
    ] {
        let mut world = world(order);
        pause(&mut world, true);
        for status in GUIDE {
            world.event("task_1", status);
            world.pass(HOUR);
        }
        assert_eq!(statuses(&world), [""; 0], "{order}: nothing is attempted");
        assert_eq!(world.deliveries(None).len(), 3, "{order}: all are enqueued");
        pause(&mut world, false);
        world.pass(60);
        assert_eq!(outline(&world.deliveries(None), "state"), states, "{order}");
        assert_eq!(statuses(&world), received, "{order}");
    }
}

#[test]
fn an_event_writes_as_many_rows_however_many_of_its_task_wait() {
    let mut world = world("all");
    pause(&mut world, true);
    let rows = GUIDE.map(|status| {
        let before = world.db.sqlite.connection().total_changes();
        world.event("task_1", status);
        world.pass(1);
        world.db.sqlite.connection().total_changes() - before
    });
    assert_eq!(rows, [rows[0]; 3]);
}

#[test]
fn settings_that_a_fault_keeps_from_being_stored_are_stored_by_the_next_push_and_set_the_alarm() {
    let mut world = world("all");
    pause(&mut world, true);
    world.event("task_1", "queued");
    world.pass(60);
    let resumed = Settings {
        version: 100,
        endpoints: vec![Endpoint {
            options: EndpointOptions { max_in_flight: Some(1), ..endpoint(1).options },
            ..endpoint(1)
        }],
        ..Settings::default()
    };
    let call = || Call {
        shard: 0,
        shards: 1,
        placement: Placement::default(),
        reports: Vec::new(),
        request: ShardRequest::Configure(json::to_raw(&resumed)),
    };
    let rename = |world: &World, sql: &str| world.db.sqlite.connection().execute_batch(sql).unwrap();
    rename(&world, "ALTER TABLE deliveries RENAME TO unreadable");
    assert!(world.decide(|shard, context| shard.call(context, call(), &[])).is_err());
    rename(&world, "ALTER TABLE unreadable RENAME TO deliveries");
    let version = world.decide(|shard, context| shard.call(context, call(), &[])).unwrap();
    assert_eq!(version.as_deref(), Some("100"));
    assert_eq!(world.alarm, Some(world.now));
    world.pass(60);
    assert_eq!(statuses(&world), ["queued"]);
}

#[test]
fn no_alarm_is_set_for_what_waits() {
    let mut world = world("all");
    pause(&mut world, true);
    world.pass(60);
    for status in GUIDE {
        world.event("task_1", status);
    }
    assert_eq!(world.alarm, None, "for new events");
    world.restart();
    assert_eq!(world.alarm, None, "after a restart");
    world.call(ShardRequest::Replay { no: delivery_no(1, 1) }, &[]);
    world.call(ShardRequest::Sweep, &[]);
    assert_eq!(world.alarm, None, "for a replay, and a sweep");
    pause(&mut world, false);
    assert_eq!(world.alarm, Some(world.now), "resumed");
}

#[test]
fn no_alarm_is_set_for_an_attempt_that_fails_while_its_endpoint_is_paused() {
    for (why, is_made) in [("it fails", true), ("its secret can't be opened", false)] {
        let mut world = world("all");
        world.replies.insert(1, DOWN);
        let dispatch = world.post(&crate::support::body("task_1", "queued")).pop().unwrap();
        pause(&mut world, true);
        world.pass(60);
        assert_eq!(world.alarm, None, "{why}");
        let attempt = world.attempt(&dispatch, b"").made.filter(|_| is_made);
        world.report(dispatch.report(attempt));
        assert_eq!(world.alarm, None, "{why}");
        pause(&mut world, false);
        assert_ne!(world.alarm, None, "{why}: resumed");
    }
}

#[test]
fn a_retry_that_is_due_meanwhile_waits_and_is_not_counted() {
    let mut world = world("latest");
    world.replies.insert(1, DOWN);
    world.event("task_1", "queued");
    assert_eq!(world.received.len(), 1);
    pause(&mut world, true);
    world.pass(DAY);
    assert_eq!(world.received.len(), 1, "nothing is attempted");
    world.replies.insert(1, OK);
    pause(&mut world, false);
    world.pass(1);
    let delivery = world.delivery(delivery_no(1, 1));
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(delivery["attempts"][1]["attempt"], 2, "it is the first retry still");
}

#[test]
fn an_attempt_that_is_in_progress_when_it_is_paused_ends() {
    for (reply, state) in [(OK, "delivered"), (DOWN, "pending")] {
        let mut world = world("latest");
        world.replies.insert(1, reply);
        let dispatches = world.post(&crate::support::body("task_1", "queued"));
        pause(&mut world, true);
        world.make(&dispatches[0]);
        world.pass(HOUR);
        let delivery = world.delivery(delivery_no(1, 1));
        assert_eq!((&delivery["state"], world.received.len()), (&state.into(), 1), "{reply:?}");
    }
}

#[test]
fn what_waits_is_not_pruned() {
    let mut world = world("all");
    pause(&mut world, true);
    for status in GUIDE {
        world.event("task_1", status);
    }
    let past_retention = i64::from(world.deployment.retention_hours) + 24;
    world.sleep(past_retention);
    world.sleep(1);
    assert_eq!(outline(&world.deliveries(None), "state"), ["pending"; 3]);
    pause(&mut world, false);
    world.pass(60);
    assert_eq!(statuses(&world), GUIDE);
}

#[test]
fn time_in_which_it_is_paused_does_not_make_it_unhealthy() {
    let mut world = world("latest");
    world.deployment.retention_hours = 10_000;
    world.replies.insert(1, DOWN);
    world.event("task_1", "queued");
    pause(&mut world, true);
    world.pass(10 * DAY);
    assert_eq!(world.unhealthy, [], "while it is paused");
    pause(&mut world, false);
    world.event("task_2", "queued");
    world.pass(1);
    assert_eq!(world.unhealthy, [], "its failures are counted from the beginning");
    assert!(world.received.len() > 1, "it was attempted");
}
