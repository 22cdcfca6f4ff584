//! Finds the likely mistake behind a request whose signature was refused. The result is for the operator, never for
//! the sender.
//!
//! It tries what senders and proxies often get wrong: other forms of the header, other keys, other layouts of the
//! body. If a variant makes the signature valid, the mistake is proven, because nobody matches 256 bits by chance.
//! A header that holds no 32 bytes is judged by its form alone, and so is any header where only the beginning of the
//! body was stored.

mod claim;
mod layout;
mod mistake;
mod variants;

use core::fmt;

use crate::digest::Digest;
use crate::secret::Key;
use claim::{Claim, Form};
pub use mistake::{Evidence, Mistake};

/// The stored part of a refused request.
///
/// `Debug` shows only sizes.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    /// The value of the signature header; empty if the request had none.
    pub header: &'a [u8],
    /// The body, or its beginning.
    pub body: &'a [u8],
    /// Whether `body` is the whole body.
    pub is_whole: bool,
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("header_bytes", &self.header.len())
            .field("body_bytes", &self.body.len())
            .field("is_whole", &self.is_whole)
            .finish()
    }
}

/// To whom a secret belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// Vtryon's current secret.
    Current,
    /// Vtryon's previous secret, which is still accepted.
    Previous,
    /// A former secret of Vtryon's, which is no longer accepted.
    Retired,
    /// The secret of an endpoint, with which the gateway signs deliveries.
    Endpoint,
}

/// A secret that may have signed a request.
///
/// `Debug` shows only to whom it belongs.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// To whom the secret belongs.
    pub kind: SecretKind,
    /// The HMAC key of Vtryon's scheme: the text of the secret, an endpoint's too.
    pub secret: &'a [u8],
}

impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({:?})", self.kind)
    }
}

/// Returns the likely mistake.
///
/// It computes at most 20 MACs per secret of Vtryon's (usually 17) and one per endpoint's secret, each over at most
/// four times the length of the body and 4 KiB.
///
/// ```
/// use vtryon_webhooks::diagnosis::{Candidate, SecretKind, Mistake, Sample, diagnose};
/// use vtryon_webhooks::{Secret, Signature};
/// let header = Signature::sign(&Secret::new("whsec_example")?.key(), br#"{"a":1}"#).to_hex();
/// let sample = Sample { header: header.as_bytes(), body: br#"{ "a": 1 }"#, is_whole: true };
/// let candidates = [Candidate { kind: SecretKind::Current, secret: b"whsec_example" }];
/// assert_eq!(diagnose(&sample, &candidates), Mistake::BodyReserialised);
/// # Ok::<(), vtryon_webhooks::Error>(())
/// ```
pub fn diagnose(sample: &Sample<'_>, candidates: &[Candidate<'_>]) -> Mistake {
    let claim = match claim::read(sample.header) {
        Ok(claim) => claim,
        Err(mistake) => return mistake,
    };
    if !sample.is_whole {
        return claim.form.unproven().unwrap_or(Mistake::BodyIncomplete);
    }
    let found = unchanged(&claim, sample.body, candidates)
        .or_else(|| variants::keys(&claim, sample.body, candidates))
        .or_else(|| variants::bodies(&claim, sample.body, candidates));
    let nothing_to_try = sample.body.is_empty().then_some(Mistake::BodyEmpty);
    found.or(nothing_to_try).or(claim.form.unproven()).unwrap_or(Mistake::Unknown)
}

/// Tries the body as received with every secret, and its plain SHA-256 without a secret.
fn unchanged(claim: &Claim, body: &[u8], candidates: &[Candidate<'_>]) -> Option<Mistake> {
    let signed_by = |candidate: &&Candidate<'_>| claim.is(&Key::of(candidate.secret).mac(body));
    match candidates.iter().find(signed_by).map(|candidate| candidate.kind) {
        Some(SecretKind::Retired) => Some(Mistake::RetiredSecret),
        Some(SecretKind::Endpoint) => Some(Mistake::EndpointSecret),
        Some(SecretKind::Current | SecretKind::Previous) => Some(match claim.form {
            Form::Bare => Mistake::VerifiesNow,
            Form::Prefixed => Mistake::Prefixed,
            Form::Base64 => Mistake::Base64Signature,
        }),
        None => claim.is(Digest::of(body).as_bytes()).then_some(Mistake::PlainHash),
    }
}
