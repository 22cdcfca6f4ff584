//! The limits of endpoints: attempts at the same time and in a second. What may not be attempted now waits in order.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::{Dispatch, delivery_no, seq_of};
use vtryon_gateway_engine::protocol::settings::{Endpoint, Replay};
use vtryon_gateway_engine::shard::Picked;
use vtryon_webhooks::Millis;

use crate::support::{World, body, endpoint, outline};

/// A setting of the limits of endpoint 1.
type Limits = (Option<u32>, Option<u32>);

const ONE_AT_A_TIME: Limits = (Some(1), None);

fn limited((max_in_flight, attempts_per_second): Limits) -> Endpoint {
    let mut endpoint = endpoint(1);
    endpoint.options.max_in_flight = max_in_flight;
    endpoint.options.attempts_per_second = attempts_per_second;
    endpoint
}

fn world(limits: Limits) -> World {
    let mut world = World::new();
    world.configure(vec![limited(limits)]);
    world
}

/// Posts an event of a task of its own; returns the attempts that the Worker makes.
fn post(world: &mut World, task: usize) -> Vec<Dispatch> {
    world.post(&body(&format!("task_{task}"), "completed"))
}

fn pick(world: &mut World) -> Option<Picked> {
    world.decide(|shard, context| shard.pick_attempt(context, 1, context.now)).unwrap()
}

/// Posts events that the Worker attempts, of which as many wait as may not be attempted at the same time.
fn fill(world: &mut World, events: usize) -> Vec<Dispatch> {
    (1..=events).flat_map(|task| post(world, task)).collect()
}

/// The numbers of the events that endpoint 1 has received, in order.
fn received(world: &World) -> Vec<&str> {
    let tasks = world.bodies(1).into_iter().filter_map(|body| body.split('"').nth(7));
    tasks.map(|task| task.trim_start_matches("task_")).collect()
}

#[test]
fn events_beyond_a_limit_wait_and_go_out_in_order() {
    for (name, limits, dispatched) in [
        ("no limit", (None, None), 5),
        ("one at a time", ONE_AT_A_TIME, 1),
        ("three at a time", (Some(3), None), 3),
        ("two a second", (None, Some(2)), 2),
        ("both", (Some(4), Some(3)), 3),
        ("more than there are", (Some(50), Some(50)), 5),
    ] {
        let mut world = world(limits);
        let dispatches = fill(&mut world, 5);
        assert_eq!(dispatches.len(), dispatched, "{name}: what the Worker attempts");
        for dispatch in &dispatches {
            world.make(dispatch);
        }
        world.pass(10);
        assert_eq!(received(&world), ["1", "2", "3", "4", "5"], "{name}");
        assert_eq!(outline(&world.deliveries(None), "state"), ["delivered"; 5], "{name}");
    }
}

#[test]
fn a_new_event_does_not_overtake_those_that_wait() {
    for (name, limits) in [("one at a time", ONE_AT_A_TIME), ("one a second", (None, Some(1)))] {
        let mut world = world(limits);
        let first = fill(&mut world, 2);
        world.make(&first[0]);
        // Another one may begin now, and the second event is the next one.
        world.now = world.now.plus_seconds(1);
        assert!(post(&mut world, 3).is_empty(), "{name}");
        world.pass(5);
        assert_eq!(received(&world), ["1", "2", "3"], "{name}");
        assert_eq!(post(&mut world, 4).len(), 1, "{name}: nothing waits any more");
    }
}

#[test]
fn the_alarm_is_set_for_when_the_next_attempt_may_begin() {
    let mut world = world(ONE_AT_A_TIME);
    let first = fill(&mut world, 2);
    let lease_ends = world.now.plus_seconds(30);
    assert_eq!(world.alarm, Some(lease_ends), "at the latest when the lease ends");
    world.now = world.now.plus_seconds(3);
    world.make(&first[0]);
    assert_eq!(world.alarm, Some(world.now), "at once when the attempt is over");

    let mut world = self::world((None, Some(2)));
    fill(&mut world, 22).iter().for_each(|dispatch| world.make(dispatch));
    assert_eq!(world.alarm, Some(world.now.plus_seconds(1)), "a second after the first attempt");
    let mut runs = 0;
    while world.bodies(1).len() < 22 {
        world.now = world.alarm.unwrap();
        world.run_alarm();
        runs += 1;
    }
    assert_eq!(runs, 10, "each run makes what may be made, and none comes in vain");
}

