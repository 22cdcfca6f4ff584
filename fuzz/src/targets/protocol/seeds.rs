//! A message of each kind, in full.

use serde::de::DeserializeOwned;
use vtryon_gateway_engine::protocol::delivery::{AttemptReport, Dispatch};
use vtryon_gateway_engine::protocol::live::Subscription;
use vtryon_gateway_engine::protocol::{
    Call, DirectoryCall, DirectoryRequest, IncomingEvent, ShardRequest, StoreResult,
};
use vtryon_gateway_engine::shard::Subscriber;
use vtryon_gateway_engine::text::json;

use crate::variants::variants;

const SHARD_REQUESTS: &[&str] = &[
    r#"{"store_event":{"received_at":1,"key":"8aee3df6","content":{"status":{"task_id":"t","status":"completed","result_url":"https://cdn.example/1.jpg","failure":null}},"target_endpoint":1,"last_commit_ms":5,"imported_at":null}}"#,
    r#"{"store_event":{"received_at":1,"key":"k","content":{"unreadable":{"code":"invalid_json","message":"m"}},"target_endpoint":null,"last_commit_ms":null}}"#,
    r#"{"import":[{"event":{"event":{"received_at":1,"key":"k","content":{"other":{"task_id":"t","name":"gateway.test"}},"target_endpoint":null,"last_commit_ms":null,"imported_at":9},"length":2}},{"erasure":{"task_digest":"ab","erased_at":5}}]}"#,
    r#"{"store_alert":{"id":"1 slack","name":"gateway.endpoint_failing","destinations":[2],"is_test":true}}"#,
    r#"{"task":{"task_id":"t"}}"#,
    r#"{"result":{"task_id":"t"}}"#,
    r#"{"tasks":{"before":7,"filter":{"status":"queued","stalled":1,"since":1,"until":9,"prefix":"t"},"limit":50}}"#,
    r#"{"quarantine":{"before":7,"limit":50}}"#,
    r#""topology""#,
    r#""verify_shard_count""#,
    r#""anchor""#,
    r#""verify_anchor""#,
    r#"{"configure":{"version":3,"endpoints":[{"no":1,"url":"https://shop.example/","enabled":true,"paused":true,"order":"all","statuses":["completed"],"events":["a.b"],"include":["unknown"],"timeout_seconds":10,"max_in_flight":8,"attempts_per_second":2,"secrets":[{"version":1,"sealed":"s","fingerprint":"8aee3df6","created_at":1,"until":9}],"headers":[{"name":"authorization","auth":"basic","sealed":"s"}]},{"no":2,"url":"https://ops.example/","alerts":{"events":["gateway.endpoint_failing"],"format":"slack"}}],"deleted":[3],"replays":[{"id":"rpl_1","endpoint":1,"all":true,"from":0,"until":9,"is_cancelled":true}]}}"#,
    r#""report_attempts""#,
    r#"{"delivery":{"no":65537}}"#,
    r#"{"delivery_body":{"no":65537}}"#,
    r#"{"deliveries":{"before":7,"endpoint":1,"state":"dead","task_id":"t","digest":"ab","limit":1}}"#,
    r#"{"erase":{"task_id":"t"}}"#,
    r#"{"replay":{"no":65537}}"#,
    r#"{"count_range":{"id":"rpl_1","endpoint":1,"all":true,"from":0,"until":9,"is_cancelled":false}}"#,
    r#"{"progress":{"id":"rpl_1"}}"#,
    r#"{"health":{"endpoint":1}}"#,
    r#""metrics""#,
    r#""sweep""#,
    r#"{"stats":{"from":1,"endpoint":1}}"#,
    r#"{"subscribe":{"subject":{"state":{"task_id":"t"}},"start":{"after":5},"bodies":true,"until":9,"send_window":65536}}"#,
    r#"{"subscribe":{"subject":"shard","start":{"since":5},"until":null,"send_window":1}}"#,
    r#"{"subscribe":{"subject":{"task":{"task_id":"t"}},"start":"now","until":null,"send_window":1}}"#,
];

const DIRECTORY_REQUESTS: &[&str] = &[
    r#"{"create":{"kind":"alerts","input":{"body":"{\"url\":\"https://shop.example/\"}","own_origin":"https://gateway.example"}}}"#,
    r#"{"list":{"kind":"tasks"}}"#,
    r#"{"get":{"kind":"tasks","endpoint":1}}"#,
    r#"{"change":{"kind":"alerts","endpoint":1,"change":{"body":"{}","own_origin":"https://gateway.example"}}}"#,
    r#"{"delete":{"kind":"tasks","endpoint":1}}"#,
    r#"{"rotate":{"kind":"tasks","endpoint":1,"input":"{}"}}"#,
    r#"{"retire":{"kind":"tasks","endpoint":1}}"#,
    r#"{"report_conditions":{"settings_version":4,"conditions":[{"kind":"endpoint_down","endpoint":1,"count":2,"at":5}]}}"#,
    r#"{"report_unhealthy":{"endpoint":1,"reason":"gone","settings_version":3}}"#,
    r#"{"replay":{"input":"{}","key":"k"}}"#,
    r#"{"progress":{"id":"rpl_1"}}"#,
    r#"{"cancel_replay":{"id":"rpl_1"}}"#,
    r#"{"report_rejections":{"rejections":[{"code":"signature_mismatch","path":"/webhooks/vtryon","count":3,"first_at":1,"last_at":2,"first":{"received_at":1,"header":"ab","header_bytes":2,"content_type":null,"body":"7b7d","body_bytes":2},"last":null}]}}"#,
    r#""rejections""#,
    r#""rejection_totals""#,
    r#""secrets""#,
    r#"{"purge_secret":{"fingerprint":"8aee3df6"}}"#,
    r#"{"create_token":{"input":"{\"name\":\"ci\",\"scope\":\"read\"}"}}"#,
    r#""tokens""#,
    r#"{"revoke_token":{"id":"tok_1"}}"#,
    r#"{"find_token":{"id":"tok_1"}}"#,
    r#"{"audit":{"cursor":"7","limit":50}}"#,
    r#"{"record_change":{"target":"dlv_0_65537"}}"#,
    r#""record_import""#,
    r#"{"sweep":{"has_stalled":true,"is_nearly_full":false,"oldest_settings":1,"newest_settings":2}}"#,
];

