//! Every code with its status and what an unauthenticated sender sees of it; and what errors say.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use vtryon_webhooks::diagnosis::Mistake;
use vtryon_webhooks::endpoint::Order;
use vtryon_webhooks::health::Reason;
use vtryon_webhooks::{Code, Event, Secret, Signature, Verifier};

/// code, HTTP status, the code that an unauthenticated sender sees
const CODES: [(&str, u16, &str); 35] = [
    ("missing_signature", 401, "unauthorized"),
    ("malformed_signature", 401, "unauthorized"),
    ("multiple_signatures", 401, "unauthorized"),
    ("signature_mismatch", 401, "unauthorized"),
    ("missing_message_id", 401, "unauthorized"),
    ("malformed_message_id", 401, "unauthorized"),
    ("missing_timestamp", 401, "unauthorized"),
    ("malformed_timestamp", 401, "unauthorized"),
    ("timestamp_too_old", 401, "unauthorized"),
    ("timestamp_too_new", 401, "unauthorized"),
    ("incomplete_body", 400, "incomplete_body"),
    ("body_timeout", 408, "body_timeout"),
    ("payload_too_large", 413, "payload_too_large"),
    ("invalid_utf8", 400, "invalid_utf8"),
    ("invalid_json", 400, "invalid_json"),
    ("too_deep", 400, "too_deep"),
    ("invalid_event", 400, "invalid_event"),
    ("duplicate_key", 400, "duplicate_key"),
    ("secret_missing", 503, "unavailable"),
    ("secret_empty", 503, "unavailable"),
    ("secret_whitespace", 503, "unavailable"),
    ("secret_quoted", 503, "unavailable"),
    ("secret_invisible", 503, "unavailable"),
    ("secret_placeholder", 503, "unavailable"),
    ("unauthorized", 401, "unauthorized"),
    ("method_not_allowed", 405, "method_not_allowed"),
    ("not_found", 404, "not_found"),
    ("invalid_request", 400, "invalid_request"),
    ("forbidden", 403, "forbidden"),
    ("conflict", 409, "conflict"),
    ("rate_limited", 429, "rate_limited"),
    ("unavailable", 503, "unavailable"),
    ("payload_not_raw", 500, "payload_not_raw"),
    ("body_already_parsed", 500, "body_already_parsed"),
    ("invalid_option", 500, "invalid_option"),
];

#[test]
fn every_code_has_a_section_on_the_page() {
    let page = include_str!("../../docs/reference/errors.md");
    for code in Code::ALL {
        let section = format!("### `{code}`\n\n- **Status:** {}", code.http_status());
        assert!(page.contains(&section), "{code}");
    }
}

#[test]
fn codes_are_as_documented() {
    let are = Code::ALL.map(|code| (code.as_str(), code.http_status(), code.public().as_str()));
    assert_eq!(are, CODES);
    for code in Code::ALL {
        assert_eq!(code.to_string(), code.as_str());
        assert_eq!(code.public().public(), code.public());
        // The form of a message: a phrase in lower case without a full stop.
        let summary = code.summary();
        assert!(summary.len() > 10 && !summary.ends_with('.'), "{summary}");
        assert!(!summary.starts_with(char::is_uppercase), "{summary}");
    }
}

#[test]
fn what_is_stored_of_an_endpoint_is_read_as_it_is_stored() {
    for reason in [Reason::Gone, Reason::Failing, Reason::Administrator] {
        assert_eq!(Reason::from_name(reason.as_str()), Some(reason));
    }
    for order in [Order::Latest, Order::All] {
        assert_eq!(Order::from_name(order.as_str()), Some(order));
    }
    assert_eq!((Reason::from_name("Gone"), Order::from_name("")), (None, None));
}

/// The name and the hint of a mistake: a name that no other has, a phrase in the form of a message.
#[test]
fn mistakes_are_told_apart_and_explained() {
    for mistake in Mistake::ALL {
        let (name, hint) = (mistake.as_str(), mistake.hint());
        assert_eq!(Mistake::ALL.iter().filter(|other| other.as_str() == name).count(), 1, "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit()));
        assert!(hint.len() > 40 && hint.contains(':') && !hint.ends_with('.'), "{hint}");
        assert!(!hint.starts_with(char::is_uppercase), "{hint}");
    }
}

#[test]
fn every_mistake_has_a_vector() {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../vectors/diagnosis.json")).unwrap();
    for mistake in Mistake::ALL {
        let has = |vector: &serde_json::Value| vector.get("mistake").unwrap() == mistake.as_str();
        assert!(vectors.iter().any(has), "{}", mistake.as_str());
    }
}

/// The API's document lists them, so that a program can tell them apart.
#[test]
fn every_mistake_is_in_the_document() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../edge-worker/src/api/openapi.json")).unwrap();
    let listed = document.pointer("/components/schemas/Rejection/properties/mistake/enum").unwrap();
    let names: Vec<_> = listed.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(names, Mistake::ALL.map(Mistake::as_str));
}

/// a signed body, and what is said of it
const MESSAGES: [(&str, &str); 5] = [
    ("{}", "`event` is missing"),
    (r#"{"event":"a","task_id":7}"#, "`task_id` is not a string"),
    (r#"{"event":"a","event":"b"}"#, "a field of the event occurs twice"),
    (r#"{"event":"a",}"#, "the body is not JSON at byte 13"),
    ("{\n\n \"event\": nul }", "the body is not JSON at byte 16"),
];

#[test]
fn messages_say_what_and_where() {
    for (body, message) in MESSAGES {
        let secret = Secret::new("whsec_test").unwrap();
        let signature = Signature::sign(&secret.key(), body.as_bytes());
        let verifier = Verifier::new([secret]).unwrap();
        let error = Event::parse(&verifier.verify(body.as_bytes(), &signature).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
