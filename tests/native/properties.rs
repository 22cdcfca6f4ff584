//! What holds for all inputs.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "that is how a test fails")]

use hmac::{Hmac, KeyInit, Mac};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use vtryon_webhooks::lifecycle::{MAX_UNKNOWN, Outcome, Stage, TaskState, step};
use vtryon_webhooks::{BodyLimit, Code, Digest, Event, Secret, Shards, Signature, Status, TaskId, Verifier};

fn secret() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..100).prop_filter("a secret", |bytes| Secret::new(bytes.clone()).is_ok())
}

fn verifier(secret: &[u8]) -> Verifier {
    Verifier::new([Secret::new(secret).unwrap()]).unwrap()
}

fn sign(secret: &[u8], body: &[u8]) -> Signature {
    Signature::sign(&Secret::new(secret).unwrap().key(), body)
}

/// What looks like an event, with everything in it that may be wrong.
fn json() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("event".to_owned()),
        Just("task_id".to_owned()),
        Just("status".to_owned()),
        Just("data".to_owned()),
        Just("error".to_owned()),
        Just("result_url".to_owned()),
        Just("message".to_owned()),
        "\\PC{0,4}",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("\"generation.status_changed\"".to_owned()),
        Just("\"queued\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("1e999".to_owned()),
        "\"[ -~]{0,6}\"",
        "-?[0-9]{1,3}",
        "\\PC{0,3}",
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec((name.clone(), inner), 0..7).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn statuses() -> impl Strategy<Value = Vec<String>> {
    let known = prop_oneof![Just("queued"), Just("processing"), Just("completed"), Just("failed")];
    vec(prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-c]"], 0..12)
}

/// Applies the statuses to a new task; returns its state, and the outcome of each.
fn apply(statuses: &[String]) -> (Option<TaskState>, Vec<Outcome>) {
    let mut known = None;
    let mut outcomes = Vec::new();
    for status in statuses {
        let step = step(known.as_ref(), &Status::from_name(status.as_str()));
        known = step.next.or(known);
        outcomes.push(step.outcome);
    }
    (known, outcomes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_is_verified(secret in secret(), body in vec(any::<u8>(), 0..500)) {
        let signature = sign(&secret, &body);
        let hex = signature.to_hex();
        let parsed = Signature::parse(hex.as_bytes()).unwrap();
        let verifier = verifier(&secret);
        prop_assert_eq!(verifier.verify(&body, &parsed).unwrap().payload(), &body[..]);
        let upper = hex.to_ascii_uppercase();
        prop_assert!(verifier.verify(&body, &Signature::parse(upper.as_bytes()).unwrap()).is_ok());
    }

    #[test]
    fn the_mac_is_that_of_the_crate_hmac(secret in secret(), body in vec(any::<u8>(), 0..300)) {
        let mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap().chain_update(&body).finalize();
        prop_assert_eq!(sign(&secret, &body).to_hex(), hex::encode(mac.into_bytes()));
    }

    #[test]
    fn what_the_host_has_hashed_is_judged_alike(secret in secret(), other in secret(), body in vec(any::<u8>(), 0..300), bit in 0_usize..256) {
        let secrets = || [&other, &secret].map(|bytes| Secret::new(bytes.clone()).unwrap());
        let verifier = Verifier::new(secrets()).unwrap();
        let mut hashed = secrets().map(|secret| Sha256::new().chain_update(secret.inner_pad()).chain_update(&body).finalize().into());
        let signature = sign(&secret, &body);
        let index = verifier.verify(&body, &signature).unwrap().secret_index();
        prop_assert_eq!(verifier.verify_hashed(&body, &hashed, &signature).unwrap().secret_index(), index);
        prop_assert!(verifier.verify_hashed(&body, &[], &signature).is_err());
        hashed.iter_mut().for_each(|digest: &mut [u8; 32]| digest[bit / 8] ^= 1 << (bit % 8));
        prop_assert_eq!(verifier.verify_hashed(&body, &hashed, &signature).unwrap_err().code(), Code::SignatureMismatch);
    }

    #[test]
    fn any_bit_of_the_body_counts(secret in secret(), mut body in vec(any::<u8>(), 1..500), bit in any::<prop::sample::Index>()) {
        let signature = sign(&secret, &body);
        let bit = bit.index(body.len() * 8);
        body[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(verifier(&secret).verify(&body, &signature).unwrap_err().code(), Code::SignatureMismatch);
    }

    #[test]
    fn any_bit_of_the_signature_counts(secret in secret(), body in vec(any::<u8>(), 0..500), bit in 0_usize..256) {
        let mut bytes = hex::decode(sign(&secret, &body).to_hex()).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let flipped = Signature::parse(hex::encode(bytes).as_bytes()).unwrap();
        prop_assert_eq!(verifier(&secret).verify(&body, &flipped).unwrap_err().code(), Code::SignatureMismatch);
    }

    #[test]
    fn any_bit_of_the_secret_counts(secret in secret(), body in vec(any::<u8>(), 0..500), bit in any::<prop::sample::Index>()) {
        let signature = sign(&secret, &body);
        let mut other = secret;
        let bit = bit.index(other.len() * 8);
        other[bit / 8] ^= 1 << (bit % 8);
        prop_assume!(Secret::new(other.clone()).is_ok());
        prop_assert_eq!(verifier(&other).verify(&body, &signature).unwrap_err().code(), Code::SignatureMismatch);
    }

    #[test]
    fn any_header_has_a_verdict(header in vec(any::<u8>(), 0..200), digits in "[0-9a-fA-F,=]{60,70}") {
        let _ = Signature::parse(&header);
        let is_hex = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        prop_assert_eq!(Signature::parse(digits.as_bytes()).is_ok(), is_hex);
    }

    #[test]
    fn any_bytes_have_a_verdict(body in vec(any::<u8>(), 0..500)) {
        let signature = sign(b"s", &body);
        let verifier = verifier(b"s");
        let _ = Event::parse(&verifier.verify(&body, &signature).unwrap());
    }

    #[test]
    fn the_json_verdict_is_that_of_serde_json(body in json()) {
        let signature = sign(b"s", body.as_bytes());
        let verifier = verifier(b"s");
        let parsed = Event::parse(&verifier.verify(body.as_bytes(), &signature).unwrap());
        let oracle = serde_json::from_str::<&serde_json::value::RawValue>(&body);
        match parsed {
            Ok(event) => {
                prop_assert!(oracle.is_ok());
                let value: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(&body) {
                    Ok(value) => value,
                    // A number or half of a surrogate pair that no value can hold.
                    Err(_) => return Ok(()),
                };
                prop_assert_eq!(event.task_id().as_str(), value["task_id"].as_str().unwrap());
                prop_assert_eq!(event.name(), value["event"].as_str().unwrap());
                if event.status().is_some() {
                    prop_assert_eq!(event.status().map(Status::as_str), value["status"].as_str());
                    let within = |object: &str, name: &str| value.get(object)?.get(name)?.as_str();
                    prop_assert_eq!(event.result_url(), within("data", "result_url"));
                    prop_assert_eq!(event.error_message(), within("error", "message"));
                }
                for (text, name) in [(event.data(), "data"), (event.error(), "error")] {
                    let read = text.map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
                    prop_assert_eq!(read.as_ref(), value.get(name));
                }
            }
            Err(error) if error.code() == Code::InvalidJson => {
                prop_assert!(oracle.is_err() || body.contains("\\ud800"), "{error}");
                prop_assert!(error.offset().is_none_or(|offset| offset <= body.len()));
            }
            Err(_) => prop_assert!(oracle.is_ok()),
        }
    }

    #[test]
    fn every_order_ends_alike(statuses in statuses(), seed in any::<u64>()) {
        let (one, _) = apply(&statuses);
        let mut shuffled = statuses.clone();
        // Fisher and Yates, with a generator of Knuth's: the shuffle is part of the input.
        let mut state = seed;
        for last in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            shuffled.swap(last, (state >> 33) as usize % (last + 1));
        }
        // And any repeats.
        shuffled.extend(statuses.iter().take(3).cloned());
        let (other, _) = apply(&shuffled);
        let seen = |known: &Option<TaskState>| known.as_ref().map_or(0, TaskState::seen);
        prop_assert_eq!(seen(&one), seen(&other));
        if one.as_ref().is_some_and(TaskState::is_conflicting) {
            prop_assert!(other.unwrap().is_conflicting());
        } else {
            prop_assert_eq!(one.and_then(|known| known.stage()), other.and_then(|known| known.stage()));
        }
    }

    #[test]
    fn no_state_goes_back(statuses in statuses()) {
        let rank = |stage: Option<Stage>| stage.map_or(0, |stage| match stage {
            Stage::Queued => 1,
            Stage::Processing => 2,
            Stage::Completed | Stage::Failed => 3,
        });
        let mut known: Option<TaskState> = None;
        let mut finished = None;
        for status in &statuses {
            let before = known.as_ref().and_then(TaskState::stage);
            let step = step(known.as_ref(), &Status::from_name(status.as_str()));
            known = step.next.or(known);
            let after = known.as_ref().and_then(TaskState::stage);
            prop_assert!(rank(after) >= rank(before));
            prop_assert!(finished.is_none() || finished == after, "a final status was left");
            finished = after.filter(|stage| stage.is_final());
        }
    }

    #[test]
    fn a_task_keeps_at_most_twenty(statuses in vec("[a-z]{1,2}", 0..200), known in statuses()) {
        let (_, outcomes) = apply(&[statuses, known].concat());
        let kept = outcomes.iter().filter(|outcome| outcome.is_stored()).count();
        prop_assert!(kept <= MAX_UNKNOWN + Stage::ALL.len());
    }

    #[test]
    fn a_shard_is_one_of_them(id in vec(any::<u8>(), 0..300), shards in 1_u32..=1024) {
        prop_assert!(Shards::new(shards).unwrap().shard_of(&Digest::of(&id)) < shards);
    }

    #[test]
    fn only_the_text_of_a_digest_is_one(bytes in any::<[u8; 32]>(), other in "[0-9a-fA-F]{62,66}") {
        let digest = Digest::of(&bytes);
        prop_assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        prop_assert_eq!(Digest::from_hex(&hex::encode_upper(digest.as_bytes())), None);
        let stands = other.len() == 64 && !other.contains(|char: char| char.is_ascii_uppercase());
        prop_assert_eq!(Digest::from_hex(&other).is_some(), stands);
    }

    #[test]
    fn any_text_is_a_task_id_or_refused(name in "\\PC{0,300}|[\\x00-\\x20]{0,3}") {
        let accepted = !name.is_empty() && name.len() <= 256 && !name.contains(char::is_control)
            && name != "."
            && name != "..";
        prop_assert_eq!(TaskId::new(name.as_str()).is_ok(), accepted);
    }
}

#[test]
fn limits_have_limits() {
    assert!(BodyLimit::new(0).is_none() && BodyLimit::new(1_048_577).is_none());
    assert_eq!(BodyLimit::new(7).map(BodyLimit::bytes), Some(7));
    assert!(Shards::new(0).is_none() && Shards::new(1025).is_none());
}

/// Every order of the four statuses, and of each three of them.
#[test]
fn all_orders_of_the_usual_events_end_alike() {
    fn orders(rest: &[&str]) -> Vec<Vec<String>> {
        if rest.is_empty() {
            return vec![Vec::new()];
        }
        let with_first = |first: usize| {
            let others: Vec<&str> =
                rest.iter().enumerate().filter(|(place, _)| *place != first).map(|(_, s)| *s).collect();
            let lead = |order: Vec<String>| [vec![rest[first].to_owned()], order].concat();
            orders(&others).into_iter().map(lead).collect::<Vec<_>>()
        };
        (0..rest.len()).flat_map(with_first).collect()
    }
    for end in ["completed", "failed"] {
        for order in orders(&["queued", "processing", end]) {
            let (known, _) = apply(&order);
            assert_eq!(known.unwrap().stage().unwrap().as_str(), end, "{order:?}");
        }
    }
    for order in orders(&["queued", "processing", "completed", "failed"]) {
        let (known, outcomes) = apply(&order);
        let known = known.unwrap();
        let first = order.iter().find(|status| ["completed", "failed"].contains(&status.as_str())).unwrap();
        assert_eq!(known.stage().unwrap().as_str(), first, "{order:?}");
        assert!(known.is_conflicting() && outcomes.contains(&Outcome::Conflict), "{order:?}");
    }
}
