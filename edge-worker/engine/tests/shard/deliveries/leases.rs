//! Leases: no attempt is made twice at the same time, and none is lost with whoever should have made it.

use serde_json::{Value as Json, json};
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::{AttemptReport, Dispatch, delivery_no};
use vtryon_gateway_engine::protocol::metrics::Counts;
use vtryon_gateway_engine::shard::Picked;
use vtryon_gateway_engine::storage::database::{Database, Row};

use crate::support::{Reply, World, body, endpoint};

const OK: Reply = Some(200);
const DOWN: Reply = Some(500);

/// The delivery of the first event to endpoint 1.
const FIRST: i64 = delivery_no(1, 1);

fn world() -> World {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world
}

fn state(world: &mut World) -> Json {
    world.delivery(FIRST)["state"].clone()
}

/// Lets the first attempt of an event fail, and a run of the alarm begin the second one.
fn begin_retry(world: &mut World) -> Picked {
    world.first_replies.insert(1, [DOWN].into());
    world.event("task_1", "queued");
    world.now = world.now.plus_seconds(300);
    let started = world.now;
    world.decide(|shard, context| shard.begin_alarm(context));
    world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap().unwrap()
}

#[test]
fn a_first_attempt_of_the_worker_is_made_once() {
    let mut world = world();
    let dispatches = world.post(&body("task_1", "queued"));
    let [dispatch] = &dispatches[..] else { panic!("one dispatch") };
    assert_eq!((dispatch.delivery, dispatch.attempt, dispatch.replay_count), (FIRST, 1, 0));
    assert_eq!(dispatch.begin_before, world.now.plus_seconds(5), "it begins within 5 seconds");
    world.pass(29);
    world.run_alarm();
    world.run_alarm();
    assert!(world.received.is_empty(), "its lease holds for 30 seconds");
    world.make(dispatch);
    world.pass(60);
    assert_eq!((world.received.len(), state(&mut world)), (1, json!("delivered")));
}

#[test]
fn of_an_event_no_more_is_leased_than_the_worker_begins_at_once() {
    let mut world = World::new();
    world.configure((1..=7).map(endpoint).collect());
    let dispatches = world.post(&body("task_1", "queued"));
    assert_eq!(
        dispatches.iter().map(|dispatch| dispatch.delivery).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5].map(|no| delivery_no(1, no))
    );
    world.run_alarm();
    let attempted: Vec<i64> = world.received.iter().map(|received| received.endpoint).collect();
    assert_eq!(attempted, [6, 7], "the shard attempts the others, though nothing is reported yet");
    dispatches.iter().for_each(|dispatch| world.make(dispatch));
    assert_eq!(world.deliveries(Some("delivered")).len(), 7);
}

#[test]
fn of_an_event_that_comes_too_late_for_the_worker_nothing_is_leased() {
    for (seconds, is_leased) in [(0, true), (4, true), (5, false), (60, false), (-5, true)] {
        let mut world = world();
        let received_at = world.now.plus_seconds(-seconds);
        let dispatches = world.post_received(body("task_1", "queued").as_bytes(), 0, received_at);
        assert_eq!(dispatches.len(), usize::from(is_leased), "after {seconds} seconds");
        world.pass(0);
        assert_eq!(state(&mut world) == "delivered", !is_leased, "after {seconds} seconds: by the alarm");
    }
}

