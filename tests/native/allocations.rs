//! What asks for memory: nothing while a body is verified, and little while its event is read. So the cost of a
//! stranger's request is that of its hash.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use std::hint::black_box;

use allocation_counter::measure;
use vtryon_webhooks::{Code, Event, Secret, Signature, Verifier};

const SECRET: &str = "whsec_example";

/// What Vtryon sends, in its four statuses.
const TYPICAL: [&str; 4] = [
    r#"{"event":"generation.status_changed","task_id":"task_123","status":"queued"}"#,
    r#"{"event":"generation.status_changed","task_id":"task_123","status":"processing","data":null}"#,
    r#"{"event":"generation.status_changed","task_id":"task_123","status":"completed","data":{"result_url":"https://cdn.vtryon.example/a.png","width":3840,"tags":["a",{"b":1.5}]}}"#,
    r#"{"event":"generation.status_changed","task_id":"task_123","status":"failed","error":{"message":"the picture shows \"nobody\""}}"#,
];

fn verifier() -> Verifier {
    // As while secrets are rotated.
    Verifier::new([Secret::new("whsec_another").unwrap(), Secret::new(SECRET).unwrap()]).unwrap()
}

fn signed(body: &str) -> Signature {
    Signature::sign(&Secret::new(SECRET).unwrap().key(), body.as_bytes())
}

/// Counts the allocations of `work`.
fn count(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

#[test]
fn the_counter_counts() {
    let signature = signed("{}");
    assert_eq!(count(|| drop(black_box(signature.to_hex()))), 1);
}

#[test]
fn verifying_allocates_nothing() {
    let verifier = verifier();
    for body in TYPICAL.map(String::from).into_iter().chain([" ".repeat(256 * 1024)]) {
        let (good, header) = (signed(&body), signed(&body).to_hex());
        let forged = signed("{}");
        let allocations = count(|| {
            let parsed = Signature::parse(header.as_bytes()).unwrap();
            assert!(verifier.verify(body.as_bytes(), &parsed).is_ok());
            assert!(verifier.verify(body.as_bytes(), &good).is_ok());
            let refused = verifier.verify(body.as_bytes(), &forged).unwrap_err();
            assert_eq!(refused.code(), Code::SignatureMismatch);
            assert!(Signature::parse(b"sha256=abcd").is_err());
        });
        assert_eq!(allocations, 0, "{} bytes", body.len());
    }
}

/// An escape in a text that is read has to be undone somewhere; nothing else needs memory of its own.
#[test]
fn reading_an_event_allocates_at_most_once() {
    let verifier = verifier();
    for body in TYPICAL {
        let signature = signed(body);
        let allocations = count(|| {
            let verified = verifier.verify(body.as_bytes(), &signature).unwrap();
            let event = Event::parse(&verified).unwrap();
            black_box((event.task_id().as_str(), event.status(), event.result_url(), event.error_message()));
        });
        assert_eq!(allocations, u64::from(body.contains('\\')), "{body}");
    }
}
