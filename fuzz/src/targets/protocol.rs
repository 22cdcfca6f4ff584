//! Messages between the Worker, the shards and the directory, and those of live clients: any text as each of them.
//!
//! While a deployment rolls out, a message may come from another version. So whatever can be read is read again as it
//! was written, with fields that a newer version might add, and without those that an older version did not have.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;
use vtryon_gateway_engine::directory::EndpointRecord;
use vtryon_gateway_engine::json;
use vtryon_gateway_engine::protocol::delivery::{AttemptReport, Dispatch};
use vtryon_gateway_engine::protocol::live::{Subscription, acknowledged};
use vtryon_gateway_engine::protocol::metrics::Counts;
use vtryon_gateway_engine::protocol::rejection::Rejection;
use vtryon_gateway_engine::protocol::settings::{ReplayProgress, Settings};
use vtryon_gateway_engine::protocol::stats::Stats;
use vtryon_gateway_engine::protocol::{
    Call, DirectoryCall, EndpointHealth, IncomingEvent, Page, StoreResult,
};
use vtryon_gateway_engine::shard::Subscriber;
use vtryon_webhooks::{Digest, Event, Millis, Secret, Signature, Verifier};

use crate::json::Members;

/// How long an acknowledgement may be.
const LONGEST: usize = 1024;

/// The fields that have a default, so that a message without them can be read.
const ADDED_LATER: [&str; 16] = [
    "key",
    "url",
    "secrets",
    "webhook_id",
    "outcome",
    "timeout_seconds",
    "answer",
    "previous_secret",
    "bodies",
    "items",
    "dispatches",
    "body",
    "own_origin",
    "caught_up",
    "order",
    "leased_until",
];

