//! The life of an endpoint.

mod credentials;
mod fields;

use serde_json::{Value, json};
use vtryon_gateway_engine::directory::endpoints::{self, Rotation};
use vtryon_gateway_engine::directory::settings::{self, Applied, SettingsChange};
use vtryon_gateway_engine::directory::{ChangedEndpoint, EndpointList, Unreadable};
use vtryon_gateway_engine::protocol::EndpointHealth;
use vtryon_gateway_engine::protocol::directory::conditions::UnhealthyEndpoint;
use vtryon_webhooks::{Code, Millis};

use crate::fixture::{DAY, Fixture, HOUR, START, assert_refused};

const SHOP: &str = r#"{"url":"https://shop.example/hook"}"#;

fn shown(fixture: &Fixture, no: i64) -> Value {
    serde_json::to_value(fixture.find(no).view(fixture.now, None)).unwrap()
}

/// Asserts that a view has these fields; a later version may show more options.
fn assert_shown(view: &Value, fields: &Value) {
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(&view[name], value, "{name}");
    }
}

#[test]
fn an_endpoint_is_shown_without_its_secrets() {
    let fixture = Fixture::new();
    let no = fixture.register(SHOP);
    let fingerprint = fixture.sealed(no, 1).fingerprint;
    let expected = json!({
        "id": "ep_1",
        "url": "https://shop.example/hook",
        "description": "",
        "enabled": true,
        "disabled": null,
        "order": "latest",
        "statuses": [],
        "events": [],
        "include": [],
        "secrets": [
            { "fingerprint": fingerprint, "created_at": "2026-01-01T00:00:00.000Z", "expires_at": null },
        ],
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "problem": null,
    });
    let record = fixture.find(no);
    let sealed = &record.endpoint.secrets[0].sealed;
    assert!(!shown(&fixture, no).to_string().contains(sealed.as_str()));
    assert_shown(&shown(&fixture, no), &expected);
    let unreadable = serde_json::to_value(record.view(START, Some(Unreadable::Secret))).unwrap();
    assert!(unreadable["problem"].as_str().unwrap().contains("GATEWAY_MASTER_KEY is not the key"));

    let applied = Applied { applied: 3, shards: 4 };
    let changed = ChangedEndpoint { endpoint: record.view(START, None), secret: Some("whsec_x"), applied };
    let mut with_secret = expected.clone();
    with_secret["secret"] = json!("whsec_x");
    with_secret["applied"] = json!(3);
    with_secret["shards"] = json!(4);
    assert_shown(&serde_json::to_value(changed).unwrap(), &with_secret);
    let changed = ChangedEndpoint { endpoint: record.view(START, None), secret: None, applied };
    assert_eq!(serde_json::to_value(changed).unwrap().get("secret"), None);

    let list = EndpointList { endpoints: vec![record.view(START, None)] };
    let list = serde_json::to_value(list).unwrap();
    assert_eq!(list["endpoints"].as_array().unwrap().len(), 1);
    assert_shown(&list["endpoints"][0], &expected);
}

#[test]
fn there_are_20_at_most() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        fixture.register(SHOP);
    }
    assert_refused(fixture.draft(SHOP), Code::Conflict, "there are 20 endpoints, and no more fit", "21");
    assert_refused(fixture.draft("not json"), Code::Conflict, "no more fit", "room comes before the body");
    fixture.commit(&SettingsChange::Delete { endpoint: 7 });
    assert_eq!(fixture.register(SHOP), 21, "a number is not given twice");
    assert_eq!(endpoints::all(fixture.db()).unwrap().len(), 20);
}

#[test]
fn numbers_end_below_65536() {
    let fixture = Fixture::new();
    fixture.sqlite().run("INSERT INTO meta (name, value) VALUES ('last_endpoint', 65534)", &[]).unwrap();
    assert_eq!(endpoints::take_number(fixture.db()).unwrap(), 65_535);
    let none = endpoints::take_number(fixture.db());
    assert_refused(none, Code::Conflict, "65535 endpoints were registered, and no more can be", "65536");
}

#[test]
fn an_endpoint_that_does_not_exist_is_not_found() {
    let fixture = Fixture::new();
    let no = fixture.register(SHOP);
    fixture.commit(&SettingsChange::Delete { endpoint: no });
    let context = fixture.context();
    for no in [no, 99] {
        let words = "there is no endpoint of this id";
        assert_refused(endpoints::find(fixture.db(), no), Code::NotFound, words, no);
        assert_refused(fixture.change(no, "not json"), Code::NotFound, words, no);
        assert_refused(fixture.rotate(no, ""), Code::NotFound, words, no);
        assert_refused(endpoints::retire(&context, no), Code::NotFound, words, no);
        assert_refused(fixture.disable(no, "gone", &[]), Code::NotFound, words, no);
    }
}

