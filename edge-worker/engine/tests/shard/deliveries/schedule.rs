//! The schedule of retries: every due time is that of the rule, reckoned here once more, and no attempt is made before
//! it.

use serde_json::Value as Json;
use vtryon_gateway_engine::Context;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::settings::Sealed;
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, ShardRequest};
use vtryon_gateway_engine::shard::Shard;
use vtryon_gateway_engine::storage::database::Value;
use vtryon_gateway_engine::text::time::rfc3339;
use vtryon_webhooks::{Digest, Millis};

use crate::support::{World, body, endpoint};

const DAY: i64 = 24 * 3_600_000;
const ATTEMPTS: usize = 6;

/// The pause before a retry: the nominal one less the jitter, which comes of what is delivered.
fn pause(subject: &str, retry: u32) -> i64 {
    let nominal = 110_000 * 5_i64.pow(retry - 1);
    let digest = Digest::of(subject.as_bytes());
    let seed = [&digest.as_bytes()[..], &retry.to_be_bytes()].concat();
    let head = u64::from_be_bytes(Digest::of(&seed).as_bytes()[..8].try_into().unwrap());
    nominal - i64::try_from(head % u64::try_from(nominal / 10 + 1).unwrap()).unwrap()
}

/// Holds a delivery that has failed for good to the rule.
fn assert_scheduled(delivery: &Json, world: &World, subject: &str, retry_after_ms: i64, why: &str) {
    assert_eq!(delivery["state"], "dead", "{why}");
    assert_eq!(delivery["reason"], "exhausted", "{why}");
    assert_eq!(delivery["due_at"], Json::Null, "{why}");
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), ATTEMPTS, "{why}");
    assert_eq!(world.received.len(), ATTEMPTS, "{why}");
    let first_at = world.received[0].at;
    for (n, (attempt, received)) in attempts.iter().zip(&world.received).enumerate() {
        assert_eq!(
            (&attempt["attempt"], &attempt["status"]),
            (&Json::from(n + 1), &Json::from(503)),
            "{why}"
        );
        assert_eq!(received.attempt as usize, n + 1, "{why}: its receiver is told");
        assert_eq!(received.webhook_id, world.received[0].webhook_id, "{why}: the same for every attempt");
        let due_at = match n.checked_sub(1) {
            None => Millis(delivery_created(delivery)),
            Some(before) => {
                let before_at = world.received[before].at;
                let asked = before_at.plus_millis(retry_after_ms).min(first_at.plus_millis(DAY));
                before_at.plus_millis(pause(subject, u32::try_from(n).unwrap())).max(asked)
            }
        };
        assert_eq!(attempt["due_at"], rfc3339(due_at), "{why}: attempt {}", n + 1);
        assert_eq!(attempt["attempted_at"], rfc3339(received.at), "{why}: attempt {}", n + 1);
        assert!(received.at >= due_at, "{why}: attempt {} is early", n + 1);
    }
}

fn delivery_created(delivery: &Json) -> i64 {
    let created_at = delivery["created_at"].as_str().unwrap();
    vtryon_gateway_engine::text::time::parse_rfc3339(created_at).unwrap().0
}

/// A world whose endpoint fails, takes everything and asks for a pause.
fn failing(retry_after_ms: Option<i64>) -> World {
    let mut world = World::new();
    world.deployment.retention_hours = 10_000;
    let mut endpoint = endpoint(1);
    endpoint.options.include = vec!["quarantined".to_owned()];
    world.configure(vec![endpoint]);
    world.replies.insert(1, Some(503));
    world.retry_after_ms.extend(retry_after_ms.map(|asked| (1, asked)));
    world
}

#[test]
fn retries_follow_the_schedule_and_what_the_endpoint_asks_for() {
    for (why, asked) in [
        ("nothing asked", None),
        ("less than the pause", Some(5_000)),
        ("more than the pauses", Some(1_200_000)),
        ("beyond the day", Some(2 * DAY)),
        ("a date that is over", Some(-1_000_000_000)),
        ("a number without end", Some(i64::MAX / 4)),
    ] {
        let mut world = failing(asked);
        world.event("task_1", "queued");
        world.pass(6 * DAY / 1000);
        let delivery = world.delivery(delivery_no(1, 1));
        assert_scheduled(&delivery, &world, "task_1", asked.unwrap_or(0), why);
    }
}

