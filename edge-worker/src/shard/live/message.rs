//! What viewers are told, as JSON. A message begins with its id, where it has one: the Worker looks for it there.

use base64ct::{Base64, Encoding};
use vtryon_webhooks::Signature;

use super::log::Entry;
use super::{Place, open};
use crate::clock;
use crate::config::Config;
use crate::json::{self, Raw, object};
use crate::shard::TaskShard;
use crate::shard::events::{self, Kept};
use crate::shard::queries::TaskView;
use crate::shard::retention::{self, PRUNED_TO, QUARANTINE_PRUNED_TO};
use crate::wire::delivery::{delivery_id, seq_of};

/// How many tasks a snapshot has.
const SNAPSHOT: u32 = 50;

/// What was stored, or is delivered once more.
struct Event<'a> {
    id: String,
    r#type: &'static str,
    shard: u32,
    seq: i64,
    /// Of a replay: the number of the event, and the delivery.
    of: Option<i64>,
    delivery: Option<String>,
    task_id: Option<&'a str>,
    event: Option<&'a str>,
    status: Option<&'a str>,
    outcome: &'a str,
    received_at: String,
    key: &'a str,
    webhook_id: String,
    /// How the task stands now, whatever it was at the time: so no message moves a view back.
    task: Option<TaskView>,
    /// The bytes as received, in base64, and the signature that Vtryon had sent with them.
    body: Option<String>,
    signature: Option<String>,
}

object!(write Event<'_> {
    id, r#type as "type", shard, seq, of?, delivery?, task_id, event, status, outcome, received_at,
    key, webhook_id, task, body?, signature?
});

/// How things stand where a stream begins: a shard's latest tasks, or the one task that it is about.
struct Snapshot {
    id: String,
    r#type: &'static str,
    shard: u32,
    shards: u32,
    tasks: Option<Vec<Raw>>,
    /// Null for a task that nothing was told of yet.
    task: Option<Option<TaskView>>,
}

object!(write Snapshot { id, r#type as "type", shard, shards, tasks?, task? });

struct Gap {
    id: String,
    r#type: &'static str,
    shard: u32,
    from: i64,
    to: i64,
}

object!(write Gap { id, r#type as "type", shard, from, to });

struct Ready {
    id: String,
    r#type: &'static str,
    shard: u32,
}

object!(write Ready { id, r#type as "type", shard });

/// A delivery that was attempted. It has no id: it is a hint, and nothing is resumed by it.
struct Hint<'a> {
    r#type: &'static str,
    shard: u32,
    delivery: String,
    task_id: Option<&'a str>,
    state: &'a str,
}

object!(write Hint<'_> { r#type as "type", shard, delivery, task_id, state });

impl TaskShard {
    /// Tells of an entry; of one that is no longer kept there is nothing to tell.
    pub(super) fn told(&self, entry: &Entry, bodies: bool) -> worker::Result<Option<String>> {
        let sql = self.state.storage().sql();
        let place = self.place()?;
        let Some(kept) = events::find(&sql, entry.of())? else { return Ok(None) };
        // What is emptied stays as a row, where it tells its repeats.
        let pruned_to = if kept.task_id.is_some() { PRUNED_TO } else { QUARANTINE_PRUNED_TO };
        if entry.of() <= retention::floor(&sql, pruned_to)? {
            return Ok(None);
        }
        let (body, signature) = if bodies { self.signed(entry.of(), &kept)? } else { (None, None) };
        let task = match &kept.task_id {
            Some(task_id) => self.task_state(task_id)?,
            None => None,
        };
        let event = Event {
            id: place.id(entry.seq),
            r#type: if entry.delivery.is_some() { "replay" } else { "event" },
            shard: place.shard,
            seq: entry.seq,
            of: entry.delivery.map(seq_of),
            delivery: entry.delivery.map(|no| delivery_id(place.shard, no)),
            task_id: kept.task_id.as_deref(),
            event: kept.event(),
            status: kept.status.as_deref(),
            outcome: &kept.outcome,
            received_at: clock::rfc3339(kept.received_at),
            key: &kept.key,
            webhook_id: kept.identity().webhook_id(),
            task,
            body,
            signature,
        };
        Ok(Some(json::to_string(&event)))
    }

    /// Returns a body in base64, and its signature by the secret that it came with. Where that is configured no
    /// more, by the current one: nobody could verify the former.
    fn signed(&self, seq: i64, kept: &Kept) -> worker::Result<(Option<String>, Option<String>)> {
        let body = events::body(&self.state.storage().sql(), seq)?.filter(|_| kept.is_whole);
        let Some(body) = body else { return Ok((None, None)) };
        let config = Config::current(&self.env).map_err(|_| worker::Error::from("not configured"))?;
        let keys = config.verifier.keys();
        let own = keys.iter().find(|key| key.fingerprint().to_string() == kept.key);
        let signature = own.or(keys.first()).map(|key| Signature::sign(key, &body).to_hex());
        Ok((Some(Base64::encode_string(&body)), signature))
    }

    /// Tells how a shard's tasks stand, or the one task that a stream is about.
    pub(super) fn snapshot(&self, place: Place, task_id: Option<&str>, at: i64) -> worker::Result<String> {
        let (tasks, task) = match task_id {
            None => {
                let page = self.tasks(None, None, None, SNAPSHOT)?;
                (Some(page.items.into_iter().map(|item| item.view).collect()), None)
            }
            Some(task_id) => {
                let view = self.task(task_id)?;
                (None, Some(view))
            }
        };
        let Place { shard, shards } = place;
        let snapshot = Snapshot { id: place.id(at), r#type: "snapshot", shard, shards, tasks, task };
        Ok(json::to_string(&snapshot))
    }

    /// Tells of a delivery that was attempted.
    pub(super) fn hint(&self, delivery: i64, task_id: Option<&str>, state: &str) -> worker::Result<String> {
        let shard = self.place()?.shard;
        let delivery = delivery_id(shard, delivery);
        Ok(json::to_string(&Hint { r#type: "delivery", shard, delivery, task_id, state }))
    }
}

/// Tells that something is no longer kept.
pub(super) fn gap(place: Place, gap: open::Gap) -> String {
    let open::Gap { from, to, after } = gap;
    let gap = Gap { id: place.id(after), r#type: "gap", shard: place.shard, from, to };
    json::to_string(&gap)
}

/// Tells that all that was stored before has been told.
pub(super) fn ready(place: Place, at: i64) -> String {
    json::to_string(&Ready { id: place.id(at), r#type: "ready", shard: place.shard })
}
