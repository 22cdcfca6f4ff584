use serde::Deserialize;
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier, Tolerance};
use vtryon_webhooks::{BodyLimit, Error, Millis, Secret};

use crate::{Bytes, Refused, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    secrets: Vec<Bytes>,
    id: Vec<String>,
    timestamp: Vec<String>,
    signature: Vec<String>,
    body: Bytes,
    /// The receiver's clock, in milliseconds since 1970.
    now: i64,
    /// In seconds.
    tolerance: Option<u32>,
    limit: Option<usize>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Verified { secret_index: usize, id: String, timestamp: i64 },
    Refused(Refused),
}

/// Holds [`vtryon_webhooks::standard_webhooks`] to `standard_webhooks.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/standard_webhooks.json"), |vector: &Vector| {
        let verdict = match (verify(vector), &vector.expect) {
            (Ok(verified), Expect::Verified { secret_index, id, timestamp }) => {
                same("the message", verified, (*secret_index, id.clone(), *timestamp))
            }
            (Err(error), Expect::Refused(refused)) => refused.check(&error),
            (Ok(_), Expect::Refused(_)) => Err("it is accepted".to_owned()),
            (Err(error), Expect::Verified { .. }) => Err(format!("it is refused: {error}")),
        };
        (&vector.name, &vector.why, verdict)
    })
}

fn verify(vector: &Vector) -> Result<(usize, String, i64), Error> {
    let secrets = Secret::list(vector.secrets.iter().map(Bytes::get))?;
    let limit = vector.limit.and_then(BodyLimit::new).unwrap_or(BodyLimit::DEFAULT);
    let tolerance = vector.tolerance.and_then(Tolerance::new).unwrap_or(Tolerance::DEFAULT);
    let verifier = MessageVerifier::new(secrets)?.with_limit(limit).with_tolerance(tolerance);
    let [ids, timestamps, signatures] =
        [&vector.id, &vector.timestamp, &vector.signature].map(|values| values.iter().map(String::as_bytes));
    let headers = MessageHeaders::from_values(ids, timestamps, signatures)?;
    let body = vector.body.get();
    let message = verifier.verify(&body, &headers, Millis(vector.now))?;
    Ok((message.verified().secret_index(), message.id().to_owned(), message.timestamp()))
}
