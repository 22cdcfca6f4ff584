//! Verifies messages by [Standard Webhooks](https://www.standardwebhooks.com), for receivers behind the gateway.
//!
//! Vtryon's own signature covers only the body. This one also covers the message's id and time, so a request that is
//! replayed later is refused.
//!
//! A receiver behind the gateway verifies the headers with the secret of its endpoint, and refuses what is older than the
//! tolerance, 300 seconds by default:
//!
//! ```rust
//! use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier};
//! use vtryon_webhooks::{Event, Millis, Secret};
//!
//! # let secret = vtryon_webhooks::delivery::EndpointSecret::from_bytes([7; 32]);
//! # let body = br#"{"event":"generation.status_changed","task_id":"task_123","status":"queued"}"#;
//! # let (id, timestamp, now) = ("evt_1", "1780000000", Millis(1_780_000_000_000));
//! # let signature = secret.signer().standard(id, 1_780_000_000, body);
//! # let secret = secret.reveal().as_bytes().to_vec();
//! let verifier = MessageVerifier::new([Secret::new(secret)?])?; // the endpoint's secret, whsec_ included
//!
//! let headers = MessageHeaders::parse(id.as_bytes(), timestamp.as_bytes(), signature.as_bytes())?;
//! let message = verifier.verify(body, &headers, now)?;
//! let event = Event::parse(message.verified())?;
//! assert_eq!((message.id(), event.task_id().as_str()), ("evt_1", "task_123"));
//! # Ok::<(), vtryon_webhooks::Error>(())
//! ```
//!
//! `message.id()` is the same for each attempt and each replay: do nothing twice for the same one.

mod headers;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use base64ct::Base64;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::Choice;

pub use headers::{ID_HEADER, MAX_SIGNATURES, MessageHeaders, SIGNATURE_HEADER, TIMESTAMP_HEADER};

use crate::error::{Code, Error};
use crate::millis::Millis;
use crate::secret::{Fingerprint, SECRET_PREFIX, Secret, check_key, decode_key, hmac, key_block};
use crate::verifier::{BodyLimit, Verified, first_match, verdict};

/// How far the timestamp of a message may differ from the receiver's clock, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    seconds: u32,
}

impl Tolerance {
    /// The default: 300 seconds, as in the libraries of Standard Webhooks.
    pub const DEFAULT: Self = Self { seconds: 300 };

    /// The maximum: one day.
    pub const MAX: Self = Self { seconds: 86_400 };

    /// Accepts 1 second to [`Tolerance::MAX`]; returns `None` for any other number.
    pub fn new(seconds: u32) -> Option<Self> {
        (1..=Self::MAX.seconds).contains(&seconds).then_some(Self { seconds })
    }

    /// Returns the tolerance in seconds.
    pub const fn seconds(self) -> u32 {
        self.seconds
    }
}

/// The hint of the code is about Vtryon's own secret.
const MISMATCH_HINT: &str = "verify the raw body, before anything parses it, with the secret that the gateway shows for this endpoint; while it is rotated, configure both";

/// A prepared secret.
struct MessageKey {
    hmac: Hmac<Sha256>,
    fingerprint: Fingerprint,
}

impl MessageKey {
    /// Decodes the text of a secret, `whsec_` and base64. The decoded bytes are the HMAC key.
    fn new(secret: &Secret) -> Result<Self, Error> {
        const WRONG: Error = Error::because(Code::InvalidOption, "the secret is not whsec_ and base64")
            .with_hint("configure the secret that the gateway shows for this endpoint, whsec_ included");
        let text = core::str::from_utf8(secret.bytes()).ok();
        let digits = text.and_then(|text| text.strip_prefix(SECRET_PREFIX)).ok_or(WRONG)?;
        let bytes = decode_key::<Base64>(digits).ok_or(WRONG)?;
        check_key(&bytes)?;
        Ok(Self { hmac: hmac(&key_block(&bytes)), fingerprint: secret.key().fingerprint() })
    }
}

/// Verifies messages against the configured secrets: one, or several during a rotation.
pub struct MessageVerifier {
    keys: Vec<MessageKey>,
    limit: BodyLimit,
    tolerance: Tolerance,
}