#[test]
fn the_jitter_of_an_unreadable_body_is_derived_from_the_body() {
    let mut world = failing(None);
    world.send("no json");
    world.pass(6 * DAY / 1000);
    let delivery = world.delivery(delivery_no(1, 1));
    assert_scheduled(&delivery, &world, "no json", 0, "unreadable");
}

#[test]
fn an_alarm_that_is_late_puts_off_what_follows() {
    let mut world = failing(None);
    world.event("task_1", "queued");
    for retry in 1..6 {
        // Each alarm comes an hour late, and once more at once.
        world.now = world.alarm.unwrap().plus_seconds(3600);
        world.run_alarm();
        world.run_alarm();
        assert_eq!(world.received.len(), retry + 1, "a second run makes no second attempt");
    }
    let delivery = world.delivery(delivery_no(1, 1));
    assert_scheduled(&delivery, &world, "task_1", 0, "an hour late");
}

#[test]
fn an_expedited_attempt_does_not_change_the_schedule() {
    let mut world = World::new();
    let mut endpoint = endpoint(1);
    endpoint.options.order = "all".to_owned();
    world.configure(vec![endpoint]);
    world.replies.insert(1, Some(503));
    world.event("task_1", "queued");
    let due_at = world.delivery(delivery_no(1, 1))["due_at"].clone();
    assert_eq!(due_at, rfc3339(world.now.plus_millis(pause("task_1", 1))));
    world.event("task_1", "completed");
    world.pass(30);
    let queued = world.delivery(delivery_no(1, 1));
    assert_eq!(queued["attempts"].as_array().unwrap().len(), 2, "the newer event has it tried at once");
    assert_eq!(queued["due_at"], due_at);
    // Nor does one by hand.
    world.call(vtryon_gateway_engine::protocol::ShardRequest::Replay { no: delivery_no(1, 1) }, &[]);
    world.pass(30);
    let queued = world.delivery(delivery_no(1, 1));
    assert_eq!(queued["attempts"].as_array().unwrap().len(), 3);
    assert_eq!((&queued["due_at"], &queued["replay_count"]), (&due_at, &Json::from(0)));
}

#[test]
fn the_alarm_is_set_for_what_is_due_first() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    assert_eq!(world.alarm, None, "nothing is due");
    let started = world.now;
    world.post(&body("task_1", "queued"));
    assert_eq!(world.alarm, Some(started.plus_seconds(30)), "the lease of the first attempt");
    world.pass(1);
    world.post(&body("task_2", "completed"));
    assert_eq!(world.alarm, Some(started.plus_seconds(30)), "that lease ends first");
}

/// A shard with a delivery that has been due for a minute.
fn overdue() -> World {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.post(&body("task_1", "queued"));
    world.now = world.now.plus_seconds(60);
    world
}

#[test]
fn an_instance_that_the_alarm_has_woken_does_not_set_it_while_it_runs() {
    let world = overdue();
    let context = Context { db: &world.db, now: world.now, deployment: &world.deployment };
    let mut shard = Shard::open(&context, 0, 0).unwrap();
    shard.begin_alarm(&context);
    assert_eq!(shard.take_effects().alarm, None);
    shard.end_alarm(&context, false);
    assert!(shard.take_effects().alarm.is_some(), "the delivery is still due");
}

#[test]
fn a_run_that_cannot_find_out_what_is_due_next_sets_the_alarm_for_5_seconds_later() {
    let mut world = overdue();
    let execute = |world: &World, sql: &str| world.db.sqlite.connection().execute_batch(sql).unwrap();
    let context = Context { db: &world.db, now: world.now, deployment: &world.deployment };
    world.shard.begin_alarm(&context);
    execute(&world, "ALTER TABLE deliveries RENAME TO unreadable");
    world.shard.end_alarm(&context, false);
    execute(&world, "ALTER TABLE unreadable RENAME TO deliveries");
    let effects = world.shard.take_effects();
    assert_eq!(effects.alarm, Some(world.now.plus_seconds(5)));
    assert_eq!(effects.faults.len(), 1, "it is logged");
    world.alarm = effects.alarm;
    world.pass(5);
    assert_eq!(world.delivery(delivery_no(1, 1))["state"], "delivered");
}

