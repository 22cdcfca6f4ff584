//! Messages between the Worker, the shards and the directory, and those of live clients: any text as each of them.
//!
//! While a deployment rolls out, a message may come from another version. So whatever can be read is read again as it
//! was written, with fields that a newer version might add, and without those that an older version did not have.

mod seeds;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;
use vtryon_gateway_engine::directory::EndpointRecord;
use vtryon_gateway_engine::protocol::delivery::{AttemptReport, Dispatch};
use vtryon_gateway_engine::protocol::directory::rejection::Rejection;
use vtryon_gateway_engine::protocol::import::ImportedLine;
use vtryon_gateway_engine::protocol::live::{MAX_ACK_BYTES, Start, Subject, Subscription, acknowledged};
use vtryon_gateway_engine::protocol::metrics::Counts;
use vtryon_gateway_engine::protocol::settings::{RangeCount, ReplayProgress, Settings};
use vtryon_gateway_engine::protocol::stats::Stats;
use vtryon_gateway_engine::protocol::{
    Call, Content, DirectoryCall, DirectoryRequest, EndpointHealth, IncomingEvent, Page, ShardRequest,
    StoreResult, SweepFindings,
};
use vtryon_gateway_engine::shard::Subscriber;
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::{Digest, Event, Millis, Secret, Signature, Verifier};

pub(crate) use self::seeds::seeds;

use crate::json::Members;
use crate::variants::variants;

/// Messages that may come from another version.
const MESSAGES: &[Message] = &[
    Message {
        check: message::<Call>,
        required: &[
            "shard",
            "shards",
            "request",
            "reports.delivery",
            "reports.replay_count",
            "reports.attempt",
            "made.attempted_at",
            "made.took_ms",
            "store_event.received_at",
            "store_event.content",
            "event.received_at",
            "event.content",
            "event.event",
            "event.length",
            "erasure.task_digest",
            "erasure.erased_at",
            "task_id",
            "status.status",
            "other.name",
            "unreadable.code",
            "unreadable.message",
            "store_alert.id",
            "store_alert.name",
            "store_alert.destinations",
            "tasks.filter",
            "limit",
            "delivery.no",
            "delivery_body.no",
            "replay.no",
            "progress.id",
            "health.endpoint",
            "stats.from",
            "subscribe.subject",
            "subscribe.start",
            "subscribe.send_window",
        ],
    },
    Message {
        check: message::<DirectoryCall>,
        required: &[
            "request",
            "operation",
            "kind",
            "actor.name",
            "input",
            "input.body",
            "endpoint",
            "change.change",
            "change.body",
            "own_origin",
            "report_unhealthy.reason",
            "conditions.count",
            "conditions.at",
            "id",
            "fingerprint",
            "limit",
            "target",
        ],
    },
    Message {
        check: message::<IncomingEvent>,
        required: &["received_at", "content", "task_id", "status.status", "name", "code", "message"],
    },
    Message { check: message::<StoreResult>, required: DISPATCH },
    Message { check: message::<Dispatch>, required: DISPATCH },
    Message {
        check: message::<AttemptReport>,
        required: &["delivery", "replay_count", "attempt", "attempted_at", "took_ms"],
    },
    Message { check: message::<Settings>, required: &[] },
    Message { check: message::<EndpointRecord>, required: &[] },
    Message { check: message::<Subscription>, required: &["subject", "start", "send_window", "task_id"] },
    Message {
        check: message::<Subscriber>,
        required: &["subject", "task_id", "at", "floor", "send_window", "waiting", "silent_since"],
    },
    Message { check: message::<ReplayProgress>, required: &[] },
    Message { check: message::<RangeCount>, required: &[] },
    Message { check: message::<EndpointHealth>, required: &["consecutive_410"] },
    Message { check: message::<SweepFindings>, required: &[] },
    Message { check: message::<Counts>, required: &[] },
    Message { check: message::<Stats>, required: &[] },
    Message { check: message::<Vec<Rejection>>, required: &[] },
];

const DISPATCH: &[&str] = &["delivery", "replay_count", "attempt", "begin_before", "leased_until"];

struct Message {
    check: fn(&str, &[&str]),
    /// The fields that every version sends: those of any object, or with the name of the member that holds it. Whatever is
    /// added to a message has a default, and does not belong here.
    required: &'static [&'static str],
}

/// Requests and what they hold that is an object with one member, whose name says which it is.
static VARIANTS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let enums = [
        variants::<ShardRequest>(),
        variants::<DirectoryRequest>(),
        variants::<Content>(),
        variants::<ImportedLine>(),
        variants::<Subject>(),
        variants::<Start>(),
    ];
    enums.concat().into_iter().collect()
});

