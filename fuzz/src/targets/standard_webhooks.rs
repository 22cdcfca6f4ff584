//! The three headers of Standard Webhooks, one to a line: id, timestamp and signatures.

use base64ct::{Base64, Encoding};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::standard_webhooks::{MAX_SIGNATURES, MessageHeaders, MessageVerifier};
use vtryon_webhooks::{Millis, Secret};

use crate::vectors::vectors;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let headers = |vector: &serde_json::Value| {
        let first = |name: &str| vector[name][0].as_str().unwrap_or_default().to_owned();
        [first("id"), first("timestamp"), first("signature")].join("\n").into_bytes()
    };
    vectors(include_str!("../../../tests/vectors/standard_webhooks.json")).iter().map(headers).collect()
}

pub(crate) fn check(input: &[u8]) {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let [id, timestamp, signatures] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let read = MessageHeaders::parse(id, timestamp, signatures);
    let is_good = is_id(id) && is_timestamp(timestamp) && are_signatures(signatures);
    assert_eq!(read.is_ok(), is_good, "{:?}", read.err());
    if is_id(id) && is_timestamp(timestamp) {
        verify(std::str::from_utf8(id).unwrap(), std::str::from_utf8(timestamp).unwrap(), signatures);
    }
}

fn is_id(id: &[u8]) -> bool {
    (1..=256).contains(&id.len()) && id.iter().all(|byte| (b'!'..=b'~').contains(byte) && *byte != b'.')
}

fn is_timestamp(text: &[u8]) -> bool {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
    text.len() <= 15 && number.is_some_and(|number| number.to_string().as_bytes() == text)
}

fn are_signatures(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return are_signatures(
            &value.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect::<Vec<_>>(),
        );
    };
    let parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
    let is_good = |part: &&str| {
        let bytes = part.strip_prefix("v1,").and_then(|digits| Base64::decode_vec(digits).ok());
        bytes.is_some_and(|bytes| bytes.len() == 32)
    };
    text.len() <= 4096
        && parts.len() <= MAX_SIGNATURES
        && parts.iter().all(|part| part.matches(',').count() <= 1)
        && parts.iter().any(is_good)
}

/// A body is verified by what its secret signs, within the tolerance, and by nothing else.
fn verify(id: &str, timestamp: &str, body: &[u8]) {
    let secret = EndpointSecret::from_bytes([7; 32]);
    let verifier = MessageVerifier::new([Secret::new(secret.reveal().as_str()).unwrap()]).unwrap();
    let seconds: i64 = timestamp.parse().unwrap();
    let signature = secret.signer().standard(id, seconds, body);
    let headers = MessageHeaders::parse(id.as_bytes(), timestamp.as_bytes(), signature.as_bytes()).unwrap();
    let at = |late: i64| Millis(seconds * 1000).plus_seconds(late);
    assert!(verifier.verify(body, &headers, at(0)).is_ok());
    for late in [-301, 301] {
        assert!(verifier.verify(body, &headers, at(late)).is_err());
    }
    assert!(verifier.verify(&[body, b"."].concat(), &headers, at(0)).is_err());
    let other = MessageHeaders::parse(b"other", timestamp.as_bytes(), signature.as_bytes()).unwrap();
    assert_eq!(verifier.verify(body, &other, at(0)).is_ok(), id == "other");
}
