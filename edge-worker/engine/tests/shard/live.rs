//! Live streams: what a subscriber receives, and in which order.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::live::{SEND_WINDOW, Start, Subject, Subscription};
use vtryon_gateway_engine::shard::{Subscribed, Subscriber};

use crate::support::{World, endpoint};

/// Opens a stream; returns the subscriber and its first messages.
fn subscribe(world: &mut World, subject: Subject, start: Start) -> (Subscriber, Vec<Json>) {
    let until = Some(world.now.plus_seconds(3600));
    let subscription = Subscription { subject, start, bodies: false, until, send_window: SEND_WINDOW };
    let subscribed = world.decide(|shard, context| shard.subscribe(context, (0, 1), subscription));
    let Subscribed::Opened(opened) = subscribed.unwrap() else { panic!("not opened") };
    let messages = opened.outgoing.messages.iter().map(|text| serde_json::from_str(text).unwrap());
    (opened.subscriber, messages.collect())
}

fn types(messages: &[Json]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

#[test]
fn the_backlog_of_a_task_has_its_replays() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("task_1", "queued");
    world.event("task_2", "queued");
    world.event("task_1", "processing");
    for no in [65_537, 2 * 65_536 + 1] {
        world.call(ShardRequest::Replay { no }, &[]).unwrap();
    }
    let task = Subject::Task { task_id: "task_1".to_owned() };
    let (subscriber, messages) = subscribe(&mut world, task, Start::After(0));
    assert_eq!(types(&messages), ["event", "event", "replay", "ready"]);
    assert_eq!(messages[2]["of"], 1);
    assert!(subscriber.attachment().len() < 2048, "an attachment holds 2 KiB");
    let (_, messages) = subscribe(&mut world, Subject::Shard, Start::After(0));
    assert_eq!(types(&messages), ["event", "event", "event", "replay", "replay", "ready"]);
}
