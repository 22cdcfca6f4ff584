use serde::Deserialize;
use vtryon_webhooks::{BodyLimit, Error, Secret, Signature, Verifier};

use crate::{Bytes, Refused, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    secrets: Vec<Bytes>,
    body: Bytes,
    signatures: Vec<String>,
    limit: Option<usize>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Verified { secret_index: usize },
    Refused(Refused),
}

/// Holds verification to `signature.json`: RFC 4231, Wycheproof, and every wrong form we know of.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/signature.json"), |vector: &Vector| {
        let verdict = match (verify(vector), &vector.expect) {
            (Ok(index), Expect::Verified { secret_index }) => same("the key", index, *secret_index),
            (Err(error), Expect::Refused(refused)) => refused.check(&error),
            (Ok(_), Expect::Refused(_)) => Err("it is accepted".to_owned()),
            (Err(error), Expect::Verified { .. }) => Err(format!("it is refused: {error}")),
        };
        (&vector.name, &vector.why, verdict)
    })
}

fn verify(vector: &Vector) -> Result<usize, Error> {
    let secrets = Secret::list(vector.secrets.iter().map(Bytes::get))?;
    let limit = vector.limit.and_then(BodyLimit::new).unwrap_or(BodyLimit::DEFAULT);
    let verifier = Verifier::new(secrets)?.with_limit(limit);
    let signature = Signature::from_values(vector.signatures.iter().map(String::as_bytes))?;
    let body = vector.body.get();
    Ok(verifier.verify(&body, &signature)?.secret_index())
}