#[test]
fn a_lease_lasts_as_long_as_its_endpoint_may_take() {
    // the timeout; whether the Worker makes the first attempt; when the lease has ended: 5 seconds to begin, the timeout,
    // and 15 for the answer and the report
    for (timeout_seconds, is_dispatched, ends_after) in
        [(1, true, 21), (10, true, 30), (20, true, 40), (21, false, 41), (30, false, 50)]
    {
        let mut world = World::new();
        let mut slow = endpoint(1);
        slow.options.attempt.timeout_seconds = timeout_seconds;
        world.configure(vec![slow]);
        let dispatches = world.post(&body("task_1", "queued"));
        assert_eq!(dispatches.len(), usize::from(is_dispatched), "{timeout_seconds}");
        if let [dispatch] = &dispatches[..] {
            assert_eq!(dispatch.options.timeout_seconds, timeout_seconds);
            assert_eq!(world.alarm, Some(world.now.plus_seconds(ends_after)), "{timeout_seconds}");
        } else {
            // The alarm makes it at once; until the lease has ended, no other run does.
            let started = world.now;
            world.decide(|shard, context| shard.begin_alarm(context));
            let pick = |world: &mut World| {
                world.decide(|shard, context| shard.pick_attempt(context, 1, context.now)).unwrap()
            };
            assert_eq!(pick(&mut world).unwrap().dispatch.options.timeout_seconds, timeout_seconds);
            world.now = started.plus_seconds(ends_after - 1);
            assert!(pick(&mut world).is_none(), "{timeout_seconds}");
            world.now = started.plus_seconds(ends_after);
            assert!(pick(&mut world).is_some(), "{timeout_seconds}");
        }
        // A new instance does not know whether the attempt is still in progress: it waits as long.
        if is_dispatched {
            world.restart();
            assert_eq!(world.alarm, Some(world.now.plus_seconds(ends_after)), "{timeout_seconds}");
        }
    }
}

#[test]
fn a_dispatch_of_an_older_version_has_ten_seconds() {
    let mut world = world();
    let [dispatch] = &world.post(&body("task_1", "queued"))[..] else { panic!("one dispatch") };
    let mut json = serde_json::to_value(dispatch).unwrap();
    json.as_object_mut().unwrap().remove("options");
    let read: Dispatch = serde_json::from_value(json).unwrap();
    assert_eq!(read.options.timeout_seconds, 10);
}