#[test]
fn a_replay_of_a_range_keeps_the_limits_and_its_order() {
    for (name, limits, seconds) in
        [("20 a second", (Some(1), Some(20)), 15), ("a slow one", (None, Some(3)), 100)]
    {
        let mut world = world((None, None));
        fill(&mut world, 300).iter().for_each(|dispatch| world.make(dispatch));
        world.received.clear();
        world.configure(vec![limited(limits)]);
        let started = world.now;
        let range = Replay {
            id: "rpl_1".to_owned(),
            endpoint: 1,
            all: true,
            until: started.plus_seconds(1),
            ..Replay::default()
        };
        world.change(|settings| settings.replays.push(range));
        world.pass(seconds + 30);
        let at: Vec<Millis> = world.received.iter().map(|received| received.at).collect();
        assert_eq!(at.len(), 300, "{name}");
        let per_second = limits.1.unwrap() as usize;
        assert!(
            at.windows(per_second + 1).all(|times| times[per_second].0 - times[0].0 >= 1000),
            "{name}: no second has more than {per_second}"
        );
        assert!(at[299] <= started.plus_seconds(seconds), "{name}: it is not slower than it may be");
        assert_eq!(received(&world), (1..=300).map(|n| n.to_string()).collect::<Vec<_>>(), "{name}");
        assert_eq!(world.progress("rpl_1").delivered, 300, "{name}");
    }
}

#[test]
fn attempts_of_the_worker_and_of_the_shard_count_together() {
    let mut world = world((Some(2), None));
    let dispatches = fill(&mut world, 4);
    assert_eq!(dispatches.len(), 2);
    assert!(pick(&mut world).is_none(), "the Worker makes two");
    world.make(&dispatches[0]);
    let third = pick(&mut world).unwrap();
    assert_eq!(seq_of(third.dispatch.delivery), 3);
    assert!(pick(&mut world).is_none(), "the Worker makes one, the shard the other");
    let report = world.attempt(&third.dispatch, &third.body);
    world.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
    assert_eq!(seq_of(pick(&mut world).unwrap().dispatch.delivery), 4);
}

#[test]
fn connections_are_assigned_within_the_limits() {
    for (name, limits, connections) in [
        ("no limit", (None, None), 2),
        ("one at a time", ONE_AT_A_TIME, 1),
        ("one a second", (None, Some(1)), 1),
        ("many", (Some(9), Some(9)), 2),
    ] {
        let mut world = world(limits);
        world.change(|settings| settings.endpoints[0].options.paused = true);
        fill(&mut world, 4);
        world.change(|settings| settings.endpoints[0].options.paused = false);
        let connect = |world: &mut World| {
            world.decide(|shard, context| shard.pick_endpoints(context, context.now, &[])).unwrap().len()
        };
        assert_eq!(connect(&mut world), connections, "{name}");
        if connections == 1 {
            assert!(pick(&mut world).is_some());
            assert_eq!(connect(&mut world), 0, "{name}: none for what may not begin yet");
        }
    }
}

#[test]
fn an_instance_that_starts_knows_what_is_in_progress() {
    for (name, is_own) in [("the Worker's attempt", false), ("one of the shard's own", true)] {
        let mut world = world(ONE_AT_A_TIME);
        if is_own {
            world.change(|settings| settings.endpoints[0].options.paused = true);
        }
        fill(&mut world, 2);
        if is_own {
            world.change(|settings| settings.endpoints[0].options.paused = false);
            assert!(pick(&mut world).is_some());
        }
        world.restart();
        assert!(pick(&mut world).is_none(), "{name}");
        world.now = world.now.plus_seconds(29);
        assert!(pick(&mut world).is_none(), "{name}");
        world.now = world.now.plus_seconds(1);
        assert!(pick(&mut world).is_some(), "{name}: its lease has ended");
    }
}

#[test]
fn a_limit_that_is_set_counts_what_an_earlier_instance_has_leased() {
    let mut world = world((None, None));
    world.change(|settings| settings.endpoints[0].options.paused = true);
    fill(&mut world, 2);
    world.change(|settings| settings.endpoints[0].options.paused = false);
    assert!(pick(&mut world).is_some());
    world.restart();
    world.configure(vec![limited(ONE_AT_A_TIME)]);
    assert!(pick(&mut world).is_none());
}

#[test]
fn a_limit_can_be_changed_and_removed_while_events_wait() {
    let mut world = world(ONE_AT_A_TIME);
    fill(&mut world, 5);
    world.configure(vec![limited((Some(3), None))]);
    assert_eq!(world.alarm, Some(world.now), "another one may begin");
    assert!(pick(&mut world).is_some() && pick(&mut world).is_some() && pick(&mut world).is_none());
    world.configure(vec![limited(ONE_AT_A_TIME)]);
    assert!(pick(&mut world).is_none(), "three are in progress");
    world.configure(vec![limited((None, None))]);
    assert!(pick(&mut world).is_some() && pick(&mut world).is_some());
}

#[test]
fn each_shard_keeps_its_part() {
    for (shard, in_flight, in_a_second) in [(0, 2, 3), (1, 1, 2), (2, 1, 2)] {
        for (limits, dispatched) in [((Some(4), None), in_flight), ((None, Some(7)), in_a_second)] {
            let mut world = World::of(shard, 3);
            world.configure(vec![limited(limits)]);
            assert_eq!(fill(&mut world, 5).len(), dispatched, "shard {shard} of {limits:?}");
        }
    }
    // Less than one a second for each: one in three seconds.
    let mut world = World::of(2, 3);
    world.configure(vec![limited((None, Some(1)))]);
    assert_eq!(fill(&mut world, 2).len(), 1);
    assert_eq!(world.alarm, Some(world.now.plus_seconds(3)));
}

