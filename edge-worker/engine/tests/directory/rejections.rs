//! Rejections as isolates report them: counted, sampled, and the mistake behind them.

use serde_json::{Value, json};
use vtryon_gateway_engine::directory::rejections::{self, add, all, expire};
use vtryon_gateway_engine::directory::secrets::keyring::Keyring;
use vtryon_gateway_engine::protocol::directory::rejection::{Rejection, Sample};
use vtryon_webhooks::diagnosis::{Candidate, SecretKind};
use vtryon_webhooks::{Digest, Millis, Secret, Signature};
use zeroize::Zeroizing;

use crate::fixture::{DAY, Fixture, START};

const CODE: &str = "signature_mismatch";
pub const SECRET: &[u8] = b"whsec_current";
const CANDIDATES: [Candidate<'_>; 1] = [Candidate { kind: SecretKind::Current, secret: SECRET }];

fn sample(body: &str, header: String, at: Millis) -> Sample {
    Sample {
        received_at: at,
        header_bytes: header.len(),
        header,
        content_type: Some("application/json".to_owned()),
        body: hex::encode(body),
        body_bytes: Some(body.len()),
    }
}

/// A webhook that lost the line break at its end after it was signed: only who has the secret can make it.
pub fn misconfigured(at: Millis) -> Sample {
    let key = Secret::new(SECRET).unwrap().key();
    sample("helps", Signature::sign(&key, b"helps\n").to_hex(), at)
}

/// What anybody can send, without any form that is recognised.
pub fn noise(at: Millis) -> Sample {
    sample("noise", "0".repeat(64), at)
}

/// What anybody can send, and what is recognised by its form.
pub fn hashed(at: Millis) -> Sample {
    sample("hashed", Digest::of(b"hashed").to_hex(), at)
}

pub fn rejection(code: &str, count: i64, first: Sample, last: Option<Sample>) -> Rejection {
    let last_at = last.as_ref().unwrap_or(&first).received_at;
    Rejection {
        code: code.to_owned(),
        path: "/webhooks/vtryon".to_owned(),
        count,
        first_at: first.received_at,
        last_at,
        first,
        last,
    }
}

fn keyring() -> Keyring {
    Keyring::new([(SecretKind::Current, Zeroizing::new(SECRET.to_vec()))].into_iter())
}

/// Returns the rejections view.
fn listed(fixture: &Fixture) -> Vec<Value> {
    let list = rejections::list(&all(fixture.db()).unwrap(), &keyring());
    serde_json::to_value(list).unwrap()["rejections"].as_array().unwrap().clone()
}

/// Returns the mistakes of the only cause: its own, that of the first sample and that of the last one.
fn mistakes(fixture: &Fixture) -> [Value; 3] {
    let list = listed(fixture);
    assert_eq!(list.len(), 1);
    let cause = &list[0];
    [&cause["mistake"], &cause["first_sample"]["mistake"], &cause["last_sample"]["mistake"]].map(Value::clone)
}

#[test]
fn the_mistake_is_named_and_nothing_that_is_secret() {
    let fixture = Fixture::new();
    let header = misconfigured(START).header;
    add(&fixture.context(), &[rejection(CODE, 3, misconfigured(START), None)], Some(&CANDIDATES)).unwrap();
    let found = listed(&fixture);
    let shown = json!({
        "received_at": "2026-01-01T00:00:00.000Z",
        "content_type": "application/json",
        "body_bytes": 5,
        "signature": { "length": 64, "is_hex": true },
        "head": "helps",
        "mistake": "newline_trimmed",
    });
    let hint = found[0]["hint"].clone();
    let expected = json!([{
        "code": CODE,
        "path": "/webhooks/vtryon",
        "summary": found[0]["summary"],
        "count": 3,
        "first_at": "2026-01-01T00:00:00.000Z",
        "last_at": "2026-01-01T00:00:00.000Z",
        "first_sample": shown,
        "last_sample": shown,
        "mistake": "newline_trimmed",
        "hint": hint,
    }]);
    assert_eq!(json!(found), expected);
    assert!(hint.as_str().unwrap().contains("line break"), "{hint}");
    assert!(!json!(found).to_string().contains(&header));
}

#[test]
fn only_stronger_evidence_replaces_the_first_sample() {
    let names = |names: [&str; 3]| names.map(|name| json!(name));
    let fixture = Fixture::new();
    let report = |first, last| {
        add(&fixture.context(), &[rejection(CODE, 1, first, last)], Some(&CANDIDATES)).unwrap();
        mistakes(&fixture)
    };
    assert_eq!(report(noise(START), None), names(["unknown"; 3]));
    let later = noise(START.plus_seconds(1));
    assert_eq!(report(noise(START), Some(later)), names(["unknown"; 3]));
    let first = listed(&fixture)[0]["first_sample"]["received_at"].clone();
    assert_eq!(first, "2026-01-01T00:00:00.000Z", "copies do not replace it");
    let found = report(noise(START), Some(hashed(START.plus_seconds(1))));
    assert_eq!(found, names(["plain_hash"; 3]), "a form before nothing");
    let found = report(misconfigured(START), Some(noise(START.plus_seconds(1))));
    let expected = names(["newline_trimmed", "newline_trimmed", "unknown"]);
    assert_eq!(found, expected, "a signature before a form, within one report too");
    let found = report(hashed(START.plus_seconds(1)), None);
    assert_eq!(found, names(["newline_trimmed", "newline_trimmed", "plain_hash"]));
}

#[test]
fn a_sample_that_was_not_judged_is_judged_before_another_is_compared_with_it() {
    let fixture = Fixture::new();
    add(&fixture.context(), &[rejection(CODE, 1, misconfigured(START), None)], None).unwrap();
    add(&fixture.context(), &[rejection(CODE, 1, noise(START), None)], None).unwrap();
    assert_eq!(mistakes(&fixture)[1], json!("newline_trimmed"), "it stays until it is judged");
    add(&fixture.context(), &[rejection(CODE, 1, hashed(START), None)], Some(&CANDIDATES)).unwrap();
    let expected = ["newline_trimmed", "newline_trimmed", "plain_hash"];
    assert_eq!(mistakes(&fixture), expected.map(|name| json!(name)));
    // Where it turns out to be the weaker one, it gives way.
    let fixture = Fixture::new();
    add(&fixture.context(), &[rejection(CODE, 1, noise(START), None)], None).unwrap();
    add(&fixture.context(), &[rejection(CODE, 1, hashed(START), None)], Some(&CANDIDATES)).unwrap();
    assert_eq!(mistakes(&fixture), ["plain_hash"; 3].map(|name| json!(name)));
}

#[test]
fn reports_are_added_up_in_any_order() {
    let fixture = Fixture::new();
    let at = |seconds| START.plus_seconds(seconds);
    let sent = |at: Millis| sample(&at.0.to_string(), String::new(), at);
    for (first, last) in [(20, 30), (0, 10), (25, 28)] {
        let reported = rejection("payload_too_large", 2, sent(at(first)), Some(sent(at(last))));
        add(&fixture.context(), &[reported], None).unwrap();
    }
    let causes = all(fixture.db()).unwrap();
    let found = &listed(&fixture)[0];
    assert_eq!(found["count"], 6);
    assert_eq!(found["first_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(found["last_at"], "2026-01-01T00:00:30.000Z");
    assert_eq!(
        found["first_sample"]["received_at"], "2026-01-01T00:00:20.000Z",
        "the first that was reported"
    );
    assert_eq!(found["last_sample"]["received_at"], "2026-01-01T00:00:30.000Z");
    assert_eq!(found["mistake"], Value::Null, "it was not of the signature");
    assert!(!rejections::are_diagnosable(&causes));
}

#[test]
fn a_sample_expires_after_a_day_and_the_count_stays() {
    let mut fixture = Fixture::new();
    add(&fixture.context(), &[rejection(CODE, 2, misconfigured(START), None)], Some(&CANDIDATES)).unwrap();
    fixture.pass(DAY);
    expire(fixture.db(), fixture.now).unwrap();
    assert!(rejections::are_diagnosable(&all(fixture.db()).unwrap()));
    fixture.pass(1);
    expire(fixture.db(), fixture.now).unwrap();
    assert!(!rejections::are_diagnosable(&all(fixture.db()).unwrap()));
    assert_eq!(mistakes(&fixture), [Value::Null, Value::Null, Value::Null]);
    assert_eq!(listed(&fixture)[0]["count"], 2);
    add(&fixture.context(), &[rejection(CODE, 1, noise(fixture.now), None)], Some(&CANDIDATES)).unwrap();
    assert_eq!(mistakes(&fixture)[1], json!("unknown"), "the next sample is the first one again");
}

#[test]
fn what_a_newer_version_has_stored_is_left_out() {
    let fixture = Fixture::new();
    let newer = [
        rejection("a_newer_code", 1, noise(START), None),
        Rejection { path: "/newer".to_owned(), ..rejection(CODE, 1, noise(START), None) },
    ];
    add(&fixture.context(), &newer, Some(&CANDIDATES)).unwrap();
    assert_eq!(listed(&fixture), Vec::<Value>::new());
    add(&fixture.context(), &[rejection(CODE, 1, noise(START), None)], Some(&CANDIDATES)).unwrap();
    let newer = "UPDATE rejections SET first_sample = '{\"received_at\":\"newer\"}', last_sample = 'newer'";
    fixture.sqlite().run(newer, &[]).unwrap();
    assert_eq!(mistakes(&fixture), [Value::Null, Value::Null, Value::Null]);
    add(&fixture.context(), &[rejection(CODE, 1, noise(START), None)], Some(&CANDIDATES)).unwrap();
    assert_eq!(mistakes(&fixture)[1], json!("unknown"), "a sample that can not be read gives way");
}

#[test]
fn the_note_counts_secrets_that_were_not_tried() {
    let note = |keyring: &Keyring| {
        let list = serde_json::to_value(rejections::list(&[], keyring)).unwrap();
        list["note"].as_str().unwrap().to_owned()
    };
    assert!(!note(&keyring()).contains("not tried"));
    let mut keyring = keyring();
    (keyring.unopened, keyring.left_out) = (2, 3);
    let note = note(&keyring);
    assert!(note.contains("since GATEWAY_MASTER_KEY does not open them: 2."), "{note}");
    assert!(note.contains("since at most 25 are: 3."), "{note}");
}

#[test]
fn reports_are_diagnosed_at_most_every_2_seconds() {
    let mut fixture = Fixture::new();
    let of_signature = [rejection(CODE, 1, noise(START), None)];
    let other = [rejection("payload_too_large", 1, noise(START), None)];
    let mut begin = |seconds, reported: &[Rejection]| {
        fixture.memory.begin_diagnosis(reported, START.plus_seconds(seconds))
    };
    assert!(!begin(0, &other), "nothing to look for");
    assert!(begin(0, &of_signature));
    assert!(!begin(1, &of_signature));
    assert!(begin(2, &of_signature));
    assert!(!begin(3, &of_signature));
    assert!(begin(1, &of_signature), "the clock went back");
    assert!(!begin(2, &of_signature));
}
