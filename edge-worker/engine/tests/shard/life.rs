//! A life in which a shard does everything that it can.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use vtryon_gateway_engine::protocol::delivery::DeliveryState;
use vtryon_gateway_engine::protocol::live::{Start, Subject, Subscription};
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_webhooks::Millis;

use crate::support::{World, body, deployment, endpoint};

/// Returns the statements of a life.
pub fn statements_of_life() -> &'static BTreeSet<&'static str> {
    static STATEMENTS: OnceLock<BTreeSet<&str>> = OnceLock::new();
    STATEMENTS.get_or_init(|| {
        let world = live();
        let statements = world.db.statements().into_iter().collect();
        // Its end would ask for what is returned here.
        std::mem::forget(world);
        statements
    })
}

/// Lives a life in which a shard does everything that it can.
pub fn live() -> World {
    let mut world = World::new();
    let subscribe = |world: &mut World, subject: Subject, start: Start| {
        let subscription = Subscription {
            subject,
            start,
            bodies: true,
            until: Some(world.now.plus_seconds(86_400 * 365)),
            send_window: 1 << 18,
        };
        let subscribed = world.decide(|shard, context| shard.subscribe(context, (0, 1), subscription));
        subscribed.unwrap().unwrap().subscriber
    };
    let mut limited = endpoint(3);
    limited.options.max_in_flight = Some(1);
    world.configure(vec![endpoint(1), endpoint(2), limited]);
    world.import(&[(&body("task_4", "queued"), world.now), ("no JSON", world.now)]);
    world.replies.insert(2, Some(500));
    for status in ["queued", "processing", "paused", "completed", "failed"] {
        world.event("task_1", status);
    }
    world.event("task_1", "queued");
    let other = r#"{"event":"generation.previewed","task_id":"task_1","page":1}"#;
    for _ in 0..2 {
        world.post(other);
        world.post("not JSON");
    }
    let task = |task_id: &str| task_id.to_owned();
    for start in [Start::Now, Start::After(0), Start::Since(Millis(0))] {
        let mut subscriber = subscribe(&mut world, Subject::Shard, start);
        subscribe(&mut world, Subject::Task { task_id: task("task_1") }, start);
        subscribe(&mut world, Subject::State { task_id: task("task_1") }, Start::Now);
        let ack = r#"{"type":"ack","id":"1.1.0_0"}"#;
        world.decide(|shard, context| shard.on_message(context, &mut subscriber, Some(ack))).unwrap();
    }
    world.event("task_2", "queued");
    for mut broadcast in std::mem::take(&mut world.broadcasts) {
        let mut subscriber = subscribe(&mut world, Subject::Shard, Start::Now);
        world
            .decide(|shard, context| {
                shard.send_broadcast(context, &mut broadcast, &mut subscriber)?;
                shard.ticket_state(context, &broadcast)
            })
            .unwrap();
    }
    world.pass(60);
    world.change(|settings| {
        settings.replays = [false, true]
            .map(|all| Replay {
                id: format!("rpl_{all}"),
                endpoint: 1,
                all,
                until: Millis(i64::MAX / 2),
                ..Replay::default()
            })
            .into();
    });
    world.pass(60);
    subscribe(&mut world, Subject::Task { task_id: task("task_1") }, Start::After(0));
    queries(&mut world);
    world.pass(86_400 * 5);
    // A change of the secrets drops tombstones; a late event revives a task, unless it was erased.
    world.event("task_1", "queued");
    world.event("task_erased", "queued");
    world.erase("task_erased").unwrap();
    // Another deployment has erased one that is stored here, one that is not, and one that is pruned here.
    world.event("task_moved", "queued");
    for task_id in ["task_moved", "task_unknown", "task_4"] {
        world.import_erasure(task_id, world.now);
    }
    world.pass(60);
    world.deployment = deployment(&["another secret of the tests, long enough"]);
    world.change(|settings| {
        settings.endpoints.retain(|endpoint| endpoint.no == 1);
        settings.deleted = vec![2, 3];
        settings.replays.clear();
    });
    world.post(&body("task_3", "queued"));
    world.post(&body("task_erased", "completed"));
    world.restart();
    world.pass(86_400 * 5);
    meet_exceptions(&mut world);
    world
}