#[test]
fn an_endpoint_that_waits_does_not_delay_another_one() {
    let mut world = World::new();
    world.configure(vec![limited(ONE_AT_A_TIME), endpoint(2)]);
    let dispatches = fill(&mut world, 3);
    let of_other = dispatches.iter().filter(|dispatch| dispatch.url.contains("shop-2")).count();
    assert_eq!((dispatches.len(), of_other), (4, 3));
}

#[test]
fn a_retry_takes_its_turn() {
    let mut world = world((None, Some(1)));
    world.first_replies.insert(1, [Some(500)].into());
    fill(&mut world, 1).iter().for_each(|dispatch| world.make(dispatch));
    // Its retry is due before the events of that minute.
    world.now = world.now.plus_seconds(110);
    for task in 2..=4 {
        assert!(post(&mut world, task).is_empty(), "the retry is due, and others wait after it");
    }
    world.pass(10);
    assert_eq!(received(&world), ["1", "1", "2", "3", "4"]);
}

#[test]
fn what_is_due_already_keeps_its_turn() {
    for (why, newer, expected) in [
        ("a newer event of its task comes", Some("processing"), &["1", "2", "3", "2"][..]),
        ("it is replayed", None, &["1", "2", "3"]),
    ] {
        let mut world = World::new();
        let mut one_a_second = limited((None, Some(1)));
        one_a_second.options.order = "all".to_owned();
        world.configure(vec![one_a_second]);
        for task_id in ["task_1", "task_2", "task_3"] {
            world.event(task_id, "queued");
            world.now = world.now.plus_millis(10);
        }
        assert_eq!(received(&world), ["1"], "{why}: two wait");
        match newer {
            Some(status) => world.event("task_2", status),
            None => drop(world.call(ShardRequest::Replay { no: delivery_no(2, 1) }, &[])),
        }
        world.pass(10);
        assert_eq!(received(&world), expected, "{why}");
    }
}

#[test]
fn what_has_waited_for_an_older_one_of_its_task_keeps_its_turn() {
    let mut world = World::new();
    let mut all = endpoint(1);
    all.options.order = "all".to_owned();
    all.options.paused = true;
    world.configure(vec![all]);
    for (task, status) in [(1, "queued"), (1, "completed"), (2, "queued"), (2, "completed"), (3, "completed")]
    {
        world.event(&format!("task_{task}"), status);
        world.now = world.now.plus_millis(10);
    }
    world.change(|settings| settings.endpoints[0].options.paused = false);
    // Two connections, of which the second one finds an event of the first task that may not go yet.
    let picked = [pick(&mut world).unwrap(), pick(&mut world).unwrap()];
    for Picked { dispatch, body } in picked {
        let report = world.attempt(&dispatch, &body);
        world.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
    }
    world.pass(60);
    assert_eq!(received(&world), ["1", "2", "1", "2", "3"]);
}

#[test]
fn what_waits_can_be_paused_deleted_and_replayed() {
    let mut world = world(ONE_AT_A_TIME);
    let first = fill(&mut world, 3);
    world.change(|settings| settings.endpoints[0].options.paused = true);
    world.make(&first[0]);
    world.pass(60);
    assert_eq!(world.received.len(), 1, "paused");
    world.change(|settings| settings.endpoints[0].options.paused = false);
    world.call(ShardRequest::Replay { no: delivery_no(3, 1) }, &[]);
    world.change(|settings| {
        settings.endpoints.clear();
        settings.deleted.push(1);
    });
    world.pass(60);
    assert_eq!(outline(&world.deliveries(None), "state"), ["delivered", "dead", "dead"]);
}

#[test]
fn a_test_is_attempted_at_once_and_counts() {
    use vtryon_gateway_engine::protocol::{Content, IncomingEvent, StoreResult};
    let mut world = world(ONE_AT_A_TIME);
    fill(&mut world, 1);
    let content = Content::Other { task_id: "test_1".to_owned(), name: "gateway.test".to_owned() };
    let (received_at, key) = (world.now, String::new());
    let test = IncomingEvent {
        received_at,
        key,
        content,
        target_endpoint: Some(1),
        imported_at: None,
        last_commit_ms: None,
    };
    let stored: StoreResult =
        serde_json::from_value(world.call(ShardRequest::StoreEvent(test), b"{}").unwrap()).unwrap();
    assert_eq!(stored.dispatches.len(), 1);
    world.configure(vec![limited((Some(2), None))]);
    assert!(post(&mut world, 2).is_empty(), "two are in progress");
}
