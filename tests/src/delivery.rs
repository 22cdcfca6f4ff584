use serde::Deserialize;
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::event::Identity;
use vtryon_webhooks::{Code, Secret};

use crate::{Bytes, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kind {
    Signed(Signed),
    Refused { refused: String },
    Identity { identity: Vec<String>, key: String, webhook_id: String },
}

#[derive(Deserialize)]
struct Signed {
    /// The 32 bytes in hex.
    secret: String,
    text: String,
    fingerprint: String,
    id: String,
    timestamp: i64,
    body: Bytes,
    vtryon: String,
    standard: String,
}

/// Holds [`vtryon_webhooks::delivery`] and [`Identity`] to `delivery.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/delivery.json"), |vector: &Vector| {
        let verdict = match &vector.kind {
            Kind::Signed(signed) => sign(signed),
            Kind::Refused { refused } => match EndpointSecret::parse(refused) {
                Ok(_) => Err("it is taken".to_owned()),
                Err(error) => same("the code", error.code(), Code::InvalidRequest)
                    .and_then(|()| same("the field", error.field(), Some("secret"))),
            },
            Kind::Identity { identity, key, webhook_id } => identify(identity, key, webhook_id),
        };
        (&vector.name, &vector.why, verdict)
    })
}

fn sign(signed: &Signed) -> Result<(), String> {
    let Signed { secret, text, fingerprint, id, timestamp, body, vtryon, standard } = signed;
    let mut bytes = [0; 32];
    hex::decode_to_slice(secret, &mut bytes).map_err(|error| error.to_string())?;
    let secret = EndpointSecret::from_bytes(bytes);
    let signer = secret.signer();
    let read = EndpointSecret::parse(text).map_err(|error| error.to_string())?;
    let received = Secret::new(text.as_str()).map_err(|error| error.to_string())?;
    same("the text", secret.reveal().as_str(), text)?;
    same("the text, read", read.as_bytes(), &bytes)?;
    same("the fingerprint", &secret.fingerprint().to_string(), fingerprint)?;
    same("the signer's fingerprint", signer.fingerprint(), secret.fingerprint())?;
    same("the receiver's fingerprint", received.key().fingerprint(), secret.fingerprint())?;
    same("the guide's signature", &signer.vtryon(&body.get()), vtryon)?;
    same("the signature of Standard Webhooks", &signer.standard(id, *timestamp, &body.get()), standard)
}

fn identify(parts: &[String], key: &str, webhook_id: &str) -> Result<(), String> {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let identity = match parts[..] {
        ["status", task_id, status] => Identity::Status { task_id, status },
        ["event", task_id, name, digest] => Identity::Other { task_id, name, digest },
        ["body", digest] => Identity::Body { digest },
        _ => return Err("no identity has these parts".to_owned()),
    };
    same("the key", &*identity.key(), key)?;
    same("the id", &*identity.webhook_id(), webhook_id)
}
