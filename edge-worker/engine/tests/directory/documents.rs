//! Stored documents: those of a former version stay readable, whatever fields are added.
//!
//! The documents here are former ones. They are never edited: what a later version adds is missing in them, as it is
//! in a deployed database. A field without a default makes these tests fail.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vtryon_gateway_engine::directory::alerts::{self, Alert, QueuedMessage};
use vtryon_gateway_engine::directory::{EndpointRecord, audit, rejections, replays, settings};
use vtryon_gateway_engine::protocol::AuditedRequest;
use vtryon_gateway_engine::protocol::directory::rejection::{Rejection, Sample};
use vtryon_gateway_engine::protocol::settings::{Replay, ReplayProgress, Settings};
use vtryon_gateway_engine::storage::database::Bind;

use crate::fixture::Fixture;

const ENDPOINT: &str = r#"{
    "endpoint": {
        "no": 7,
        "url": "https://shop.example/hook",
        "enabled": false,
        "order": "all",
        "statuses": ["completed"],
        "events": ["task.updated"],
        "include": ["unknown"],
        "secrets": [
            {"version": 2, "sealed": "ab01", "fingerprint": "0123abcd", "created_at": 1767225600000, "until": null},
            {"version": 1, "sealed": "cd02", "fingerprint": "4567cdef", "created_at": 1767225500000,
             "until": 1767312000000}
        ]
    },
    "description": "the shop",
    "created_at": 1767225500000,
    "updated_at": 1767225600000,
    "disabled": {"reason": "gone", "at": 1767225600000}
}"#;

/// An endpoint with all options that version 0.1 has.
const OPTIONS_OF_0_1: &str = r#"{
    "endpoint": {
        "no": 8,
        "url": "https://shop.example/hook",
        "enabled": true,
        "paused": true,
        "order": "latest",
        "statuses": [],
        "events": [],
        "include": ["quarantined"],
        "timeout_seconds": 20,
        "max_in_flight": 8,
        "attempts_per_second": 5,
        "secrets": [],
        "headers": [
            {"name": "authorization", "auth": "basic", "sealed": "ef03"},
            {"name": "x-api-key", "auth": null, "sealed": "0a04"}
        ]
    },
    "description": "",
    "created_at": 1767225500000,
    "updated_at": 1767225600000,
    "disabled": null
}"#;

const DESTINATION: &str = r#"{
    "endpoint": {
        "no": 9,
        "url": "https://ops.example/hook",
        "alerts": {"events": ["gateway.delivery_dead"], "format": "slack"}
    },
    "description": "operations"
}"#;

const ALERT: &str = r#"{
    "since": 1767225500000,
    "last_at": 1767225600000,
    "count": 3,
    "is_open": true,
    "has_unsent": true,
    "sent_at": 1767225550000,
    "close_pending": true,
    "details": {"host": "shop.example", "reason": "gone", "mistake": "m", "hint": "h", "expires_at": "e"}
}"#;

const MESSAGE: &str = r#"{
    "no": 4,
    "event": "gateway.delivery_dead",
    "parts": [{"format": "slack", "destinations": [9], "body": "{}"}]
}"#;

/// Requests of a former version that are in the audit trail, by each kind of actor.
const AUDITED: [&str; 4] = [
    r#"{"actor": {"kind": "root"}, "operation": "POST /api/endpoints", "address": null}"#,
    r#"{"actor": {"kind": "ticket_token"}, "operation": "POST /api/tickets", "address": null}"#,
    r#"{"actor": {"kind": "token", "id": "tok_00ff", "name": "ci"}, "operation": "POST /api/replays",
        "address": "192.0.2.1"}"#,
    r#"{"actor": {"kind": "access", "name": "somebody@shop.example"}, "operation": "DELETE /api/endpoints/{id}",
        "address": "192.0.2.1"}"#,
];

const REPLAY: &str =
    r#"{"id": "rpl_00ff", "endpoint": 7, "all": true, "from": 1767139200000, "until": 1767225600000}"#;