/// The requests that are an object with one member, whose name says which it is.
const VARIANTS: [&str; 36] = [
    "store_event",
    "task",
    "result",
    "tasks",
    "quarantine",
    "configure",
    "report_attempts",
    "delivery",
    "deliveries",
    "replay",
    "progress",
    "health",
    "stats",
    "subscribe",
    "status",
    "other",
    "unreadable",
    "create",
    "get",
    "change",
    "delete",
    "rotate",
    "retire",
    "report_unhealthy",
    "report_rejections",
    "purge_secret",
    "state",
    "after",
    "since",
    "now",
    "shard",
    "topology",
    "verify_shard_count",
    "metrics",
    "sweep",
    "list",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let requests = [
        r#"{"store_event":{"received_at":1,"key":"8aee3df6","content":{"status":{"task_id":"t","status":"completed","result_url":"https://cdn.example/1.jpg","failure":null}},"target_endpoint":1,"last_commit_ms":5}}"#,
        r#"{"store_event":{"received_at":1,"content":{"unreadable":{"code":"invalid_json","message":"m"}},"target_endpoint":null,"last_commit_ms":null}}"#,
        r#"{"tasks":{"before":7,"status":"queued","stalled":1,"limit":50}}"#,
        r#"{"deliveries":{"before":null,"endpoint":1,"state":"dead","task_id":"t","digest":null,"limit":1}}"#,
        r#"{"configure":{"version":3,"endpoints":[{"no":1,"url":"https://shop.example/","enabled":true,"order":"all","statuses":["completed"],"events":[],"include":["unknown"],"timeout_seconds":10,"max_in_flight":8,"attempts_per_second":null,"secrets":[{"version":1,"sealed":"s","fingerprint":"8aee3df6","created_at":1,"until":null}]}],"deleted":[2],"replays":[{"id":"rpl_1","endpoint":1,"all":true,"from":0,"until":9}]}}"#,
        r#"{"subscribe":{"subject":{"state":{"task_id":"t"}},"start":{"after":5},"bodies":true,"until":9,"send_window":65536}}"#,
        r#"{"subscribe":{"subject":"shard","start":{"since":5},"until":null,"send_window":1}}"#,
        r#""metrics""#,
    ];
    let mut seeds: Vec<Vec<u8>> = requests
        .map(|request| format!(r#"{{"shard":0,"shards":4,"request":{request}}}"#).into_bytes())
        .to_vec();
    let report = r#"{"delivery":65537,"replay_count":0,"attempt":1,"leased_until":20,"made":{"attempted_at":1,"took_ms":5,"status":503,"error":null,"answer":"a","location_host":null,"retry_after_ms":1000,"previous_secret":false}}"#;
    seeds.push(
        format!(r#"{{"shard":0,"shards":4,"reports":[{report}],"request":"report_attempts"}}"#).into_bytes(),
    );
    let others = [
        r#"{"request":{"create":{"body":"{\"url\":\"https://shop.example/\"}","own_origin":"https://gateway.example"}},"audited":{"actor":{"kind":"token","id":"tok_1","name":"ci"},"operation":"POST /api/endpoints","address":null}}"#,
        r#"{"request":{"report_rejections":{"rejections":[{"code":"signature_mismatch","path":"/webhooks/vtryon","count":3,"first_at":1,"last_at":2,"first":{"received_at":1,"header":"ab","header_bytes":2,"content_type":null,"body":"7b7d","body_bytes":2},"last":null}]}},"audited":null}"#,
        r#"{"dispatches":[{"delivery":65537,"url":"https://shop.example/","secrets":[],"webhook_id":"evt_1","outcome":"applied","replay_count":0,"attempt":1,"begin_before":9,"leased_until":20,"timeout_seconds":10}]}"#,
        r#"{"items":[{"no":7,"at":1,"view":{"task_id":"t"}}],"next":7}"#,
        r#"{"subject":{"task":{"task_id":"t"}},"bodies":true,"until":9,"at":5,"floor":0,"send_window":65536,"caught_up":true,"ready_sent":true,"sent":[[5,100]],"waiting":0,"silent_since":1}"#,
        r#"{"events":5,"open_tasks":1,"quarantined":0,"pending":1,"dead":0,"oldest_due":5}"#,
        r#"{"type":"ack","id":"1.4.0_7"}"#,
        r#"{"event":"generation.status_changed","task_id":"task_1","status":"completed","data":{"result_url":"https://cdn.example/1.jpg"}}"#,
    ];
    seeds.extend(others.map(Into::into));
    seeds
}

pub(crate) fn check(input: &[u8]) {
    incoming(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    ack(text);
    let _ = Call::from_url(text);
    if let Some(call) = message::<Call>(text) {
        let url = call.to_url();
        assert!(Url::parse(&url).is_ok_and(|read| read.as_str() == url));
        assert_eq!(json::to_string(&Call::from_url(&url).unwrap()), json::to_string(&call));
    }
    message::<DirectoryCall>(text);
    message::<IncomingEvent>(text);
    message::<StoreResult>(text);
    message::<Dispatch>(text);
    message::<AttemptReport>(text);
    message::<Settings>(text);
    message::<EndpointRecord>(text);
    message::<Subscription>(text);
    message::<Subscriber>(text);
    message::<ReplayProgress>(text);
    message::<EndpointHealth>(text);
    message::<Counts>(text);
    message::<Stats>(text);
    message::<Vec<Rejection>>(text);
    page(text);
}

/// Reads a text as a message; it is then read again from what this version, a newer and an older one would write.
fn message<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    let read: T = json::read(text).ok()?;
    let written = json::to_string(&read);
    let again = |text: &str| json::to_string(&json::read::<T>(text).unwrap());
    assert_eq!(again(&written), written);
    let value: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(again(&newer(value.clone()).to_string()), written, "with a field of a newer version");
    let older = older(value).to_string();
    assert_eq!(again(&again(&older)), again(&older), "without the fields that were added later");
    Some(read)
}

/// A page of a listing: its items are passed on as they are.
fn page(text: &str) {
    let Ok(page) = json::read::<Page>(text) else { return };
    let again: Page = json::read(&json::to_string(&page)).unwrap();
    let views = |page: &Page| page.items.iter().map(|item| item.view.get().to_owned()).collect::<Vec<_>>();
    assert_eq!((views(&again), again.next), (views(&page), page.next));
}

/// Adds a field to every object that is a structure.
fn newer(value: Value) -> Value {
    map(value, &|members| {
        let is_variant = members.len() == 1 && members.keys().all(|name| VARIANTS.contains(&name.as_str()));
        if !is_variant {
            members.insert("from_a_newer_version".to_owned(), serde_json::json!({ "a": [1, null] }));
        }
    })
}

fn older(value: Value) -> Value {
    map(value, &|members| members.retain(|name, _| !ADDED_LATER.contains(&name.as_str())))
}

/// Changes every object, the innermost first.
fn map(value: Value, change: &dyn Fn(&mut Map<String, Value>)) -> Value {
    match value {
        Value::Object(members) => {
            let changed = members.into_iter().map(|(name, value)| (name, map(value, change)));
            let mut members: Map<String, Value> = changed.collect();
            change(&mut members);
            members.into()
        }
        Value::Array(elements) => elements.into_iter().map(|element| map(element, change)).collect(),
        other => other,
    }
}

/// A message of a client is an acknowledgement, or nothing.
fn ack(text: &str) {
    let members = Members::read(text).filter(|_| text.len() <= LONGEST);
    let once = |name: &str| {
        let members = members.as_ref()?;
        let names = members.names()?;
        let is_once = names.iter().all(|name| members.all(name).len() == 1);
        serde_json::from_str::<String>(members.all(name).first()?).ok().filter(|_| is_once)
    };
    let id = once("type").filter(|kind| kind == "ack").and_then(|_| once("id"));
    assert_eq!(acknowledged(text, LONGEST), id);
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
    assert_eq!(json::to_string(&message::<IncomingEvent>(&written).unwrap()), written);
}