/// Meets what seldom happens.
fn meet_exceptions(world: &mut World) {
    let sleep = |world: &mut World| {
        let past_retention = i64::from(world.deployment.retention_hours) + 24;
        world.sleep(past_retention);
        world.sleep(1);
    };
    let range = |id: &str| Replay {
        id: id.to_owned(),
        endpoint: 1,
        all: true,
        until: Millis(i64::MAX / 2),
        ..Replay::default()
    };
    // A pruned task revives.
    world.event("task_5", "queued");
    sleep(world);
    world.event("task_5", "processing");
    // A delivery whose secret can't be opened, one that is in progress, and one that waits for a paused endpoint.
    let dispatch = world.post(&body("task_6", "queued")).pop().unwrap();
    world.report(dispatch.report(None));
    world.post(&body("task_7", "queued"));
    world.call(ShardRequest::Metrics, &[]);
    world.change(|settings| {
        settings.endpoints[0].options.include = vec!["quarantined".to_owned()];
        settings.endpoints[0].options.paused = true;
    });
    world.event("task_6", "processing");
    sleep(world);
    world.change(|settings| settings.endpoints[0].options.paused = false);
    // A range with a body that can't be read, one that is cancelled, and one whose endpoint is deleted.
    world.send("still not JSON");
    world.pass(60);
    world.call(ShardRequest::CountRange(range("rpl_counted")), &[]);
    world.change(|settings| settings.replays.push(range("rpl_cancelled")));
    world.change(|settings| settings.replays[0].is_cancelled = true);
    world.change(|settings| settings.replays.push(range("rpl_ended")));
    world.replies.insert(1, Some(500));
    world.event("task_8", "queued");
    world.change(|settings| settings.endpoints.clear());
    world.pass(60);
    // A stream from before an erasure.
    world.event("task_9", "queued");
    world.erase("task_9").unwrap();
    let subscription = Subscription {
        subject: Subject::Shard,
        start: Start::Since(world.now),
        bodies: false,
        until: None,
        send_window: 1 << 18,
    };
    world.decide(|shard, context| shard.subscribe(context, (0, 1), subscription)).unwrap().unwrap();
}

fn queries(world: &mut World) {
    let now = world.now;
    let tasks = |before, status: Option<&str>, stalled| ShardRequest::Tasks {
        before,
        filter: TaskFilter {
            status: status.map(str::to_owned),
            stalled,
            since: Some(now),
            until: Some(now),
            prefix: None,
        },
        limit: 10,
    };
    let deliveries = |endpoint, state: Option<&str>, task_id: Option<&str>, digest: Option<&str>| {
        ShardRequest::Deliveries {
            before: None,
            endpoint,
            state: state.and_then(DeliveryState::from_name),
            task_id: task_id.map(str::to_owned),
            digest: digest.map(str::to_owned),
            limit: 10,
        }
    };
    crate::events::alerts::store(world, "1 standard", &[1]);
    for request in [
        ShardRequest::Task { task_id: "task_1".to_owned() },
        ShardRequest::Result { task_id: "task_1".to_owned() },
        ShardRequest::Tasks {
            before: Some(1),
            filter: TaskFilter { prefix: Some("task".to_owned()), ..TaskFilter::default() },
            limit: 10,
        },
        tasks(None, None, None),
        tasks(Some(2), Some("completed"), None),
        tasks(None, Some("completed"), None),
        tasks(None, None, Some(now)),
        ShardRequest::Quarantine { before: None, limit: 10 },
        deliveries(None, None, None, None),
        deliveries(Some(1), None, None, None),
        deliveries(None, Some("dead"), None, None),
        deliveries(Some(1), Some("dead"), None, None),
        deliveries(None, None, Some("task_1"), None),
        deliveries(None, None, None, Some("digest")),
        ShardRequest::Delivery { no: 65_537 },
        ShardRequest::Replay { no: 65_537 },
        ShardRequest::Progress { id: "rpl_true".to_owned() },
        ShardRequest::Health { endpoint: 1 },
        ShardRequest::Metrics,
        ShardRequest::Stats { from: Millis(0), endpoint: Some(1) },
        ShardRequest::Topology,
        ShardRequest::VerifyShardCount,
        ShardRequest::Sweep,
    ] {
        world.call(request, &[]);
    }
}

/// What is compared is what the other tests reach, too: each of their worlds looks for its statements in this life.
#[test]
fn every_statement_is_recorded() {
    live().db.write("shard");
}