#[test]
fn an_attempt_that_is_never_reported_is_made_by_the_shard() {
    for (why, is_made, is_restarted) in [
        ("it was never made", false, false),
        ("its report is lost", true, false),
        ("it was never made, and the instance ends", false, true),
        ("the instance ends between dispatch and report", true, true),
    ] {
        let mut world = world();
        for dispatch in world.post(&body("task_1", "queued")) {
            let body = world.body_of(dispatch.delivery);
            if is_made {
                world.attempt(&dispatch, &body);
            }
        }
        let made = usize::from(is_made);
        world.pass(10);
        if is_restarted {
            // No call comes after the restart: the alarm alone does it.
            world.restart();
        }
        world.pass(19);
        assert_eq!(world.received.len(), made, "{why}: the lease holds");
        world.pass(11);
        assert_eq!(world.received.len(), made + 1, "{why}");
        assert_eq!(state(&mut world), "delivered", "{why}");
        let ids: Vec<_> = world.received.iter().map(|received| &received.webhook_id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{why}: its receiver recognises it");
        world.pass(3600);
        assert_eq!(world.received.len(), made + 1, "{why}: once");
    }
}

#[test]
fn an_attempt_of_a_run_that_dies_is_made_again() {
    let mut world = world();
    let picked = begin_retry(&mut world);
    assert_eq!(picked.dispatch.attempt, 2);
    world.attempt(&picked.dispatch, &picked.body);
    world.restart();
    world.pass(29);
    assert_eq!(world.received.len(), 2, "its lease holds");
    world.pass(2);
    assert_eq!(world.received.len(), 3);
    assert_eq!((state(&mut world), world.received[2].attempt), (json!("delivered"), 2));
}

#[test]
fn a_newer_event_waits_for_an_attempt_whose_instance_has_died() {
    for order in ["latest", "all"] {
        let mut world = World::new();
        let mut one = endpoint(1);
        one.options.order = order.to_owned();
        world.configure(vec![one]);
        begin_retry(&mut world);
        world.restart();
        // The request may be on its way still: what comes after it must not overtake it.
        assert!(world.post(&body("task_1", "processing")).is_empty(), "{order}");
        world.pass(29);
        assert_eq!((world.received.len(), state(&mut world)), (1, json!("pending")), "{order}");
        world.call(ShardRequest::Replay { no: FIRST }, &[]).unwrap();
        world.pass(0);
        assert_eq!(world.received.len(), 1, "{order}: nor is it made twice at once");
        world.pass(20);
        let (queued, processing) = (body("task_1", "queued"), body("task_1", "processing"));
        assert_eq!(world.bodies(1)[1..], [&*queued, &*processing], "{order}");
    }
}

#[test]
fn a_delivery_is_counted_once_while_it_is_attempted() {
    let mut world = world();
    begin_retry(&mut world);
    let pending = |world: &mut World| world.query::<Counts>(ShardRequest::Metrics).pending();
    assert_eq!(pending(&mut world), 1);
    // One that was leased to the Worker, and is replayed after that: it is due.
    world.post(&body("task_2", "queued"));
    world.now = world.now.plus_seconds(60);
    world.call(ShardRequest::Replay { no: delivery_no(2, 1) }, &[]).unwrap();
    assert_eq!(pending(&mut world), 2);
    // Those that are leased have no due time.
    let mut world = self::world();
    let leased = ["task_1", "task_2"].map(|task| world.post(&body(task, "queued")).len());
    assert_eq!((leased, pending(&mut world)), ([1, 1], 2));
}

#[test]
fn a_report_counts_once_and_only_for_its_own_attempt() {
    // What the endpoint answers to the shard's attempt, and before that to the Worker's, which is reported late.
    for (why, shards, late, state_after, attempts) in [
        ("a failure after a success", OK, DOWN, "delivered", 1),
        ("a success after a success", OK, OK, "delivered", 1),
        ("a failure after a failure", DOWN, DOWN, "pending", 1),
        ("a success after a failure: it has arrived", DOWN, OK, "delivered", 2),
    ] {
        let mut world = world();
        let dispatch = world.post(&body("task_1", "queued")).pop().unwrap();
        world.first_replies.insert(1, [shards, late].into());
        world.pass(60);
        world.make(&dispatch);
        let delivery = world.delivery(FIRST);
        assert_eq!(delivery["state"], state_after, "{why}");
        assert_eq!(delivery["attempts"].as_array().unwrap().len(), attempts, "{why}");
    }
    // A replay begins a round of its own: what was attempted before it says nothing of it.
    let mut world = world();
    let dispatch = world.post(&body("task_1", "queued")).pop().unwrap();
    world.pass(60);
    assert_eq!(state(&mut world), "delivered");
    world.call(ShardRequest::Replay { no: FIRST }, &[]).unwrap();
    world.make(&dispatch);
    assert_eq!(state(&mut world), "pending");
    world.pass(10);
    assert_eq!((state(&mut world), world.received.len()), (json!("delivered"), 3));
}

#[test]
fn a_report_that_comes_after_its_lease_changes_nothing_for_the_next_one() {
    let mut world = world();
    let late = world.post(&body("task_1", "queued")).pop().unwrap();
    world.now = world.now.plus_seconds(3600);
    let started = world.now;
    world.decide(|shard, context| shard.begin_alarm(context));
    let pick =
        |world: &mut World| world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap();
    assert!(pick(&mut world).is_some(), "the shard makes it itself");
    world.first_replies.insert(1, [DOWN].into());
    world.make(&late);
    assert_eq!(world.delivery(FIRST)["attempts"], json!([]));
    assert!(pick(&mut world).is_none(), "it is still in progress");
}

#[test]
fn a_report_of_a_delivery_that_does_not_exist_changes_nothing() {
    let mut world = world();
    let leased_until = world.now.plus_seconds(30);
    world.report(AttemptReport {
        delivery: FIRST,
        replay_count: 0,
        attempt: 1,
        leased_until,
        settings_version: 1,
        made: None,
    });
    assert!(world.deliveries(None).is_empty());
    assert_eq!(world.alarm, None);
}

#[test]
fn a_delivery_whose_secret_cannot_be_opened_is_deferred() {
    let mut world = world();
    let dispatch = world.post(&body("task_1", "queued")).pop().unwrap();
    world.report(dispatch.report(None));
    let delivery = world.delivery(FIRST);
    assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("pending"), &json!("secret_unreadable")));
    assert_eq!(delivery["attempts"], json!([]), "none was made");
    world.pass(59);
    assert!(world.received.is_empty());
    world.pass(1);
    let delivery = world.delivery(FIRST);
    assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("delivered"), &Json::Null));
    assert_eq!(world.received[0].attempt, 1);
}

