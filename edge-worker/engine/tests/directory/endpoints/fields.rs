//! Bodies that describe an endpoint: which are refused, and what the others set.

use serde_json::json;
use vtryon_webhooks::{Code, Shards};

use crate::fixture::{Fixture, assert_refused};

const REFUSED: &[(&str, &str)] = &[
    ("not json", "the body is not one JSON object"),
    ("[]", "the body is not one JSON object"),
    (r#"{"url":"https://a.example/","url":"https://b.example/"}"#, "each field once"),
    ("", "`url` is missing"),
    ("{}", "`url` is missing"),
    (r#"{"enabled":true}"#, "`url` is missing"),
    (r#"{"url":1}"#, "`url` is not a string"),
    (r#"{"url":null}"#, "`url` is not a string"),
    (
        r#"{"url":"https://shop.example/","colour":"red"}"#,
        "none of url, description, enabled, timeout_seconds, headers, auth, paused, order, statuses, events, include, \
         max_in_flight, attempts_per_second",
    ),
    (r#"{"url":"https://shop.example/","order":"first"}"#, "`order` is not one of latest, all"),
    (r#"{"url":"https://shop.example/","order":7}"#, "`order` is not a string"),
    (r#"{"url":"https://shop.example/","statuses":"queued"}"#, "`statuses` is not an array of strings"),
    (r#"{"url":"https://shop.example/","statuses":[""]}"#, "`statuses` has more than 50 entries"),
    (r#"{"url":"https://shop.example/","events":["a\u0000"]}"#, "`events` has more than 50 entries"),
    (r#"{"url":"https://shop.example/","include":["late"]}"#, "`include` has an entry that is not one of"),
    (r#"{"url":"https://shop.example/","enabled":"yes"}"#, "`enabled` is not true or false"),
    (r#"{"url":"https://shop.example/","paused":null}"#, "`paused` is not true or false"),
    (
        r#"{"url":"https://shop.example/","timeout_seconds":0}"#,
        "`timeout_seconds` is not a whole number from 1 to 30",
    ),
    (
        r#"{"url":"https://shop.example/","timeout_seconds":31}"#,
        "`timeout_seconds` is not a whole number from 1 to 30",
    ),
    (r#"{"url":"https://shop.example/","timeout_seconds":1.5}"#, "`timeout_seconds` is not a whole number"),
    (r#"{"url":"https://shop.example/","timeout_seconds":"10"}"#, "`timeout_seconds` is not a whole number"),
    (
        r#"{"url":"https://shop.example/","max_in_flight":0}"#,
        "`max_in_flight` is not a whole number from 1 to 10000",
    ),
    (
        r#"{"url":"https://shop.example/","max_in_flight":10001}"#,
        "`max_in_flight` is not a whole number from 1 to 10000",
    ),
    (r#"{"url":"https://shop.example/","max_in_flight":"all"}"#, "`max_in_flight` is not a whole number"),
    (
        r#"{"url":"https://shop.example/","max_in_flight":-1}"#,
        "`max_in_flight` is not a whole number from 1 to 10000",
    ),
    (
        r#"{"url":"https://shop.example/","attempts_per_second":0}"#,
        "`attempts_per_second` is not a whole number from 1 to 10000",
    ),
    (
        r#"{"url":"https://shop.example/","attempts_per_second":0.5}"#,
        "`attempts_per_second` is not a whole number",
    ),
    (
        r#"{"url":"https://shop.example/","attempts_per_second":true}"#,
        "`attempts_per_second` is not a whole number",
    ),
    (r#"{"url":"http://shop.example/hook"}"#, "`url` does not begin with https://"),
    (r#"{"url":"https://xn--a.example/hook"}"#, "`url` is none that can be called"),
];

#[test]
fn a_body_with_a_mistake_is_refused_by_the_name_of_the_field() {
    let fixture = Fixture::new();
    for &(body, message) in REFUSED {
        assert_refused(fixture.draft(body), Code::InvalidRequest, message, body);
    }
    let body = json!({ "url": "https://shop.example/", "description": "d".repeat(501) }).to_string();
    assert_refused(fixture.draft(&body), Code::InvalidRequest, "`description` is longer than 500", "501");
    let many = vec!["a"; 51];
    let body = json!({ "url": "https://shop.example/", "events": many }).to_string();
    assert_refused(fixture.draft(&body), Code::InvalidRequest, "`events` has more than 50 entries", "51");
}

#[test]
fn a_url_that_leads_back_to_the_gateway_is_a_conflict() {
    let body = r#"{"url":"https://gateway.example/webhooks/vtryon"}"#;
    assert_refused(Fixture::new().draft(body), Code::Conflict, "leads back to this gateway", body);
}

#[test]
fn limits_that_the_shards_cannot_divide_are_a_conflict() {
    let mut fixture = Fixture::new();
    for (shards, field, limit, message) in [
        (1, "max_in_flight", 1, None),
        (4, "max_in_flight", 4, None),
        (4, "max_in_flight", 3, Some("below 4: each of the 4 shards makes at least one attempt at a time")),
        (4, "attempts_per_second", 1, None),
        (40, "attempts_per_second", 4, None),
        (41, "attempts_per_second", 5, None),
        (
            41,
            "attempts_per_second",
            4,
            Some("below 5: each of the 41 shards makes at least one attempt in 10 seconds"),
        ),
        (1024, "max_in_flight", 10_000, None),
    ] {
        fixture.shards = Shards::new(shards).unwrap();
        let body = json!({ "url": "https://shop.example/", field: limit }).to_string();
        match message {
            None => drop(fixture.draft(&body).unwrap()),
            Some(message) => {
                let message = format!("`{field}` is {message}");
                assert_refused(fixture.draft(&body), Code::Conflict, &message, &body);
            }
        }
    }
}

#[test]
fn a_limit_is_taken_away_by_null() {
    let fixture = Fixture::new();
    let no =
        fixture.register(r#"{"url":"https://shop.example/","max_in_flight":8,"attempts_per_second":2.0}"#);
    let limits = |fixture: &Fixture| {
        let options = fixture.find(no).endpoint.options;
        (options.max_in_flight, options.attempts_per_second)
    };
    assert_eq!(limits(&fixture), (Some(8), Some(2)));
    fixture.change(no, r#"{"max_in_flight":null}"#).unwrap();
    assert_eq!(limits(&fixture), (None, Some(2)));
    fixture.change(no, r#"{"attempts_per_second":null}"#).unwrap();
    assert_eq!(limits(&fixture), (None, None));
}

#[test]
fn a_host_that_is_not_listed_is_forbidden() {
    let mut fixture = Fixture::new();
    fixture.rules.hosts = vec!["shop.example".to_owned(), "*.eu.example".to_owned()];
    for url in ["https://shop.example/hook", "https://a.eu.example/hook"] {
        fixture.draft(&json!({ "url": url }).to_string()).unwrap();
    }
    for host in ["other.example", "eu.example", "x.shop.example"] {
        let body = json!({ "url": format!("https://{host}/") }).to_string();
        assert_refused(fixture.draft(&body), Code::Forbidden, "not among those allowed", host);
    }
    let body = r#"{"url":"http://other.example/"}"#;
    assert_refused(fixture.draft(body), Code::InvalidRequest, "https://", "malformed comes first");
}

#[test]
fn each_field_that_is_sent_is_set_and_no_other() {
    let fixture = Fixture::new();
    let all = json!({
        "url": "https://shop.example/hook",
        "description": "first",
        "enabled": false,
        "paused": true,
        "order": "all",
        "statuses": ["completed"],
        "events": ["task.updated"],
        "include": ["unknown", "quarantined"],
        "max_in_flight": 20,
        "attempts_per_second": 10,
    });
    let record = fixture.draft(&all.to_string()).unwrap();
    let shown = serde_json::to_value(record.view(fixture.now, None)).unwrap();
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }

    let no = fixture.register(r#"{"url":"https://shop.example/hook"}"#);
    let shown = |fixture: &Fixture| serde_json::to_value(fixture.find(no).view(fixture.now, None)).unwrap();
    let mut expected = shown(&fixture);
    for (name, value) in all.as_object().unwrap() {
        fixture.change(no, &json!({ name: value }).to_string()).unwrap();
        expected[name] = value.clone();
        let mut found = shown(&fixture);
        // Set as a consequence.
        expected["disabled"] = found["disabled"].take();
        found["disabled"] = expected["disabled"].clone();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_change_that_is_refused_leaves_the_endpoint_as_it_was() {
    let fixture = Fixture::new();
    let no = fixture.register(r#"{"url":"https://shop.example/hook"}"#);
    let body = r#"{"description":"new","include":["late"]}"#;
    assert_refused(fixture.change(no, body), Code::InvalidRequest, "`include`", body);
    assert_eq!(fixture.find(no).description, "");
}
