//! Which events an endpoint receives, and in which order, after it was down.

use vtryon_gateway_engine::protocol::settings::EndpointOptions;

use crate::support::{Reply, World, body, endpoint, outline};

const GUIDE: [&str; 3] = ["queued", "processing", "completed"];
const OK: Reply = Some(200);
const DOWN: Reply = Some(500);

/// A world whose endpoint 1 has an order.
fn ordered(order: &str) -> World {
    let mut world = World::new();
    let mut endpoint = endpoint(1);
    endpoint.options.order = order.to_owned();
    world.configure(vec![endpoint]);
    world
}

/// Returns the statuses that endpoint 1 has received.
fn statuses(world: &World) -> Vec<String> {
    let status = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["status"].clone();
    world.bodies(1).into_iter().map(|body| status(body).as_str().unwrap().to_owned()).collect()
}

fn named(name: &str, task_id: &str) -> String {
    format!(r#"{{"event":"{name}","task_id":"{task_id}"}}"#)
}

#[test]
fn events_that_come_while_an_endpoint_is_down() {
    for (order, failing, received, states) in [
        ("latest", 1, &GUIDE[..], ["superseded", "delivered", "delivered"]),
        ("latest", 2, &GUIDE[..], ["superseded", "superseded", "delivered"]),
        (
            "all",
            1,
            &["queued", "queued", "processing", "completed"][..],
            ["delivered", "delivered", "delivered"],
        ),
    ] {
        let mut world = ordered(order);
        for (n, status) in GUIDE.into_iter().enumerate() {
            world.replies.insert(1, if n < failing { DOWN } else { OK });
            world.event("task_1", status);
            // Each is attempted before the next one comes, so that nothing but the order decides.
            world.pass(10);
        }
        assert_eq!(outline(&world.deliveries(None), "state"), states, "{order}, {failing} fail");
        assert_eq!(statuses(&world), received, "{order}, {failing} fail");
    }
}

#[test]
fn an_unknown_status_is_not_superseded() {
    let mut world = World::new();
    let mut endpoint = endpoint(1);
    endpoint.options.include = vec!["unknown".to_owned()];
    world.configure(vec![endpoint]);
    for (status, reply) in [("moderated", DOWN), ("queued", DOWN), ("completed", OK)] {
        world.replies.insert(1, reply);
        world.event("task_1", status);
        world.pass(10);
    }
    world.pass(3600);
    let deliveries = world.deliveries(None);
    let states = outline(&deliveries, "state");
    assert_eq!(states, ["delivered", "superseded", "delivered"]);
}

#[test]
fn order_all_delivers_one_at_a_time() {
    let mut world = ordered("all");
    let mut first = world.post(&body("task_1", "queued"));
    let first = first.pop().unwrap();
    for status in &GUIDE[1..] {
        assert!(world.post(&body("task_1", status)).is_empty(), "{status} waits");
    }
    world.pass(1);
    assert!(world.received.is_empty(), "the Worker has not made the first attempt yet");
    world.make(&first);
    for pending in [2, 1] {
        assert_eq!(world.deliveries(Some("pending")).len(), pending);
        let started = world.now;
        let picked = world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap().unwrap();
        let other = world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap();
        assert!(other.is_none(), "one at a time");
        let report = world.attempt(&picked.dispatch, &picked.body);
        world.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
    }
    assert_eq!(statuses(&world), GUIDE);
    assert_eq!(outline(&world.deliveries(None), "state"), ["delivered"; 3]);
}

#[test]
fn order_latest_does_not_retry_what_was_superseded_during_its_attempt() {
    let mut world = ordered("latest");
    let first = world.post(&body("task_1", "queued")).pop().unwrap();
    world.event("task_1", "processing");
    world.event("task_1", "completed");
    assert!(world.received.is_empty(), "one at a time");
    world.first_replies.entry(1).or_default().push_back(DOWN);
    world.make(&first);
    world.pass(60);
    assert_eq!(outline(&world.deliveries(None), "state"), ["superseded", "superseded", "delivered"]);
    assert_eq!(statuses(&world), ["queued", "completed"]);
}

#[test]
fn an_endpoint_receives_what_it_subscribes_to() {
    const TASK: &str = "task_1";
    // All that can come of a task, in an order in which some of it is late.
    let come = [
        ("processing", body(TASK, "processing")),
        ("late", body(TASK, "queued")),
        ("paused", body(TASK, "paused")),
        ("rated", named("rated", TASK)),
        ("completed", body(TASK, "completed")),
        ("conflict", body(TASK, "failed")),
        ("repeated", body(TASK, "completed")),
        ("unreadable", "no json".to_owned()),
    ];
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let all = EndpointOptions::default;
    let cases = [
        ("all statuses", all(), &["processing", "completed"][..]),
        ("two", EndpointOptions { statuses: names(&["completed", "failed"]), ..all() }, &["completed"]),
        ("an unknown status", EndpointOptions { statuses: names(&["paused"]), ..all() }, &["paused"]),
        ("a name", EndpointOptions { events: names(&["rated"]), ..all() }, &["rated"]),
        (
            "the guide's name",
            EndpointOptions { events: names(&["generation.status_changed"]), ..all() },
            &["processing", "completed"],
        ),
        (
            "unknown",
            EndpointOptions { include: names(&["unknown"]), ..all() },
            &["processing", "paused", "rated", "completed"],
        ),
        (
            "quarantined",
            EndpointOptions { include: names(&["quarantined"]), ..all() },
            &["processing", "completed", "unreadable"],
        ),
        (
            "unknown and one status",
            EndpointOptions { include: names(&["unknown"]), statuses: names(&["completed"]), ..all() },
            &["paused", "rated", "completed"],
        ),
        ("disabled", EndpointOptions { enabled: false, ..all() }, &[]),
    ];
    let mut world = World::new();
    let endpoints = (1..).zip(&cases).map(|(no, (_, takes, _))| {
        let mut endpoint = endpoint(no);
        endpoint.options = EndpointOptions { order: "all".to_owned(), ..takes.clone() };
        endpoint
    });
    world.configure(endpoints.collect());
    for (_, body) in &come {
        world.send(body);
        world.pass(1);
        assert!(world.deliveries(Some("pending")).is_empty());
    }
    for (no, (why, _, receives)) in (1..).zip(cases) {
        let expected = receives.iter().map(|name| &*come.iter().find(|(each, _)| each == name).unwrap().1);
        assert_eq!(world.bodies(no), expected.collect::<Vec<_>>(), "{why}");
    }
}

#[test]
fn a_repeat_of_an_event_that_failed_is_no_new_delivery() {
    let mut world = ordered("latest");
    world.replies.insert(1, DOWN);
    for _ in 0..3 {
        world.event("task_1", "queued");
    }
    world.pass(1);
    assert_eq!(world.deliveries(None).len(), 1);
    assert_eq!(world.received.len(), 1);
}