impl MessageVerifier {
    /// Prepares the keys of all `secrets`, the current one first.
    ///
    /// # Errors
    /// [`Code::SecretMissing`] without a secret; [`Code::InvalidOption`] for one that is not `whsec_` and base64;
    /// [`Code::SecretEmpty`] for one that encodes zero bytes alone. With several secrets, the message names the position.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        let secrets: Vec<Secret> = secrets.into_iter().collect();
        if secrets.is_empty() {
            return Err(Error::new(Code::SecretMissing));
        }
        let key = |(position, secret)| {
            MessageKey::new(secret).map_err(|error| error.in_secret(position, secrets.len()))
        };
        let keys = secrets.iter().enumerate().map(key).collect::<Result<_, _>>()?;
        Ok(Self { keys, limit: BodyLimit::DEFAULT, tolerance: Tolerance::DEFAULT })
    }

    /// Sets the maximum length of a body.
    #[must_use]
    pub fn with_limit(self, limit: BodyLimit) -> Self {
        Self { limit, ..self }
    }

    /// Sets how far a timestamp may differ from the receiver's clock.
    #[must_use]
    pub fn with_tolerance(self, tolerance: Tolerance) -> Self {
        Self { tolerance, ..self }
    }

    /// Returns the fingerprints of the secrets, in the order of the secrets.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.keys.iter().map(|key| key.fingerprint)
    }

    /// Checks what is known before the body is read: the time, and the declared length of the body in bytes.
    ///
    /// # Errors
    /// [`Code::TimestampTooOld`], [`Code::TimestampTooNew`], [`Code::PayloadTooLarge`].
    pub fn admit(&self, headers: &MessageHeaders<'_>, now: Millis, length: usize) -> Result<(), Error> {
        let signed_at = Millis(0).plus_seconds(headers.timestamp());
        let tolerance = i64::from(self.tolerance.seconds);
        if signed_at.plus_seconds(tolerance) < now {
            return Err(Error::new(Code::TimestampTooOld));
        }
        if signed_at > now.plus_seconds(tolerance) {
            return Err(Error::new(Code::TimestampTooNew));
        }
        self.limit.check(length)
    }

    /// Verifies the exact bytes of a body.
    ///
    /// It compares the MACs of all keys with all signatures in constant time, without an early exit.
    ///
    /// # Errors
    /// Those of [`MessageVerifier::admit`], before anything is hashed, else [`Code::SignatureMismatch`]. For an empty
    /// body, its hint says that the body was lost.
    ///
    /// ```
    /// use vtryon_webhooks::delivery::EndpointSecret;
    /// use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier};
    /// use vtryon_webhooks::{Code, Millis, Secret};
    /// let secret = EndpointSecret::from_bytes([7; 32]);
    /// let signature = secret.signer().standard("evt_1", 1_780_000_000, b"{}");
    /// let verifier = MessageVerifier::new([Secret::new(secret.reveal().as_bytes())?])?;
    ///
    /// let headers = MessageHeaders::parse(b"evt_1", b"1780000000", signature.as_bytes())?;
    /// assert_eq!(verifier.verify(b"{}", &headers, Millis(1_780_000_300_000))?.id(), "evt_1");
    /// let late = verifier.verify(b"{}", &headers, Millis(1_780_000_300_001)).unwrap_err();
    /// assert_eq!(late.code(), Code::TimestampTooOld);
    /// # Ok::<(), vtryon_webhooks::Error>(())
    /// ```
    pub fn verify<'a>(
        &self,
        body: &'a [u8],
        headers: &MessageHeaders<'a>,
        now: Millis,
    ) -> Result<VerifiedMessage<'a>, Error> {
        self.admit(headers, now, body.len())?;
        let (id, timestamp) = (headers.id(), headers.timestamp());
        let (found, index) = first_match(self.keys.iter().map(|key| {
            let mac = mac(&key.hmac, id, timestamp, body);
            headers.signatures().iter().fold(Choice::from(0), |any, signature| any | signature.equals(&mac))
        }));
        let verified =
            verdict(body, found, index, |index| self.keys.get(index).map(|key| key.fingerprint))
                .map_err(|error| if body.is_empty() { error } else { error.with_hint(MISMATCH_HINT) })?;
        Ok(VerifiedMessage { verified, id, timestamp })
    }
}

impl fmt::Debug for MessageVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageVerifier")
            .field("keys", &self.fingerprints().collect::<Vec<_>>())
            .field("limit", &self.limit)
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

/// A message that a configured secret signed within the tolerance. Only [`MessageVerifier::verify`] makes one.
///
/// `Debug` shows only the length of the body and the fingerprint.
#[derive(Clone, Copy)]
pub struct VerifiedMessage<'a> {
    verified: Verified<'a>,
    id: &'a str,
    timestamp: i64,
}

impl<'a> VerifiedMessage<'a> {
    /// Returns the proof for the body, which [`Event::parse`](crate::Event::parse) takes.
    pub const fn verified(&self) -> &Verified<'a> {
        &self.verified
    }

    /// Returns the value of `webhook-id`, which is the same for every attempt and replay of the message.
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// Returns the time at which the attempt was signed, in seconds since 1970.
    pub const fn timestamp(&self) -> i64 {
        self.timestamp
    }
}

impl fmt::Debug for VerifiedMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedMessage({:?})", self.verified)
    }
}

/// Computes the HMAC-SHA256 of the signed content: the id, the timestamp and the body, separated by dots.
pub(crate) fn mac(key: &Hmac<Sha256>, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
    let timestamp = timestamp.to_string();
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    parts.into_iter().fold(key.clone(), Mac::chain_update).finalize().into_bytes().into()
}