/// Who makes an audited request.
const ACTORS: [&str; 4] = [
    r#"{"kind":"root"}"#,
    r#"{"kind":"ticket_token"}"#,
    r#"{"kind":"token","id":"tok_1","name":"ci"}"#,
    r#"{"kind":"access","name":"somebody@shop.example"}"#,
];

const CONTENTS: [&str; 3] = [
    r#"{"status":{"task_id":"t","status":"failed","result_url":null,"failure":"f"}}"#,
    r#"{"other":{"task_id":"t","name":"gateway.test"}}"#,
    r#"{"unreadable":{"code":"invalid_json","message":"m"}}"#,
];

const SUBSCRIPTION: &str =
    r#"{"subject":{"state":{"task_id":"t"}},"start":"now","bodies":true,"until":9,"send_window":65536}"#;

const REPORT: &str = r#"{"delivery":65537,"replay_count":0,"attempt":1,"leased_until":20,"settings_version":3,"made":{"attempted_at":1,"took_ms":5,"status":302,"error":"timeout","answer":"a","location_host":"shop.example","is_aborted":true,"retry_after_ms":1000,"previous_secret":true}}"#;

const DISPATCH: &str = r#"{"delivery":65537,"url":"https://shop.example/","secrets":[{"version":1,"sealed":"s","fingerprint":"8aee3df6","created_at":1,"until":null}],"headers":[{"name":"x-key","auth":null,"sealed":"s"}],"webhook_id":"evt_1","outcome":"applied","replay_count":0,"attempt":1,"begin_before":9,"leased_until":20,"options":{"timeout_seconds":10},"settings_version":3}"#;

const SUBSCRIBER: &str = r#"{"subject":{"task":{"task_id":"t"}},"bodies":true,"until":9,"at":5,"floor":0,"send_window":65536,"caught_up":true,"ready_sent":true,"sent":[[5,100]],"waiting":0,"silent_since":1}"#;

/// Answers, and what clients and Vtryon send.
const OTHERS: [&str; 6] = [
    r#"{"items":[{"no":7,"at":1,"view":{"task_id":"t"}}],"next":7}"#,
    r#"{"failing_since":1,"succeeded_at":2,"consecutive_410":3}"#,
    r#"{"matched":3,"enqueued":2,"delivered":1,"failed":1,"is_enqueued":true}"#,
    r#"{"has_stalled":true,"storage_percent":80,"settings_version":3}"#,
    r#"{"type":"ack","id":"1.4.0_7"}"#,
    r#"{"event":"generation.status_changed","task_id":"task_1","status":"completed","data":{"result_url":"https://cdn.example/1.jpg"}}"#,
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    assert_complete(SHARD_REQUESTS, variants::<ShardRequest>());
    assert_complete(DIRECTORY_REQUESTS, variants::<DirectoryRequest>());
    let mut seeds = Vec::new();
    for request in SHARD_REQUESTS {
        let head = r#""shard":0,"shards":4,"placement":{"jurisdiction":1,"location_hint":2},"reports":"#;
        seeds.push(readable::<Call>(format!("{{{head}[{REPORT}],\"request\":{request}}}")));
    }
    for (request, actor) in DIRECTORY_REQUESTS.iter().zip(ACTORS.iter().cycle()) {
        let audited =
            format!(r#"{{"actor":{actor},"operation":"POST /api/endpoints","address":"192.0.2.1"}}"#);
        seeds.push(readable::<DirectoryCall>(format!(r#"{{"request":{request},"audited":{audited}}}"#)));
    }
    for content in CONTENTS {
        let head = r#""received_at":1,"key":"k","target_endpoint":1,"last_commit_ms":5,"imported_at":9"#;
        seeds.push(readable::<IncomingEvent>(format!("{{{head},\"content\":{content}}}")));
    }
    seeds.push(readable::<Subscription>(SUBSCRIPTION.to_owned()));
    seeds.push(readable::<AttemptReport>(REPORT.to_owned()));
    seeds.push(readable::<Dispatch>(DISPATCH.to_owned()));
    seeds.push(readable::<StoreResult>(format!(r#"{{"dispatches":[{DISPATCH}]}}"#)));
    seeds.push(readable::<Subscriber>(SUBSCRIBER.to_owned()));
    seeds.extend(OTHERS.map(Into::into));
    seeds
}

/// Panics where a variant has no request.
fn assert_complete(requests: &[&str], variants: &[&str]) {
    for name in variants {
        let (unit, other) = (format!("\"{name}\""), format!("{{\"{name}\":"));
        let is_there = requests.iter().any(|request| *request == unit || request.starts_with(&other));
        assert!(is_there, "there is no seed of the request `{name}`");
    }
}

/// Panics where a seed is no message: it would lead nowhere.
fn readable<T: DeserializeOwned>(seed: String) -> Vec<u8> {
    assert!(json::read::<T>(&seed).is_ok(), "{seed}");
    seed.into_bytes()
}
