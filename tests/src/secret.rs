use serde::Deserialize;
use vtryon_webhooks::Secret;

use crate::{Bytes, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    secret: Bytes,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expect {
    Fingerprint(String),
    Code(String),
}

/// Holds [`Secret::new`] and the fingerprints to `secret.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/secret.json"), |vector: &Vector| {
        let secret = Secret::new(vector.secret.get());
        let verdict = match (&secret, &vector.expect) {
            (Ok(secret), Expect::Fingerprint(should)) => {
                same("the fingerprint", &secret.key().fingerprint().to_string(), should)
            }
            (Err(error), Expect::Code(should)) => same("the code", error.code().as_str(), should),
            (Ok(_), Expect::Code(_)) => Err("it is taken".to_owned()),
            (Err(error), Expect::Fingerprint(_)) => Err(format!("it is refused: {error}")),
        };
        (&vector.name, &vector.why, verdict)
    })
}