#[test]
fn an_alarm_that_comes_twice_makes_no_attempt_twice() {
    let mut world = world();
    world.post(&body("task_1", "queued"));
    world.now = world.now.plus_seconds(60);
    let started = world.now;
    world.decide(|shard, context| shard.begin_alarm(context));
    let picked = world.decide(|shard, context| shard.pick_attempt(context, 1, started)).unwrap().unwrap();
    // The second run comes while the attempt of the first is in progress.
    world.run_alarm();
    assert!(world.received.is_empty());
    let report = world.attempt(&picked.dispatch, &picked.body);
    world.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
    world.decide(|shard, context| shard.end_alarm(context, false));
    world.pass(60);
    assert_eq!((world.received.len(), state(&mut world)), (1, json!("delivered")));
}

#[test]
fn leases_are_found_again_however_much_came_before_them() {
    let mut world = world();
    for no in 0..250 {
        world.event(&format!("task_{no}"), "queued");
        world.pass(60);
    }
    let floor = world.rows("SELECT value FROM meta WHERE name = 'leased_from'");
    assert_ne!(format!("{floor:?}"), "[]", "the events before it are not looked through again");
    world.post(&body("task_lost", "queued"));
    for no in 250..400 {
        world.event(&format!("task_{no}"), "queued");
    }
    world.run_alarm();
    world.restart();
    world.pass(31);
    assert_eq!(world.bodies(1).last(), Some(&&*body("task_lost", "queued")));
}

#[test]
fn where_leases_are_looked_for_is_stored_once_in_100_events() {
    const STORED: &str = "SELECT value FROM meta WHERE name = 'leased_from'";
    let mut world = world();
    let mut nth = 0;
    for (events, stored) in [(98, None), (99, Some(100)), (198, Some(100)), (199, Some(200))] {
        while nth < events {
            nth += 1;
            world.event(&format!("task_{nth}"), "queued");
        }
        world.run_alarm();
        let found = (&world.db.sqlite as &dyn Database).first(STORED, &[], Row::int).unwrap();
        assert_eq!(found, stored, "{events}");
    }
}

/// Lets the database refuse to change a delivery, as one that is full may.
fn refuse(world: &World, delivery: i64) {
    let trigger = format!(
        "CREATE TRIGGER refused BEFORE UPDATE ON deliveries WHEN OLD.no = {delivery}
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    );
    world.db.sqlite.connection().execute_batch(&trigger).unwrap();
}

/// Begins a run of the alarm, of which a part fails, and returns how many deliveries a query of the test's own finds then.
fn begin_failing_run(world: &mut World, query: &'static str) -> i64 {
    let (succeeded, faults) = world.decide_with_faults(|shard, context| shard.begin_alarm(context));
    assert!(!succeeded && faults.len() == 1, "{faults:?}");
    world.db.sqlite.connection().execute_batch("DROP TRIGGER refused").unwrap();
    let found = world.number(query);
    world.decide(|shard, context| shard.end_alarm(context, true));
    found
}

#[test]
fn a_lease_that_cannot_be_ended_keeps_no_other_from_ending() {
    let mut world = world();
    for task_id in ["task_1", "task_2", "task_3"] {
        world.post(&body(task_id, "queued"));
    }
    refuse(&world, FIRST);
    world.now = world.now.plus_seconds(60);
    assert_eq!(begin_failing_run(&mut world, "SELECT COUNT(*) FROM deliveries WHERE due_at > 0"), 2);
    world.pass(60);
    assert_eq!(world.received.len(), 3);
}

#[test]
fn a_delivery_to_a_deleted_endpoint_that_cannot_be_ended_keeps_no_other_from_it() {
    let mut world = world();
    world.change(|settings| settings.endpoints[0].options.paused = true);
    for task_id in ["task_1", "task_2", "task_3"] {
        world.post(&body(task_id, "queued"));
    }
    world.configure(Vec::new());
    refuse(&world, FIRST);
    let dead = "SELECT COUNT(*) FROM deliveries WHERE reason = 'endpoint_deleted'";
    assert_eq!(begin_failing_run(&mut world, dead), 2);
    world.pass(60);
    assert_eq!(world.number(dead), 3);
}
