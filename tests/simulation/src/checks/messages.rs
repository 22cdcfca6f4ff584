//! What live messages say: it has to be what is stored.

use base64ct::{Base64, Encoding};
use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::delivery::{delivery_id, parse_delivery_id, seq_of};
use vtryon_gateway_engine::text::time;
use vtryon_webhooks::{Digest, Signature};

use crate::model::log::Entry;
use crate::model::oracle::KnownTask;
use crate::violation::ensure;
use crate::world::World;

/// How many tasks a snapshot has at most.
const SNAPSHOT: usize = 50;

/// Checks a message of the stream of a shard or of a task.
pub fn of_stream_message(world: &World, shard: usize, message: &Json, bodies: bool) {
    let is_here = message["shard"].as_u64() == Some(shard as u64);
    ensure!(is_here, "a message names its shard", "{message}");
    match message["type"].as_str().unwrap_or_default() {
        "event" | "replay" => of_entry(world, shard, message, bodies),
        "erased" => of_erasure(world, shard, message),
        "snapshot" => of_snapshot(world, shard, message),
        "delivery" => of_attempt(world, shard, message),
        "gap" => {
            let pruned_to = world.shards[shard].log.pruned_to;
            let (from, to) = (message["from"].as_i64(), message["to"].as_i64());
            ensure!(
                from <= to && to <= Some(pruned_to),
                "a gap is what was pruned",
                "{message}, {pruned_to}"
            );
        }
        kind => ensure!(kind == "ready", "a message is of a known kind", "{message}"),
    }
}

fn of_entry(world: &World, shard: usize, message: &Json, bodies: bool) {
    let log = &world.shards[shard].log;
    let seq = message["seq"].as_i64().unwrap_or_default();
    let Some(entry) = log.entries.get(&seq) else { return };
    let of = entry.delivery.map_or(seq, seq_of);
    let Some(event) = log.entries.get(&of) else { return };
    let delivery = entry.delivery.map(|no| delivery_id(shard as u32, no));
    let text = |name: &str| message[name].as_str();
    let received_at = text("received_at").and_then(time::parse_rfc3339);
    let identity = text("webhook_id").and_then(|id| world.identities.get(id));
    let is_same = text("delivery") == delivery.as_deref()
        && message["of"].as_i64() == entry.delivery.map(seq_of)
        && text("task_id") == event.task_id.as_deref()
        && text("status") == event.status.as_deref()
        && text("outcome") == Some(&*event.outcome)
        && received_at == Some(event.received_at)
        && identity.is_none_or(|identity| *identity == format!("{shard} {}", event.identity(of)));
    ensure!(is_same, "a live message says what is stored", "{message}");
    of_body(world, event, message, bodies);
    if let Some(task_id) = &event.task_id {
        of_task(world, shard, task_id, &message["task"], false);
    }
}

/// An event carries its body and a signature that verifies, where that was asked for.
fn of_body(world: &World, event: &Entry, message: &Json, bodies: bool) {
    let body = message["body"].as_str();
    let expected = bodies.then(|| Base64::encode_string(&event.body));
    ensure!(
        body == expected.as_deref(),
        "a live event carries its body where that is asked for",
        "{message}"
    );
    let signature = message["signature"].as_str();
    let parsed = signature.and_then(|hex| Signature::parse(hex.as_bytes()).ok());
    let verifies = |signature| world.deployment.verifier.verify(&event.body, &signature).is_ok();
    let is_right = if bodies { parsed.is_some_and(verifies) } else { signature.is_none() };
    ensure!(is_right, "a live event carries a signature that verifies", "{message}");
}

fn of_erasure(world: &World, shard: usize, message: &Json) {
    let digest = message["task_digest"].as_str().unwrap_or_default();
    let mut erased = world.shards[shard].oracle.tasks.iter().filter(|(_, task)| task.is_erased);
    let is_known = erased.any(|(task_id, _)| Digest::of(task_id.as_bytes()).to_hex() == digest);
    ensure!(is_known, "only what was erased is said to be", "{message}");
}

fn of_snapshot(world: &World, shard: usize, message: &Json) {
    let tasks = &world.shards[shard].oracle.tasks;
    let Some(listed) = message["tasks"].as_array() else {
        let Some(task_id) = message["task"]["task_id"].as_str() else { return };
        return of_task(world, shard, task_id, &message["task"], false);
    };
    let is_shown = |task: &&KnownTask| !task.is_pruned && (!task.is_erased || task.is_left);
    let shown = tasks.values().filter(is_shown).count();
    ensure!(
        listed.len() == shown.min(SNAPSHOT),
        "a snapshot has the latest tasks",
        "{} instead of {shown}",
        listed.len()
    );
    for task in listed {
        of_task(world, shard, task["task_id"].as_str().unwrap_or_default(), task, true);
    }
}

/// Compares what is shown of a task with what is known of it. In a listing it has no result.
fn of_task(world: &World, shard: usize, task_id: &str, shown: &Json, is_listed: bool) {
    let Some(task) = world.shards[shard].oracle.tasks.get(task_id) else { return };
    if shown.is_null() || task.is_erased {
        return;
    }
    ensure!(
        shown["status"].as_str() == task.shown_status(),
        "a live message says what is stored",
        "{shown}, not {:?}",
        task.status
    );
    let ending = task.ending.as_ref().filter(|_| !is_listed);
    let is_of_ending = shown["result_url"].as_str() == ending.and_then(|ending| ending.result_url.as_deref())
        && shown["failure"]["message"].as_str() == ending.and_then(|ending| ending.failure.as_deref());
    ensure!(is_of_ending, "a live message says what is stored", "{shown}, not {ending:?}");
}

/// Checks the state of a task, as the holder of a ticket receives it.
pub fn of_state(world: &World, shard: usize, task_id: &str, shown: &Json) {
    let none = KnownTask::default();
    let known = world.shards[shard].oracle.tasks.get(task_id);
    if known.is_some_and(|task| task.is_left) {
        // Its erasure was imported, and the alarm has not erased its rows yet.
        return;
    }
    // Of a task that was erased nothing is known once its tombstone was dropped.
    let task = known.filter(|task| !task.is_erased).unwrap_or(&none);
    let (status, ending) = (task.shown_status(), task.ending.as_ref());
    let is_same = shown["task_id"].as_str() == Some(task_id)
        && shown["status"].as_str() == status
        && shown["result_url"].as_str() == ending.and_then(|ending| ending.result_url.as_deref())
        && shown["failure"]["message"].as_str() == ending.and_then(|ending| ending.failure.as_deref());
    ensure!(is_same, "a page receives what is stored", "{shown}, not {status:?}, {ending:?}");
}

/// An attempt has made of its delivery what the message says.
fn of_attempt(world: &World, shard: usize, message: &Json) {
    let (object, state) = (&world.shards[shard], message["state"].as_str().unwrap_or_default());
    let named = message["delivery"].as_str().and_then(parse_delivery_id);
    let no = named.filter(|(of, _)| *of as usize == shard).map_or(0, |(_, no)| no);
    let entry = object.log.entries.get(&seq_of(no));
    let is_of_task = entry.is_some_and(|entry| entry.task_id.as_deref() == message["task_id"].as_str());
    let had_state = object.ledger.states.get(&no).is_some_and(|states| states.contains(state));
    let may_have_had = had_state || object.ledger.replayed_at_once.contains(&no);
    ensure!(is_of_task && may_have_had, "a live message says what is stored", "{message}");
}