pub(crate) fn check(input: &[u8]) {
    incoming(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    ack(text);
    let _ = Call::from_url(text);
    call(text);
    for Message { check, required } in MESSAGES {
        check(text, required);
    }
    page(text);
}

/// A call that asks for a WebSocket is a URL.
fn call(text: &str) {
    let Ok(call) = json::read::<Call>(text) else { return };
    let url = call.to_url();
    assert!(Url::parse(&url).is_ok_and(|read| read.as_str() == url));
    assert_eq!(json::to_string(&Call::from_url(&url).unwrap()), json::to_string(&call));
}

/// Reads a text as a message; it is then read again from what this version, a newer and an older one would write.
fn message<T: Serialize + DeserializeOwned>(text: &str, required: &[&str]) {
    let Ok(read) = json::read::<T>(text) else { return };
    let written = json::to_string(&read);
    let again = |text: &str| {
        let read = json::read::<T>(text).unwrap_or_else(|_| panic!("can't be read: {text}"));
        json::to_string(&read)
    };
    assert_eq!(again(&written), written);
    let value: Value = serde_json::from_str(&written).unwrap();
    // Compared as values: what is passed on as it came keeps the order of its members.
    let of_newer: Value = serde_json::from_str(&again(&newer(value.clone()).to_string())).unwrap();
    assert_eq!(of_newer, value, "with a field of a newer version");
    for keeps_holders in [false, true] {
        let older = older(value.clone(), required, keeps_holders).to_string();
        assert_eq!(again(&again(&older)), again(&older), "without the fields that were added later");
    }
}

/// A page of a listing: its items are passed on as they are.
fn page(text: &str) {
    let Ok(page) = json::read::<Page>(text) else { return };
    let again: Page = json::read(&json::to_string(&page)).unwrap();
    let views = |page: &Page| page.items.iter().map(|item| item.view.get().to_owned()).collect::<Vec<_>>();
    assert_eq!((views(&again), again.next), (views(&page), page.next));
}

/// Returns whether an object says only which variant it is.
fn is_variant(members: &Map<String, Value>) -> bool {
    members.len() == 1 && members.keys().all(|name| VARIANTS.contains(name.as_str()))
}

/// Adds a field to every object that is a structure.
fn newer(value: Value) -> Value {
    map("", value, &|_, members| {
        members.insert("from_a_newer_version".to_owned(), serde_json::json!({ "a": [1, null] }));
    })
}

/// Removes every field that is not required, but perhaps not those that hold others: what is in them is required of them.
fn older(value: Value, required: &[&str], keeps_holders: bool) -> Value {
    let is_required = |holder: &str, name: &str| {
        required.iter().any(|field| match field.split_once('.') {
            Some(held) => held == (holder, name),
            None => *field == name,
        })
    };
    map("", value, &|holder, members| {
        members.retain(|name, value| {
            is_required(holder, name) || keeps_holders && (value.is_object() || value.is_array())
        });
    })
}

/// The member that holds settings. They are passed on as they came, and are a message of their own.
const OPAQUE: &str = "configure";

/// Changes every structure, the innermost first, by the name of the member that holds it.
fn map(holder: &str, value: Value, change: &dyn Fn(&str, &mut Map<String, Value>)) -> Value {
    match value {
        Value::Object(members) => {
            let changed = members.into_iter().map(|(name, value)| {
                let value = if name == OPAQUE { value } else { map(&name, value, change) };
                (name, value)
            });
            let mut members: Map<String, Value> = changed.collect();
            if !is_variant(&members) {
                change(holder, &mut members);
            }
            members.into()
        }
        Value::Array(elements) => elements.into_iter().map(|element| map(holder, element, change)).collect(),
        other => other,
    }
}

/// A message of a client is an acknowledgement, or nothing.
fn ack(text: &str) {
    let members = Members::read(text).filter(|_| text.len() <= MAX_ACK_BYTES);
    let once = |name: &str| {
        let members = members.as_ref()?;
        let names = members.names()?;
        let is_once = names.iter().all(|name| members.all(name).len() == 1);
        serde_json::from_str::<String>(members.all(name).first()?).ok().filter(|_| is_once)
    };
    let id = once("type").filter(|kind| kind == "ack").and_then(|_| once("id"));
    assert_eq!(acknowledged(text, MAX_ACK_BYTES), id);
}

/// Any signed body becomes a message to the shard of its task, or of its own digest.
fn incoming(body: &[u8]) {
    let key = Secret::new("s").unwrap().key();
    let verifier = Verifier::new([Secret::new("s").unwrap()]).unwrap();
    let Ok(verified) = verifier.verify(body, &Signature::sign(&key, body)) else { return };
    let (digest, event) = IncomingEvent::read(&verified, Millis(5));
    let parsed = Event::parse(&verified).ok();
    let task_id = parsed.as_ref().map(|event| event.task_id().as_str());
    assert_eq!(event.task_id(), task_id);
    assert!(digest == Digest::of(task_id.map_or(body, str::as_bytes)));
    let written = json::to_string(&event);
    assert_eq!(json::to_string(&json::read::<IncomingEvent>(&written).unwrap()), written);
}
