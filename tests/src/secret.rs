use serde::Deserialize;
use vtryon_webhooks::Secret;

use crate::{Bytes, Refused, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    secret: Bytes,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Taken { fingerprint: String },
    Refused(Refused),
}

/// Holds [`Secret::new`] and the fingerprints to `secret.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/secret.json"), |vector: &Vector| {
        let secret = Secret::new(vector.secret.get());
        let verdict = match (&secret, &vector.expect) {
            (Ok(secret), Expect::Taken { fingerprint }) => {
                same("the fingerprint", &secret.key().fingerprint().to_string(), fingerprint)
            }
            (Err(error), Expect::Refused(refused)) => refused.check(error),
            (Ok(_), Expect::Refused(_)) => Err("it is taken".to_owned()),
            (Err(error), Expect::Taken { .. }) => Err(format!("it is refused: {error}")),
        };
        (&vector.name, &vector.why, verdict)
    })
}