const SETTINGS: &str = r#"{
    "version": 12,
    "endpoints": [{
        "no": 9,
        "url": "https://ops.example/hook",
        "headers": [{"name": "x-api-key", "auth": null, "sealed": "0a04"}],
        "alerts": {"events": ["gateway.delivery_dead"], "format": "slack"}
    }, {
        "no": 7,
        "url": "https://shop.example/hook",
        "enabled": false,
        "order": "all",
        "statuses": ["completed"],
        "events": ["task.updated"],
        "include": ["unknown"],
        "secrets": [
            {"version": 2, "sealed": "ab01", "fingerprint": "0123abcd", "created_at": 1767225600000, "until": null}
        ]
    }],
    "deleted": [3],
    "replays": [
        {"id": "rpl_00ff", "endpoint": 7, "all": true, "from": 1767139200000, "until": 1767225600000}
    ]
}"#;

const SAMPLE: &str = r#"{
    "received_at": 1767225600000,
    "header": "00ff",
    "header_bytes": 4,
    "content_type": "application/json",
    "body": "7b7d",
    "body_bytes": 2
}"#;

const PROGRESS: &str = r#"{"matched": 5, "enqueued": 4, "delivered": 2, "failed": 1, "is_enqueued": true}"#;

#[test]
fn documents_of_a_former_version_are_read() {
    check::<EndpointRecord>(ENDPOINT);
    check::<EndpointRecord>(OPTIONS_OF_0_1);
    check::<EndpointRecord>(DESTINATION);
    check::<Alert>(ALERT);
    check::<QueuedMessage>(MESSAGE);
    check::<Replay>(REPLAY);
    check::<Settings>(SETTINGS);
    check::<Sample>(SAMPLE);
    check::<ReplayProgress>(PROGRESS);
    let rejection = format!(
        r#"{{"code": "signature_mismatch", "path": "/*", "count": 3, "first_at": 1, "last_at": 2,
             "first": {SAMPLE}, "last": {SAMPLE}}}"#
    );
    check::<Rejection>(&rejection);
    // Nobody can say who has made a request that names nobody, so nothing may be missing in these.
    for audited in AUDITED {
        check_whole::<AuditedRequest>(audited);
    }
}

/// Checks that a document is read with all that it says, and that each of its fields may be missing, also within.
fn check<T: Serialize + DeserializeOwned>(document: &str) {
    let name = std::any::type_name::<T>();
    let former = check_whole::<T>(document);
    let read = |value: &Value| serde_json::from_str::<T>(&value.to_string());
    for (path, shorter) in without_each_field(&former) {
        assert!(read(&shorter).is_ok(), "{name}: without {path} it is not read");
    }
    assert!(serde_json::from_str::<T>("{}").is_ok(), "{name}: without any field it is not read");
}

/// Checks that a document is read with all that it says.
fn check_whole<T: Serialize + DeserializeOwned>(document: &str) -> Value {
    let name = std::any::type_name::<T>();
    let former: Value = serde_json::from_str(document).unwrap();
    let read: T = serde_json::from_str(document).unwrap_or_else(|error| panic!("{name}: {error}"));
    let written = serde_json::to_value(read).unwrap();
    assert!(holds(&written, &former), "{name}: {former} became {written}");
    former
}

/// Returns whether a value has all that a former one has.
fn holds(value: &Value, former: &Value) -> bool {
    match (value, former) {
        (Value::Object(value), Value::Object(former)) => {
            former.iter().all(|(name, former)| value.get(name).is_some_and(|value| holds(value, former)))
        }
        (Value::Array(value), Value::Array(former)) => {
            value.len() == former.len()
                && value.iter().zip(former).all(|(value, former)| holds(value, former))
        }
        (value, former) => value == former,
    }
}

