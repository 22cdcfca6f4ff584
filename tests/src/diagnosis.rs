use serde::Deserialize;
use vtryon_webhooks::Digest;
use vtryon_webhooks::diagnosis::{Candidate, Evidence, Sample, SecretKind, diagnose};

use crate::{Bytes, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    header: Bytes,
    body: Bytes,
    whole: bool,
    candidates: Vec<(Whose, Bytes)>,
    mistake: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Whose {
    Current,
    Previous,
    Retired,
    Endpoint,
}

/// Holds [`diagnose`] to `diagnosis.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/diagnosis.json"), |vector: &Vector| {
        let (header, body) = (vector.header.get(), vector.body.get());
        let secrets: Vec<_> =
            vector.candidates.iter().map(|(whose, secret)| (*whose, secret.get())).collect();
        let candidates: Vec<_> = secrets.iter().map(|(whose, secret)| candidate(*whose, secret)).collect();
        let sample = Sample { header: &header, body: &body, is_whole: vector.whole };
        let mistake = diagnose(&sample, &candidates);
        let verdict = same("the mistake", mistake.as_str(), &vector.mistake);
        // Without a secret, a header can be recognised by its form only, which anyone can send.
        let is_proven = diagnose(&sample, &[]).evidence() == Evidence::Secret;
        let verdict = verdict
            .and_then(|()| same("whether it is proven without a secret", is_proven, false))
            .and_then(|()| check_forged(&body, &candidates));
        (&vector.name, &vector.why, verdict)
    })
}

/// Checks that a signature that needs no secret is no evidence of one.
fn check_forged(body: &[u8], candidates: &[Candidate<'_>]) -> Result<(), String> {
    [Digest::of(body), mac_of_empty_key(body)].iter().try_for_each(|forged| {
        let header = forged.to_hex();
        let sample = Sample { header: header.as_bytes(), body, is_whole: true };
        let is_proven = diagnose(&sample, candidates).evidence() == Evidence::Secret;
        same("whether a forged signature is proven", is_proven, false)
    })
}

/// Computes HMAC-SHA256 with the empty key, which everyone has (RFC 2104).
fn mac_of_empty_key(body: &[u8]) -> Digest {
    let inner = Digest::of(&[&[0x36_u8; 64][..], body].concat());
    Digest::of(&[&[0x5c_u8; 64][..], inner.as_bytes()].concat())
}

fn candidate(whose: Whose, secret: &[u8]) -> Candidate<'_> {
    let kind = match whose {
        Whose::Current => SecretKind::Current,
        Whose::Previous => SecretKind::Previous,
        Whose::Retired => SecretKind::Retired,
        Whose::Endpoint => SecretKind::Endpoint,
    };
    Candidate { kind, secret }
}
