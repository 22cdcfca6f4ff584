//! What is measured: the core, its peers, and the hash that none of them can do without.

use std::error::Error;
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use vtryon_webhooks::{BodyLimit, Event, Secret, Signature, Verifier};

use crate::rounds::Variant;

/// Returns the variants for a body, each with its keys prepared as far as it allows that.
///
/// `signature` is the header's value. Peers are given decoded digests, as the core is, where they take them.
pub(crate) fn of<'a>(
    secret: &str,
    body: &'a [u8],
    signature: &'a str,
) -> Result<Vec<Variant<'a>>, Box<dyn Error>> {
    let key = secret.as_bytes().to_vec();
    let digest = hex::decode(signature)?;

    let verifier = prepared(secret)?;
    let parsed = Signature::parse(signature.as_bytes())?;
    let verify = variant("ours", move || verifier.verify(black_box(body), &parsed).is_ok());

    let verifier = prepared(secret)?;
    let open = variant("ours, event read", move || {
        let read =
            || Event::parse(&verifier.verify(black_box(body), &Signature::parse(signature.as_bytes())?)?);
        read().is_ok_and(|event| !event.task_id().as_str().is_empty())
    });

    let ring_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let tag = digest.clone();
    let ring = variant("ring", move || ring::hmac::verify(&ring_key, black_box(body), &tag).is_ok());

    let (webhook, headers) = standard(&key, body)?;
    let standard = variant("standardwebhooks", move || webhook.verify(black_box(body), &headers).is_ok());

    let naive = variant("hmac, a key per call", move || {
        Hmac::<Sha256>::new_from_slice(black_box(&key))
            .is_ok_and(|mac| mac.chain_update(black_box(body)).verify_slice(&digest).is_ok())
    });

    let hash = variant("one SHA-256", move || {
        black_box(Sha256::digest(black_box(body)));
        true
    });

    Ok(vec![verify, open, ring, standard, naive, hash])
}

fn variant<'a>(name: &'static str, once: impl Fn() -> bool + 'a) -> Variant<'a> {
    Variant { name, once: Box::new(once) }
}

fn prepared(secret: &str) -> Result<Verifier, vtryon_webhooks::Error> {
    Ok(Verifier::new([Secret::new(secret)?])?.with_limit(BodyLimit::MAX))
}

/// Signs a body in the scheme of Standard Webhooks, which covers an id and a time too; an old time is refused.
fn standard(key: &[u8], body: &[u8]) -> Result<(standardwebhooks::Webhook, HeaderMap), Box<dyn Error>> {
    let webhook = standardwebhooks::Webhook::from_bytes(key.to_vec())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let signature = webhook.sign("msg_bench", now.try_into()?, body)?;
    let mut headers = HeaderMap::new();
    headers.insert(standardwebhooks::HEADER_WEBHOOK_ID, HeaderValue::from_static("msg_bench"));
    headers.insert(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, now.into());
    headers.insert(standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signature.parse()?);
    Ok((webhook, headers))
}