#[test]
fn what_an_administrator_disables_says_so_and_since_when() {
    let mut fixture = Fixture::new();
    let no = fixture.register(SHOP);
    fixture.pass(1);
    fixture.change(no, r#"{"enabled":false}"#).unwrap();
    let disabled = json!({ "reason": "administrator", "at": "2026-01-01T00:00:01.000Z" });
    assert_eq!(shown(&fixture, no)["disabled"], disabled);
    fixture.pass(1);
    fixture.change(no, r#"{"description":"closed"}"#).unwrap();
    assert_eq!(shown(&fixture, no)["disabled"], disabled, "later changes do not change it");
    assert_eq!(shown(&fixture, no)["updated_at"], "2026-01-01T00:00:02.000Z");
    fixture.change(no, r#"{"enabled":true}"#).unwrap();
    assert_eq!(shown(&fixture, no)["disabled"], Value::Null);
}

#[test]
fn secrets_overlap_after_a_rotation() {
    let mut fixture = Fixture::new();
    let no = fixture.register(SHOP);
    let versions = |fixture: &Fixture| {
        let valid = fixture.find(no).endpoint.secrets_at(fixture.now);
        valid.iter().map(|secret| (secret.version, secret.until)).collect::<Vec<_>>()
    };
    fixture.rotate(no, "").unwrap();
    let first = START.plus_seconds(DAY);
    assert_eq!(versions(&fixture), [(2, None), (1, Some(first))], "24 hours where none are asked for");
    fixture.pass(HOUR);
    fixture.rotate(no, r#"{"overlap_hours":168}"#).unwrap();
    let second = fixture.now.plus_seconds(168 * HOUR);
    assert_eq!(versions(&fixture), [(3, None), (2, Some(second)), (1, Some(first))]);
    fixture.rotate(no, r#"{"overlap_hours":1.0}"#).unwrap();
    let third = fixture.now.plus_seconds(HOUR);
    assert_eq!(versions(&fixture), [(4, None), (3, Some(third)), (2, Some(second))], "three at most");
    fixture.pass(HOUR);
    assert_eq!(versions(&fixture), [(4, None), (2, Some(second))]);
    fixture.rotate(no, r#"{"overlap_hours":0}"#).unwrap();
    assert_eq!(versions(&fixture), [(5, None), (2, Some(second))], "no overlap");
    let retired = endpoints::retire(&fixture.context(), no).unwrap();
    fixture.commit(&SettingsChange::Put(&retired));
    assert_eq!(versions(&fixture), [(5, None)]);
}

#[test]
fn a_rotation_that_another_one_overtakes_is_a_conflict() {
    let fixture = Fixture::new();
    let no = fixture.register(SHOP);
    let slow = Rotation::begin(fixture.db(), no, "").unwrap();
    fixture.rotate(no, "").unwrap();
    let finished = slow.finish(&fixture.context(), fixture.sealed(no, slow.version));
    assert_refused(finished, Code::Conflict, "is being rotated by another request", "slow");
}

#[test]
fn an_overlap_is_from_0_to_168_hours() {
    let fixture = Fixture::new();
    for (body, words) in [
        (r#"{"overlap_hours":169}"#, "`overlap_hours` is not a whole number from 0 to 168"),
        (r#"{"overlap_hours":-1}"#, "`overlap_hours` is not a whole number"),
        (r#"{"overlap_hours":1.5}"#, "`overlap_hours` is not a whole number"),
        (r#"{"overlap_hours":"1"}"#, "`overlap_hours` is not a whole number"),
        (r#"{"hours":1}"#, "none of overlap_hours"),
    ] {
        assert_refused(fixture.rotate(1, body), Code::InvalidRequest, words, body);
    }
}

#[test]
fn a_paused_endpoint_is_not_disabled() {
    let fixture = Fixture::new();
    let no = fixture.register(r#"{"url":"https://shop.example/hook","paused":true}"#);
    assert!(fixture.disable(no, "gone", &[]).unwrap().is_none());
    fixture.change(no, r#"{"paused":false}"#).unwrap();
    assert!(fixture.disable(no, "gone", &[]).unwrap().is_some());
}

#[test]
fn a_report_by_earlier_settings_does_not_disable_an_endpoint() {
    let fixture = Fixture::new();
    let no = fixture.register(SHOP);
    let settings_version = settings::version(fixture.db()).unwrap();
    let gone = UnhealthyEndpoint { endpoint: no, reason: "gone".to_owned(), settings_version };
    fixture.change(no, r#"{"url":"https://shop.example/moved"}"#).unwrap();
    assert!(endpoints::disable(&fixture.context(), &gone, &[]).unwrap().is_none(), "its URL has changed");
    assert!(fixture.disable(no, "gone", &[]).unwrap().is_some(), "the shard has learnt of that");
}

fn health(failing_since: Option<Millis>, succeeded_at: Option<Millis>) -> EndpointHealth {
    EndpointHealth { failing_since, succeeded_at, consecutive_410: 0 }
}

#[test]
fn a_report_disables_an_endpoint_where_it_stands() {
    let mut fixture = Fixture::new();
    fixture.pass(10 * DAY);
    let now = fixture.now;
    let failing = || health(Some(now.plus_seconds(-6 * DAY)), None);
    let lately = || health(Some(now.plus_seconds(-4 * DAY)), None);
    let alive = || health(None, Some(now.plus_seconds(-HOUR)));
    for (reason, healths, stands, why) in [
        ("gone", vec![], true, "410 twice"),
        ("failing", vec![failing()], true, "for longer than 5 days"),
        ("failing", vec![lately()], false, "not yet"),
        ("failing", vec![failing(), lately()], true, "in one shard"),
        ("failing", vec![failing(), alive()], false, "a success in another shard"),
        ("failing", vec![], false, "no shard says so"),
        ("administrator", vec![failing()], false, "not for a shard to say"),
        ("a newer reason", vec![failing()], false, "unknown"),
    ] {
        let no = fixture.register(SHOP);
        let disabled = fixture.disable(no, reason, &healths).unwrap();
        assert_eq!(disabled.is_some(), stands, "{reason}: {why}");
        if let Some(record) = disabled {
            fixture.commit(&SettingsChange::Put(&record));
            assert_eq!(shown(&fixture, no)["enabled"], false);
            assert_eq!(shown(&fixture, no)["disabled"]["reason"], reason);
            let again = fixture.disable(no, "gone", &[]).unwrap();
            assert!(again.is_none(), "what is disabled stays as it is");
        }
        fixture.commit(&SettingsChange::Delete { endpoint: no });
    }
}