#[test]
fn calls_do_not_put_off_an_alarm_while_it_cannot_be_found_out_what_is_due_next() {
    let mut world = overdue();
    let context = Context { db: &world.db, now: world.now, deployment: &world.deployment };
    world.shard.begin_alarm(&context);
    world.db.sqlite.connection().execute_batch("ALTER TABLE replays RENAME TO unreadable").unwrap();
    world.shard.end_alarm(&context, false);
    let first = world.shard.take_effects().alarm;
    assert_eq!(first, Some(world.now.plus_seconds(5)));
    let request = ShardRequest::VerifyAnchor;
    let call = Call { shard: 0, shards: 1, placement: Placement::default(), reports: Vec::new(), request };
    for second in 1..5 {
        let now = world.now.plus_seconds(second);
        let context = Context { db: &world.db, now, deployment: &world.deployment };
        assert!(world.shard.begin_call(&context, &call).is_ok());
        assert_eq!(world.shard.take_effects().alarm, None, "second {second}");
    }
}

/// The platform lets an invocation send 50 requests to other servers, on its free plan.
#[test]
fn a_run_of_the_alarm_sends_a_limited_number_of_requests() {
    // how many secrets endpoint 2 has; the attempts of each run
    for (secrets, attempts) in [(1, vec![45, 45, 10]), (3, vec![45, 19, 15, 15, 6])] {
        assert_eq!(attempts_of_runs(secrets), attempts, "{secrets} secrets");
    }
}

/// Lets 50 events wait for two endpoints; returns how many attempts each run of the alarm makes.
fn attempts_of_runs(secrets: usize) -> Vec<usize> {
    let mut world = World::new();
    let mut second = endpoint(2);
    second.secrets = vec![Sealed::default(); secrets];
    world.configure(vec![endpoint(1), second]);
    for task in 0..50 {
        world.post(&body(&format!("task_{task}"), "queued"));
    }
    world.now = world.now.plus_seconds(60);
    let mut runs = Vec::new();
    while world.alarm.is_some_and(|at| at <= world.now) {
        let before = world.received.len();
        world.run_alarm();
        runs.push(world.received.len() - before);
        world.now = world.now.plus_seconds(1);
    }
    runs
}

/// Whether the answer asks for no further attempt is what counts, not its status, unless that is a success.
#[test]
fn a_receiver_ends_a_delivery_by_its_answer() {
    for (reply, state, reason, why) in [
        (Some(422), "dead", Json::from("aborted_by_receiver"), "refused for good"),
        (Some(503), "dead", Json::from("aborted_by_receiver"), "whatever the failure"),
        (Some(410), "dead", Json::from("aborted_by_receiver"), "gone as well"),
        (Some(200), "delivered", Json::Null, "a success is none the less"),
    ] {
        let mut world = World::new();
        let mut endpoint = endpoint(1);
        endpoint.options.order = "all".to_owned();
        world.configure(vec![endpoint]);
        world.first_replies.insert(1, [reply].into());
        world.aborting.insert(1);
        let first = world.post(&body("task_1", "queued"));
        assert!(world.post(&body("task_1", "processing")).is_empty(), "{why}: the next one waits");
        world.make(&first[0]);
        world.aborting.clear();
        world.pass(10);
        let delivery = world.delivery(delivery_no(1, 1));
        assert_eq!((&delivery["state"], &delivery["reason"]), (&Json::from(state), &reason), "{why}");
        assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1, "{why}: it is shown");
        let next = world.delivery(delivery_no(2, 1));
        assert_eq!(next["state"], "delivered", "{why}: the next one of its task follows");
        world.call(ShardRequest::Replay { no: delivery_no(1, 1) }, &[]);
        world.pass(10);
        assert_eq!(world.delivery(delivery_no(1, 1))["state"], "delivered", "{why}: it can be replayed");
    }
}

#[test]
fn an_early_attempt_that_is_aborted_ends_its_delivery_too() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.replies.insert(1, Some(500));
    world.event("task_1", "queued");
    world.aborting.insert(1);
    world.call(ShardRequest::Replay { no: delivery_no(1, 1) }, &[]);
    world.pass(10);
    let delivery = world.delivery(delivery_no(1, 1));
    assert_eq!((&delivery["state"], &delivery["reason"]), (&"dead".into(), &"aborted_by_receiver".into()));
}

#[test]
fn a_delivery_whose_event_is_gone_is_dead() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.post(&body("task_1", "queued"));
    // Nothing does so: it is what a database may have that was restored, or changed by hand.
    world.db.sqlite.connection().execute_batch("DELETE FROM events").unwrap();
    world.pass(60);
    let ended = world.rows("SELECT state, reason FROM deliveries");
    assert_eq!(ended, [["dead", "pruned"].map(|text| Value::Text(text.to_owned()))]);
    assert!(world.received.is_empty());
}
