use serde::Deserialize;
use vtryon_webhooks::{BodyLimit, Error, Secret, Signature, Verifier};

use crate::{Bytes, judge, same};

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
#[serde(rename_all = "snake_case")]
enum Expect {
    KeyIndex(usize),
    Code(String),
}

/// Holds verification to `signature.json`: RFC 4231, Wycheproof, and every wrong form we know of.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/signature.json"), |vector: &Vector| {
        let verdict = match (verify(vector), &vector.expect) {
            (Ok(index), Expect::KeyIndex(should)) => same("the key", index, *should),
            (Err(error), Expect::Code(should)) => same("the code", error.code().as_str(), should),
            (Ok(_), Expect::Code(_)) => Err("it is accepted".to_owned()),
            (Err(error), Expect::KeyIndex(_)) => Err(format!("it is refused: {error}")),
        };
        (&vector.name, &vector.why, verdict)
    })
}

fn verify(vector: &Vector) -> Result<usize, Error> {
    let secrets = vector.secrets.iter().map(|secret| Secret::new(secret.get()));
    let limit = vector.limit.and_then(BodyLimit::new).unwrap_or(BodyLimit::DEFAULT);
    let verifier = Verifier::new(secrets.collect::<Result<Vec<_>, _>>()?)?.with_limit(limit);
    let signature = Signature::from_values(vector.signatures.iter().map(String::as_bytes))?;
    let body = vector.body.get();
    Ok(verifier.verify(&body, &signature)?.key_index())
}
