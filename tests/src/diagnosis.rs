use serde::Deserialize;
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
        // Whoever knows no secret can't send what has its evidence.
        let forged = diagnose(&sample, &[]).evidence() == Evidence::Secret;
        let verdict = same("the mistake", mistake.as_str(), &vector.mistake);
        (&vector.name, &vector.why, verdict.and(same("forged", &forged, &false)))
    })
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
