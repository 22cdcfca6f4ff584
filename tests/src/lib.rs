//! The vectors of `vectors/*.json`, and what holds the core to them: natively, in Node and in a browser.
//!
//! Each check returns what differs, so that a runner can report all of it at once.

mod delivery;
mod diagnosis;
mod endpoint;
mod event;
mod health;
mod lifecycle;
mod retry;
mod secret;
mod shard;
mod signature;
mod standard_webhooks;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vtryon_webhooks::Error;

pub use delivery::check as check_deliveries;
pub use diagnosis::check as check_diagnoses;
pub use endpoint::check as check_endpoints;
pub use event::{Fields, check as check_events};
pub use health::check as check_health;
pub use lifecycle::check as check_lifecycles;
pub use retry::check as check_retries;
pub use secret::check as check_secrets;
pub use shard::check as check_shards;
pub use signature::check as check_signatures;
pub use standard_webhooks::check as check_standard_webhooks;

/// Bytes as the vectors write them.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bytes {
    Text(String),
    Hex(String),
    /// Texts, each repeated so many times.
    Parts(Vec<(String, usize)>),
}

impl Bytes {
    fn get(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex(digits) => hex::decode(digits).unwrap_or_default(),
            Self::Parts(parts) => {
                parts.iter().map(|(text, times)| text.repeat(*times)).collect::<String>().into()
            }
        }
    }
}

/// What a refusal says; the message and the hint only where they are not those of the code.
#[derive(Deserialize)]
struct Refused {
    code: String,
    message: Option<String>,
    hint: Option<String>,
}

impl Refused {
    fn check(&self, error: &Error) -> Result<(), String> {
        let Self { code, message, hint } = self;
        same("the code", error.code().as_str(), code)?;
        same("the message", &error.to_string(), message.as_ref().unwrap_or(&error.to_string()))?;
        same("the hint", error.hint(), hint.as_deref().unwrap_or(error.hint()))
    }
}

/// Judges every vector of a file; returns how many there are, and what each that differs has to say.
fn judge<V: DeserializeOwned>(
    file: &str,
    judge: impl Fn(&V) -> (&str, &str, Result<(), String>),
) -> (usize, Vec<String>) {
    let vectors: Vec<V> = match serde_json::from_str(file) {
        Ok(vectors) => vectors,
        Err(error) => return (0, vec![format!("the file can't be read: {error}")]),
    };
    let differing = vectors.iter().map(judge).filter_map(|(name, why, verdict)| {
        verdict.err().map(|difference| format!("{name} ({why}): {difference}"))
    });
    (vectors.len(), differing.collect())
}

/// Compares what is with what should be.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Result<(), String> {
    if is == should { Ok(()) } else { Err(format!("{what} is {is:?}, should be {should:?}")) }
}
