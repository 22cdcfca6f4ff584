//! Messages to subscribers, as JSON.

use base64ct::{Base64, Encoding};
use serde::Serialize;
use serde_json::value::RawValue;
use vtryon_webhooks::Signature;

use crate::protocol::TaskFilter;
use crate::protocol::delivery::{delivery_id, seq_of};
use crate::protocol::live::MessageType;
use crate::shard::config::topology::ShardIndex;
use crate::shard::events::duplicates::Duplicates;
use crate::shard::events::{self, StoredEvent};
use crate::shard::queries::{self, TaskView};
use crate::shard::retention::erasure;
use crate::shard::sequence::{SequenceEntry, floors};
use crate::storage::database::Database;
use crate::text::{json, time};
use crate::{Context, Result};

/// How many tasks a snapshot has.
const SNAPSHOT: u32 = 50;

/// Entries that were pruned: the first and the last number.
pub(crate) struct Gap {
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// The position of a client that received the gap but not the snapshot: it receives both again.
    pub(crate) after: i64,
}

/// An event, or a replay of its delivery.
#[derive(Serialize)]
struct EventMessage<'a> {
    id: String,
    r#type: MessageType,
    shard: u32,
    seq: i64,
    /// Of a replay: the number of the event, and the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    task_id: Option<&'a str>,
    event: Option<&'a str>,
    status: Option<&'a str>,
    outcome: &'a str,
    received_at: String,
    /// Whether it comes from another deployment, which has delivered it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    imported: bool,
    key: &'a str,
    webhook_id: String,
    /// The state of the task now, not at the time of the event: so no message sets a client back.
    task: Option<TaskView>,
    /// The bytes as received, in base64, and their signature: see `signed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

/// A task was erased. Whoever has its id knows it by the digest.
#[derive(Serialize)]
struct ErasedMessage<'a> {
    id: String,
    r#type: MessageType,
    shard: u32,
    seq: i64,
    /// The SHA-256 of the task's id, in hex.
    task_digest: &'a str,
    erased_at: String,
}

/// The state where a stream begins: the latest tasks of a shard, or the one task that the stream is about.
#[derive(Serialize)]
struct SnapshotMessage {
    id: String,
    r#type: MessageType,
    shard: u32,
    shards: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Vec<Box<RawValue>>>,
    /// Null for a task without events.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<Option<TaskView>>,
}

#[derive(Serialize)]
struct GapMessage {
    id: String,
    r#type: MessageType,
    shard: u32,
    from: i64,
    to: i64,
}

#[derive(Serialize)]
struct ReadyMessage {
    id: String,
    r#type: MessageType,
    shard: u32,
}

/// A delivery was attempted. The message has no id: no stream is resumed by it.
#[derive(Serialize)]
struct AttemptMessage<'a> {
    r#type: MessageType,
    shard: u32,
    delivery: String,
    task_id: Option<&'a str>,
    state: &'a str,
}

/// Makes the message of an entry; `None` where it is pruned, and for an alert: streams tell of tasks.
pub(crate) fn entry(
    context: &Context<'_>,
    duplicates: &Duplicates,
    index: ShardIndex,
    entry: &SequenceEntry,
    bodies: bool,
) -> Result<Option<String>> {
    let db = context.db;
    if entry.is_erasure {
        return erased(db, index, entry.seq);
    }
    // A pruned row may remain without its body, to recognise duplicates.
    if entry.event_seq() <= floors::pruned(db)? {
        return Ok(None);
    }
    let Some(stored) = events::find(db, entry.event_seq())?.filter(|stored| !stored.is_alert()) else {
        return Ok(None);
    };
    let (body, signature) = if bodies { signed(context, entry.event_seq(), &stored)? } else { (None, None) };
    let task = match &stored.task_id {
        Some(task_id) => queries::task_state(db, duplicates, task_id)?,
        None => None,
    };
    let event = EventMessage {
        id: index.cursor(entry.seq),
        r#type: if entry.delivery.is_some() { MessageType::Replay } else { MessageType::Event },
        shard: index.shard,
        seq: entry.seq,
        of: entry.delivery.map(seq_of),
        delivery: entry.delivery.map(|no| delivery_id(index.shard, no)),
        task_id: stored.task_id.as_deref(),
        event: stored.event(),
        status: stored.status.as_deref(),
        outcome: &stored.outcome,
        received_at: time::rfc3339(stored.received_at),
        imported: entry.delivery.is_none() && stored.is_imported,
        key: &stored.key,
        webhook_id: stored.identity().webhook_id(),
        task,
        body,
        signature,
    };
    Ok(Some(json::to_string(&event)))
}

/// Makes the snapshot of the latest tasks, or of the one task that a stream is about.
pub(crate) fn snapshot(
    db: &dyn Database,
    duplicates: &Duplicates,
    index: ShardIndex,
    task_id: Option<&str>,
    at: i64,
) -> Result<String> {
    let (tasks, task) = match task_id {
        None => {
            let page = queries::tasks(db, duplicates, None, &TaskFilter::default(), SNAPSHOT)?;
            (Some(page.items.into_iter().map(|item| item.view).collect()), None)
        }
        Some(task_id) => {
            let view = queries::task(db, duplicates, task_id)?;
            (None, Some(view))
        }
    };
    let ShardIndex { shard, shards } = index;
    let snapshot =
        SnapshotMessage { id: index.cursor(at), r#type: MessageType::Snapshot, shard, shards, tasks, task };
    Ok(json::to_string(&snapshot))
}

/// Makes the message of an attempt.
pub(crate) fn attempt(shard: u32, delivery: i64, task_id: Option<&str>, state: &str) -> String {
    let delivery = delivery_id(shard, delivery);
    json::to_string(&AttemptMessage { r#type: MessageType::Delivery, shard, delivery, task_id, state })
}

/// Makes the message that a task was erased; `None` where its tombstone was dropped.
fn erased(db: &dyn Database, index: ShardIndex, seq: i64) -> Result<Option<String>> {
    let Some((digest, erased_at)) = erasure::find(db, seq)? else { return Ok(None) };
    Ok(Some(json::to_string(&ErasedMessage {
        id: index.cursor(seq),
        r#type: MessageType::Erased,
        shard: index.shard,
        seq,
        task_digest: &digest,
        erased_at: time::rfc3339(erased_at),
    })))
}

/// Makes the message that entries were pruned.
pub(crate) fn gap(index: ShardIndex, gap: Gap) -> String {
    let Gap { from, to, after } = gap;
    let gap = GapMessage { id: index.cursor(after), r#type: MessageType::Gap, shard: index.shard, from, to };
    json::to_string(&gap)
}

/// Makes the message `ready`: the backlog has been sent.
pub(crate) fn ready(index: ShardIndex, at: i64) -> String {
    json::to_string(&ReadyMessage { id: index.cursor(at), r#type: MessageType::Ready, shard: index.shard })
}

/// Returns a body in base64, and its signature by the secret that signed it. Where that is not configured any more, by
/// the current one: nobody could verify the former.
fn signed(context: &Context<'_>, seq: i64, stored: &StoredEvent) -> Result<(Option<String>, Option<String>)> {
    let body = events::body(context.db, seq)?.filter(|_| stored.is_whole);
    let Some(body) = body else { return Ok((None, None)) };
    let keys = context.deployment.verifier.keys();
    let own = keys.iter().find(|key| key.fingerprint().to_string() == stored.key);
    let signature = own.or(keys.first()).map(|key| Signature::sign(key, &body).to_hex());
    Ok((Some(Base64::encode_string(&body)), signature))
}
