//! What holds for all messages of Standard Webhooks.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use proptest::collection::vec;
use proptest::prelude::*;
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::standard_webhooks::{MAX_SIGNATURES, MessageHeaders, MessageVerifier, Tolerance};
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Millis, Secret};

const NOW: Millis = Millis(1_780_000_000_000);

fn verifier(secrets: &[&EndpointSecret]) -> MessageVerifier {
    let texts = secrets.iter().map(|secret| secret.reveal().as_bytes().to_vec());
    MessageVerifier::new(Secret::list(texts).unwrap()).unwrap()
}

/// The headers as a request carries them.
struct Sent {
    id: Vec<u8>,
    timestamp: Vec<u8>,
    signature: Vec<u8>,
}

impl Sent {
    fn verdict(&self, verifier: &MessageVerifier, body: &[u8]) -> Result<(), Error> {
        let headers = MessageHeaders::parse(&self.id, &self.timestamp, &self.signature)?;
        verifier.verify(body, &headers, NOW).map(drop)
    }
}

fn sign(secret: &EndpointSecret, id: &str, timestamp: i64, body: &[u8]) -> Sent {
    let signature = secret.signer().standard(id, timestamp, body).into_bytes();
    Sent { id: id.into(), timestamp: timestamp.to_string().into_bytes(), signature }
}

/// What looks like the header with the signatures.
fn signatures() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => "v1,[A-Za-z0-9+/]{43}=",
        1 => "v[0-9]a?,[A-Za-z0-9+/=]{0,90}",
        1 => "[v1,= ]{0,6}",
        1 => "\\PC{0,4}",
    ];
    prop_oneof![vec(part, 0..20).prop_map(|parts| parts.join(" ").into_bytes()), vec(any::<u8>(), 0..200)]
}

fn bytes(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![text.prop_map(String::into_bytes), vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_header_panics_and_none_that_is_drawn_verifies(
        id in bytes("[a-z0-9_.]{0,300}"),
        timestamp in bytes("-?[0-9]{0,20}"),
        signature in signatures(),
        body in vec(any::<u8>(), 0..200),
        now: i64,
        tolerance in 1_u32..=86_400,
    ) {
        let verifier = verifier(&[&EndpointSecret::from_bytes([7; 32])])
            .with_tolerance(Tolerance::new(tolerance).unwrap());
        if let Ok(headers) = MessageHeaders::parse(&id, &timestamp, &signature) {
            prop_assert_eq!(headers.id().as_bytes(), &id[..]);
            prop_assert_eq!(headers.timestamp().to_string().into_bytes(), timestamp);
            prop_assert!(verifier.verify(&body, &headers, Millis(now)).is_err());
        }
    }

    #[test]
    fn what_a_gateway_signs_is_verified_until_a_byte_changes(
        key: [u8; 32],
        id in "[!-\\-/-~]{1,256}",
        age in -300_i64..=300,
        body in vec(any::<u8>(), 1..200),
        place: prop::sample::Index,
        bit in 0_u32..8,
    ) {
        let secret = EndpointSecret::from_bytes(key);
        let verifier = verifier(&[&secret]);
        let sent = sign(&secret, &id, NOW.0 / 1000 - age, &body);
        prop_assert_eq!(sent.verdict(&verifier, &body), Ok(()));
        let mut changed = body.clone();
        *changed.get_mut(place.index(body.len())).unwrap() ^= 1 << bit;
        prop_assert_eq!(sent.verdict(&verifier, &changed).unwrap_err().code(), Code::SignatureMismatch);
        for part in 0..3_usize {
            let mut altered = sign(&secret, &id, NOW.0 / 1000 - age, &body);
            let header = [&mut altered.id, &mut altered.timestamp, &mut altered.signature].into_iter().nth(part).unwrap();
            let at = place.index(header.len());
            *header.get_mut(at).unwrap() ^= 1 << bit;
            prop_assert!(altered.verdict(&verifier, &body).is_err());
        }
    }

    #[test]
    fn the_tolerance_holds_in_both_directions(timestamp in 0_i64..=999_999_999_999_999, now: i64, tolerance in 1_u32..=86_400) {
        let secret = EndpointSecret::from_bytes([7; 32]);
        let verifier = verifier(&[&secret]).with_tolerance(Tolerance::new(tolerance).unwrap());
        let sent = sign(&secret, "evt_1", timestamp, b"{}");
        let headers = MessageHeaders::parse(&sent.id, &sent.timestamp, &sent.signature).unwrap();
        let age = i128::from(now) - i128::from(timestamp) * 1000;
        let most = i128::from(tolerance) * 1000;
        let code = verifier.verify(b"{}", &headers, Millis(now)).err().map(|error| error.code());
        prop_assert_eq!(code, match age {
            age if age > most => Some(Code::TimestampTooOld),
            age if age < -most => Some(Code::TimestampTooNew),
            _ => None,
        });
    }

    #[test]
    fn any_secret_is_read_or_refused(text in "(whsec_)?[A-Za-z0-9+/=]{0,90}|\\PC{0,20}") {
        if let Ok(secret) = Secret::new(text) {
            let _ = MessageVerifier::new([secret]);
        }
    }
}

#[test]
fn a_bounded_number_of_signatures_is_tried() {
    let secret = EndpointSecret::from_bytes([7; 32]);
    let good = secret.signer().standard("evt_1", NOW.0 / 1000, b"{}");
    for count in 1..40 {
        let signature = vec![good.as_str(); count].join(" ");
        let headers = MessageHeaders::parse(b"evt_1", b"1780000000", signature.as_bytes());
        assert_eq!(headers.is_ok(), count <= MAX_SIGNATURES, "{count}");
    }
}

#[test]
fn a_message_is_an_event_with_an_id() {
    let secret = EndpointSecret::from_bytes([7; 32]);
    let body = br#"{"event":"generation.status_changed","task_id":"task_123","status":"queued"}"#;
    let sent = sign(&secret, "evt_1", 1_780_000_000, body);
    let headers = MessageHeaders::parse(&sent.id, &sent.timestamp, &sent.signature).unwrap();
    let message = verifier(&[&secret]).verify(body, &headers, NOW).unwrap();
    let event = Event::parse(message.verified()).unwrap();
    assert_eq!((message.id(), event.task_id().as_str()), ("evt_1", "task_123"));
    assert_eq!(message.verified().fingerprint(), secret.fingerprint());
    assert_eq!(message.verified().payload(), body);
}

#[test]
fn limits_have_limits() {
    assert!(Tolerance::new(0).is_none() && Tolerance::new(86_401).is_none());
    assert_eq!(Tolerance::new(60).map(Tolerance::seconds), Some(60));
    let verifier = verifier(&[&EndpointSecret::from_bytes([7; 32])]).with_limit(BodyLimit::new(1).unwrap());
    let headers =
        MessageHeaders::parse(b"a", b"1780000000", b"v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let headers = headers.unwrap();
    assert_eq!(verifier.admit(&headers, NOW, 1), Ok(()));
    assert_eq!(verifier.admit(&headers, NOW, 2).unwrap_err().code(), Code::PayloadTooLarge);
}