/// Returns a document without each of its fields, with the field's place.
fn without_each_field(document: &Value) -> Vec<(String, Value)> {
    let mut shorter = Vec::new();
    let places: Vec<String> = match document {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|place| place.to_string()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for place in places {
        let pointer = format!("/{place}");
        let mut copy = document.clone();
        for (path, value) in without_each_field(document.pointer(&pointer).unwrap()) {
            let mut copy = document.clone();
            *copy.pointer_mut(&pointer).unwrap() = value;
            shorter.push((format!("{place}.{path}"), copy));
        }
        if let Value::Object(fields) = &mut copy {
            fields.remove(&place);
            shorter.push((place, copy));
        }
    }
    shorter
}

#[test]
fn each_field_is_removed_in_turn() {
    let document = serde_json::json!({ "a": 1, "b": { "c": 2 }, "d": [{ "e": 3 }] });
    let paths: Vec<_> = without_each_field(&document).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["a", "b.c", "b", "d.0.e", "d"]);
}

#[test]
fn rows_of_a_former_version_are_shown_changed_and_pushed() {
    let fixture = Fixture::new();
    let (db, own) = (fixture.db(), fixture.sqlite());
    own.run("INSERT INTO endpoints (no, doc) VALUES (7, ?)", &[Bind::Text(ENDPOINT)]).unwrap();
    let replay = "INSERT INTO replays (id, request, doc, created_at) VALUES ('rpl_00ff', '', ?, 1)";
    own.run(replay, &[Bind::Text(REPLAY)]).unwrap();
    let cause = "INSERT INTO rejections (code, path, count, first_at, last_at, first_sample, last_sample)
        VALUES ('signature_mismatch', '/*', 1, 1, 2, ?1, ?1)";
    own.run(cause, &[Bind::Text(SAMPLE)]).unwrap();
    let alert = "INSERT INTO alerts (cause, endpoint, doc) VALUES ('delivery_dead', 7, ?)";
    own.run(alert, &[Bind::Text(ALERT)]).unwrap();
    own.run("INSERT INTO alert_messages (no, doc) VALUES (4, ?)", &[Bind::Text(MESSAGE)]).unwrap();
    for audited in AUDITED {
        let row = "INSERT INTO audit (at, target, doc) VALUES (1, 'ep_7', ?)";
        own.run(row, &[Bind::Text(audited)]).unwrap();
    }

    let shown = serde_json::to_value(fixture.find(7).view(fixture.now, None)).unwrap();
    assert_eq!((&shown["id"], &shown["disabled"]["reason"]), (&"ep_7".into(), &"gone".into()));
    let records = serde_json::to_value(audit::page(db, None, 9).ok()).unwrap();
    assert_eq!(records["records"].as_array().map(Vec::len), Some(AUDITED.len()));
    let shown = serde_json::to_value(alerts::list(&fixture.context()).unwrap()).unwrap();
    assert_eq!((&shown[0]["count"], &shown[0]["host"]), (&3.into(), &"shop.example".into()));
    assert_eq!(alerts::queue(&fixture.context()).unwrap()[0].parts[0].destinations, [9]);
    assert_eq!(fixture.change(7, r#"{"enabled":true}"#).unwrap().description, "the shop");
    let pushed = settings::current(&fixture.context()).unwrap();
    assert_eq!(pushed.endpoint(7).map(|endpoint| endpoint.secrets.len()), Some(2));
    assert_eq!(pushed.replays, [replays::find(db, "rpl_00ff").unwrap()]);
    let causes = rejections::all(db).unwrap();
    assert!(rejections::are_diagnosable(&causes));
}

/// An endpoint that was stored before an option existed has the option's value of a new endpoint.
#[test]
fn a_missing_option_is_that_of_a_new_endpoint() {
    let former: EndpointRecord = serde_json::from_str(r#"{"endpoint": {"no": 7}}"#).unwrap();
    let new = EndpointRecord::default();
    let options = |record: &EndpointRecord| serde_json::to_value(&record.endpoint.options).unwrap();
    assert_eq!(options(&former), options(&new));
    assert_eq!(options(&new)["enabled"], true);
    assert_eq!(options(&new)["order"], "latest");
}
