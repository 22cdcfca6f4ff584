//! Tokens: what may be created, what is listed, and what a lookup says and writes.

use serde_json::{Value, json};
use vtryon_gateway_engine::Failure;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::credentials::token::{NewToken, TokenForm};
use vtryon_gateway_engine::directory::tokens;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::AuditedRequest;
use vtryon_webhooks::Code;

use crate::fixture::{DAY, Fixture, HOUR, assert_refused};

/// Makes the token whose random bytes are all `nth`.
pub fn new_token(nth: u8) -> NewToken {
    let master = MasterKey::parse(&"0f".repeat(32)).unwrap();
    TokenForm::new(&master).issue([nth; 8], &[nth; 32])
}

/// Creates a token as a request asks for it, and returns what it is answered.
pub fn create_by(
    fixture: &Fixture,
    body: &str,
    new: &NewToken,
    request: Option<&AuditedRequest>,
) -> Result<Value, Failure> {
    let draft = tokens::draft(&fixture.context(), body, new)?;
    Ok(serde_json::to_value(tokens::create(&fixture.context(), &draft, request)?).unwrap())
}

fn create(fixture: &Fixture, nth: u8, body: &str) -> Value {
    create_by(fixture, body, &new_token(nth), None).unwrap()
}

fn list(fixture: &Fixture) -> Vec<Value> {
    let list = serde_json::to_value(tokens::list(&fixture.context()).unwrap()).unwrap();
    list["tokens"].as_array().unwrap().clone()
}

#[test]
fn a_token_is_shown_once_and_stored_as_a_digest() {
    let fixture = Fixture::new();
    let new = new_token(7);
    let created =
        create(&fixture, 7, r#"{"name":"ci","scope":"replay","expires_at":"2026-02-01T00:00:00Z"}"#);
    let view = json!({
        "id": "tok_0707070707070707",
        "name": "ci",
        "scope": "replay",
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2026-02-01T00:00:00.000Z",
        "last_used_at": null,
    });
    let mut expected = view.clone();
    expected["token"] = json!(*new.text);
    assert_eq!(created, expected);
    assert_eq!(list(&fixture), [view]);

    let stored = tokens::find(&fixture.context(), &new.id).unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.scope), ("ci", Scope::Replay));
    assert_eq!(stored.digest, new.digest.to_hex());
    assert!(stored.matches(&new.digest) && !stored.matches(&new_token(8).digest));
}

#[test]
fn what_a_token_may_be() {
    let long = "n".repeat(101);
    let rows = [
        ("", "`name` is missing"),
        (r#"{"name":"ci"}"#, "`scope` is missing"),
        (r#"{"scope":"read"}"#, "`name` is missing"),
        (r#"{"name":"","scope":"read"}"#, "`name` is not 1 to 100 characters"),
        (&format!(r#"{{"name":"{long}","scope":"read"}}"#), "`name` is not 1 to 100 characters"),
        (r#"{"name":"a\nb","scope":"read"}"#, "without control characters"),
        (r#"{"name":7,"scope":"read"}"#, "`name` is not a string"),
        (r#"{"name":"ci","scope":"root"}"#, "`scope` is not one of read, listen, replay, tickets, admin"),
        (r#"{"name":"ci","scope":["read"]}"#, "`scope` is not a string"),
        (r#"{"name":"ci","scope":"read","expires_at":"tomorrow"}"#, "`expires_at` is not a time"),
        (r#"{"name":"ci","scope":"read","token":"x"}"#, "none of name, scope, expires_at"),
        ("[]", "not one JSON object"),
    ];
    let fixture = Fixture::new();
    for (body, words) in rows {
        let new = new_token(1);
        let created = create_by(&fixture, body, &new, None);
        assert_refused(created, Code::InvalidRequest, words, body);
    }
    let new = new_token(1);
    let body = r#"{"name":"ci","scope":"read","expires_at":"2026-01-01T00:00:00Z"}"#;
    let over = create_by(&fixture, body, &new, None);
    assert_refused(over, Code::Conflict, "`expires_at` is not after now", body);
    assert_eq!(list(&fixture), [json!(null); 0]);
    let widest = "\u{1f600}".repeat(100);
    create(&fixture, 1, &json!({ "name": widest, "scope": "read" }).to_string());
}

#[test]
fn there_are_a_hundred_tokens_at_most_and_those_that_have_expired_make_room() {
    let mut fixture = Fixture::new();
    for nth in 0..100 {
        create(&fixture, nth, r#"{"name":"ci","scope":"read","expires_at":"2026-01-02T00:00:00Z"}"#);
    }
    let new = new_token(100);
    let further = create_by(&fixture, r#"{"name":"ci","scope":"read"}"#, &new, None);
    assert_refused(further, Code::Conflict, "there are 100 tokens", "one too many");
    fixture.pass(DAY);
    assert_eq!(list(&fixture), [json!(null); 0]);
    create(&fixture, 100, r#"{"name":"ci","scope":"read"}"#);
    assert_eq!(list(&fixture).len(), 1);
}

#[test]
fn a_token_that_has_expired_or_was_revoked_is_not_found() {
    let mut fixture = Fixture::new();
    create(&fixture, 1, r#"{"name":"short","scope":"read","expires_at":"2026-01-01T01:00:00Z"}"#);
    create(&fixture, 2, r#"{"name":"long","scope":"read"}"#);
    let is_found =
        |fixture: &Fixture, nth| tokens::find(&fixture.context(), &new_token(nth).id).unwrap().is_some();
    fixture.pass(HOUR - 1);
    assert!(is_found(&fixture, 1) && is_found(&fixture, 2));
    fixture.pass(1);
    assert!(!is_found(&fixture, 1) && is_found(&fixture, 2));

    let revoked = tokens::revoke(&fixture.context(), &new_token(2).id, None).unwrap();
    assert_eq!(serde_json::to_value(revoked).unwrap()["name"], "long");
    assert!(!is_found(&fixture, 2));
    for id in [&*new_token(2).id, "tok_", "", "ep_1"] {
        let again = tokens::revoke(&fixture.context(), id, None);
        assert_refused(again, Code::NotFound, "there is no token of this id", id);
    }
}

#[test]
fn the_use_of_a_token_is_noted_once_an_hour() {
    let mut fixture = Fixture::new();
    create(&fixture, 1, r#"{"name":"ci","scope":"read"}"#);
    // seconds that pass, the last use as it is listed then
    let rows = [
        (60, "2026-01-01T00:01:00.000Z"),
        (HOUR - 1, "2026-01-01T00:01:00.000Z"),
        (1, "2026-01-01T01:01:00.000Z"),
        (DAY, "2026-01-02T01:01:00.000Z"),
    ];
    for (seconds, last_used_at) in rows {
        fixture.pass(seconds);
        tokens::note_use(&fixture.context(), &new_token(1).id).unwrap();
        assert_eq!(list(&fixture)[0]["last_used_at"], last_used_at, "{seconds} seconds later");
    }
}
