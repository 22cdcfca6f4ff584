//! Alerts in a shard: stored once, without a task, and delivered like events to their destinations alone.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::live::Start;
use vtryon_gateway_engine::protocol::settings::{AlertOptions, Endpoint, Replay};
use vtryon_gateway_engine::protocol::stats::Stats;
use vtryon_gateway_engine::protocol::{IncomingAlert, ShardRequest, StoreResult};
use vtryon_gateway_engine::storage::database::Value;
use vtryon_webhooks::Millis;

use crate::support::{Client, NOON, Watches, World, body, broadcast, endpoint};

const NAME: &str = "gateway.endpoint_failing";
const BODY: &str = r#"{"type":"gateway.endpoint_failing"}"#;
const DAY: i64 = 24 * 3600;

pub fn store(world: &mut World, id: &str, destinations: &[i64]) -> StoreResult {
    send(world, id, destinations, false).unwrap()
}

/// Returns nothing where the alert is not stored.
fn send(world: &mut World, id: &str, destinations: &[i64], is_test: bool) -> Option<StoreResult> {
    let alert = IncomingAlert {
        id: id.to_owned(),
        name: NAME.to_owned(),
        destinations: destinations.to_vec(),
        is_test,
    };
    let stored = world.call(ShardRequest::StoreAlert(alert), BODY.as_bytes())?;
    Some(serde_json::from_value(stored).unwrap())
}

/// A shard with an endpoint that takes whatever comes (1) and two destinations (2, 3).
fn world() -> World {
    let mut world = World::new();
    let mut all = endpoint(1);
    all.options.include = vec!["unknown".to_owned(), "quarantined".to_owned()];
    let destination = |no| -> Endpoint {
        let mut destination = endpoint(no);
        destination.options.alerts = Some(AlertOptions::default());
        destination
    };
    world.configure(vec![all, destination(2), destination(3)]);
    world
}

#[test]
fn an_alert_waits_for_the_settings_that_have_its_destinations() {
    let mut world = world();
    for is_test in [false, true] {
        assert!(send(&mut world, "1 standard", &[2, 4], is_test).is_none(), "4 is not known yet");
    }
    world.change(|settings| {
        settings.endpoints.retain(|endpoint| endpoint.no != 3);
        settings.deleted.push(3);
    });
    assert!(send(&mut world, "1 standard", &[2, 3], false).is_some(), "3 is no more");
    world.pass(1);
    assert_eq!(world.received.len(), 1);
}

#[test]
fn an_alert_goes_to_its_destinations_once_however_often_it_comes() {
    let mut world = world();
    for _ in 0..3 {
        assert!(store(&mut world, "1 standard", &[2, 3]).dispatches.is_empty(), "the alarm delivers it");
        world.pass(1);
    }
    store(&mut world, "2 standard", &[2]);
    world.pass(1);
    let received: Vec<(i64, &str)> =
        world.received.iter().map(|received| (received.endpoint, &*received.body)).collect();
    assert_eq!(received, [(2, BODY), (3, BODY), (2, BODY)]);
    let ids: Vec<&str> = world.received.iter().map(|received| &*received.webhook_id).collect();
    assert_eq!(ids[0], ids[1], "the same for each destination");
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn an_event_of_a_task_goes_to_no_destination() {
    let mut world = world();
    world.event("task_1", "queued");
    world.send(r#"{"event":"generation.rated","task_id":"task_1"}"#);
    world.send("not json");
    world.pass(60);
    assert!(world.received.iter().all(|received| received.endpoint == 1));
    assert_eq!(world.received.len(), 3);
}

#[test]
fn an_alert_is_retried_and_shown_like_any_delivery() {
    let mut world = world();
    world.replies.insert(2, Some(500));
    store(&mut world, "1 standard", &[2]);
    world.pass(DAY);
    let dead = world.deliveries(Some("dead"));
    assert_eq!(dead.len(), 1);
    let shown = |name: &str| dead[0][name].clone();
    assert_eq!([shown("task_id"), shown("status")], [Json::Null, Json::Null]);
    assert_eq!([shown("event"), shown("outcome")], [NAME.into(), Json::from("alert")]);
    assert_eq!(dead[0]["attempts"].as_array().unwrap().len(), 6);
    let stats: Stats = world.query(ShardRequest::Stats { from: Millis(NOON), endpoint: None });
    assert_eq!((stats.events.len(), stats.deliveries.len()), (0, 1), "it is no event that was received");
}

#[test]
fn a_test_is_attempted_by_its_sender() {
    let mut world = world();
    let dispatches = send(&mut world, "test 1", &[2], true).unwrap().dispatches;
    assert_eq!(dispatches.len(), 1);
    assert_eq!(dispatches[0].outcome, "alert");
}

#[test]
fn streams_and_ranges_do_not_tell_of_alerts() {
    let mut world = world();
    let mut live = Client::opened(&mut world, Watches::Shard, Start::After(0));
    store(&mut world, "1 standard", &[2]);
    world.pass(1);
    let no = world.deliveries(None)[0]["id"].as_str().unwrap().rsplit_once('_').unwrap().1.parse().unwrap();
    world.call(ShardRequest::Replay { no }, &[]);
    world.pass(1);
    broadcast(&mut world, &mut [&mut live]);
    let late = Client::opened(&mut world, Watches::Shard, Start::After(0));
    let told = live.messages.iter().chain(&late.messages).map(|message| message["type"].as_str().unwrap());
    assert!(told.clone().any(|kind| kind == "ready"));
    assert!(!told.into_iter().any(|kind| ["event", "replay"].contains(&kind)));
    let before = world.received.len();
    world.change(|settings| {
        settings.replays = vec![Replay {
            id: "rpl_1".to_owned(),
            endpoint: 1,
            all: true,
            until: Millis(1 << 52),
            ..Replay::default()
        }];
    });
    world.pass(60);
    assert_eq!(world.received.len(), before, "a range has no alerts");
}

#[test]
fn an_alert_is_pruned_recognised_for_30_days_and_then_forgotten() {
    let mut world = world();
    store(&mut world, "1 standard", &[2]);
    world.pass(60);
    world.sleep(49);
    assert_eq!(world.rows("SELECT LENGTH(body) FROM events"), [[Value::Int(0)]]);
    assert_eq!(world.rows("SELECT no FROM deliveries"), [[]; 0]);
    store(&mut world, "1 standard", &[2]);
    world.pass(60);
    assert_eq!(world.received.len(), 1, "it is not told again");
    world.now = world.now.plus_seconds(30 * DAY);
    store(&mut world, "2 standard", &[2]);
    assert_eq!(world.rows("SELECT seq FROM events"), [[Value::Int(2)]]);
    world.pass(60);
    world.send(&body("task_2", "queued"));
    assert_eq!(world.received.last().unwrap().body, body("task_2", "queued"));
}
