//! The likely mistake behind a request whose signature was refused: for an operator who asks, never for
//! its sender.
//!
//! What senders and proxies get wrong is tried out: another form of the header, another key, another layout of
//! the body. Where one of them makes the signature good, that was the mistake. A guess that fits is a proof,
//! for nobody hits 256 bits by chance; only a form of the header that nothing can be tried on is taken for
//! what it looks like.

mod claim;
mod layout;
mod mistake;
mod variants;

use core::fmt;

use crate::digest::Digest;
use claim::{Claim, Dress};
pub use mistake::{Evidence, Mistake};

/// What was kept of a request that was refused.
///
/// `Debug` shows the sizes.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    /// The value of the signature's header; empty where there was none.
    pub header: &'a [u8],
    /// The body, or its beginning.
    pub body: &'a [u8],
    /// Whether that is all of the body.
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

/// Whose a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// Vtryon's, the one in use.
    Current,
    /// Vtryon's, the one before it, which is still accepted.
    Previous,
    /// Vtryon's, one that is not accepted any more.
    Retired,
    /// The gateway's own, for deliveries to an endpoint.
    Endpoint,
}

/// A secret that may have signed a request.
///
/// `Debug` shows whose it is.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// Whose it is.
    pub held: Held,
    /// The bytes that are the HMAC key of the guide's scheme; of an endpoint's secret that is its text, and
    /// its 32 bytes will do too.
    pub secret: &'a [u8],
}

impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({:?})", self.held)
    }
}

/// Names the likely mistake.
///
/// It computes at most 20 MACs for a secret of Vtryon's, most often 16, and one for an endpoint's, each over no
/// more than four times the body and 4 KiB.
///
/// ```
/// use vtryon_webhooks::diagnosis::{Candidate, Held, Mistake, Sample, diagnose};
/// use vtryon_webhooks::{Secret, Signature};
/// let header = Signature::sign(&Secret::new("whsec_example")?.key(), br#"{"a":1}"#).to_hex();
/// let sample = Sample { header: header.as_bytes(), body: br#"{ "a": 1 }"#, is_whole: true };
/// let candidates = [Candidate { held: Held::Current, secret: b"whsec_example" }];
/// assert_eq!(diagnose(&sample, &candidates), Mistake::BodyReserialised);
/// # Ok::<(), vtryon_webhooks::Error>(())
/// ```
pub fn diagnose(sample: &Sample<'_>, candidates: &[Candidate<'_>]) -> Mistake {
    let claim = match claim::read(sample.header) {
        Ok(claim) => claim,
        Err(mistake) => return mistake,
    };
    if !sample.is_whole {
        return claim.dress.unproven().unwrap_or(Mistake::BodyIncomplete);
    }
    let found = as_it_came(&claim, sample.body, candidates)
        .or_else(|| variants::keys(&claim, sample.body, candidates))
        .or_else(|| variants::bodies(&claim, sample.body, candidates));
    let nothing_to_try = sample.body.is_empty().then_some(Mistake::BodyEmpty);
    found.or(nothing_to_try).or(claim.dress.unproven()).unwrap_or(Mistake::Unknown)
}

/// Tries the body as it came, with every secret as it is, and with none.
fn as_it_came(claim: &Claim, body: &[u8], candidates: &[Candidate<'_>]) -> Option<Mistake> {
    let signed_by = |candidate: &&Candidate<'_>| claim.is(&variants::key(candidate).mac(body));
    match candidates.iter().find(signed_by).map(|candidate| candidate.held) {
        Some(Held::Retired) => Some(Mistake::RetiredSecret),
        Some(Held::Endpoint) => Some(Mistake::EndpointSecret),
        Some(Held::Current | Held::Previous) => Some(match claim.dress {
            Dress::Bare => Mistake::VerifiesNow,
            Dress::Prefixed => Mistake::Prefixed,
            Dress::Base64 => Mistake::Base64Signature,
        }),
        None => claim.is(Digest::of(body).as_bytes()).then_some(Mistake::PlainHash),
    }
}
