//! Verifies bodies, and the proof of that, [`Verified`].

use alloc::vec::Vec;
use core::fmt;

use subtle::{Choice, ConditionallySelectable};

use crate::error::{Code, Error};
use crate::secret::{Fingerprint, Key, Secret};
use crate::signature::Signature;

/// The maximum length of a body, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(usize);

impl BodyLimit {
    /// The default: 256 KiB. An event of Vtryon's has a few hundred bytes.
    pub const DEFAULT: Self = Self(256 * 1024);

    /// The maximum: 1 MiB, so that a body always fits into one stored row.
    pub const MAX: Self = Self(1024 * 1024);

    /// Accepts 1 byte to [`BodyLimit::MAX`]; returns `None` for any other number.
    pub fn new(bytes: usize) -> Option<Self> {
        (1..=Self::MAX.0).contains(&bytes).then_some(Self(bytes))
    }

    /// Returns the limit in bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// Checks the declared or counted length of a body.
    ///
    /// # Errors
    /// [`Code::PayloadTooLarge`] above the limit.
    pub const fn check(self, length: usize) -> Result<(), Error> {
        if length > self.0 {
            return Err(Error::new(Code::PayloadTooLarge));
        }
        Ok(())
    }
}

/// Verifies bodies against the configured secrets: one, or several during a rotation.
pub struct Verifier {
    keys: Vec<Key>,
    limit: BodyLimit,
}

impl Verifier {
    /// Prepares the keys of all `secrets`, the current one first.
    ///
    /// # Errors
    /// [`Code::SecretMissing`] without a secret.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        let keys: Vec<Key> = secrets.into_iter().map(|secret| secret.key()).collect();
        if keys.is_empty() {
            return Err(Error::new(Code::SecretMissing));
        }
        Ok(Self { keys, limit: BodyLimit::DEFAULT })
    }

    /// Sets the maximum length of a body.
    #[must_use]
    pub fn with_limit(self, limit: BodyLimit) -> Self {
        Self { limit, ..self }
    }

    /// Returns the maximum length of a body.
    pub const fn limit(&self) -> BodyLimit {
        self.limit
    }

    /// Returns the keys, in the order of the secrets.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Verifies the exact bytes of a body, in time that depends only on its length.
    ///
    /// It compares the MACs of all keys in constant time, without an early exit.
    ///
    /// # Errors
    /// [`Code::PayloadTooLarge`], before anything is hashed, else [`Code::SignatureMismatch`]. For an empty body, its hint
    /// says that the body was lost.
    ///
    /// ```
    /// use vtryon_webhooks::{Code, Secret, Signature, Verifier};
    /// let secret = Secret::new("whsec_example")?;
    /// let signature = Signature::sign(&secret.key(), b"{}");
    /// let verifier = Verifier::new([secret])?;
    /// assert_eq!(verifier.verify(b"{}", &signature)?.payload(), b"{}");
    /// assert_eq!(verifier.verify(b"{ }", &signature).unwrap_err().code(), Code::SignatureMismatch);
    /// # Ok::<(), vtryon_webhooks::Error>(())
    /// ```
    pub fn verify<'a>(&self, body: &'a [u8], signature: &Signature) -> Result<Verified<'a>, Error> {
        self.limit.check(body.len())?;
        self.compare(body, signature, self.keys.iter().map(|key| key.mac(body)))
    }

    /// Verifies as [`Verifier::verify`] does, with hashes that the host computed. For each secret, `hashed` holds the
    /// SHA-256 of its [`Secret::inner_pad`] followed by `body`. These hashes are trusted; the outer hash of HMAC and the
    /// comparison are computed here. Use it where the host hashes much faster, as Node does beside WebAssembly.
    ///
    /// # Errors
    /// As [`Verifier::verify`]. A secret without a hash matches nothing.
    ///
    /// ```
    /// use sha2::{Digest, Sha256};
    /// use vtryon_webhooks::{Code, Secret, Signature, Verifier};
    /// let secret = Secret::new("whsec_example")?;
    /// let signature = Signature::sign(&secret.key(), b"{}");
    /// let pad = secret.inner_pad();
    /// let verifier = Verifier::new([secret])?;
    /// let hash = |body: &[u8]| Sha256::new().chain_update(&pad).chain_update(body).finalize().into();
    /// assert!(verifier.verify_hashed(b"{}", &[hash(b"{}")], &signature).is_ok());
    /// let refused = verifier.verify_hashed(b"{ }", &[hash(b"{ }")], &signature).unwrap_err();
    /// assert_eq!(refused.code(), Code::SignatureMismatch);
    /// # Ok::<(), vtryon_webhooks::Error>(())
    /// ```
    pub fn verify_hashed<'a>(
        &self,
        body: &'a [u8],
        hashed: &[[u8; 32]],
        signature: &Signature,
    ) -> Result<Verified<'a>, Error> {
        self.limit.check(body.len())?;
        let macs = self.keys.iter().zip(hashed).map(|(key, inner)| key.mac_of_hash(inner));
        self.compare(body, signature, macs)
    }

    /// Compares the signature with the MAC of each key, without an early exit.
    fn compare<'a>(
        &self,
        body: &'a [u8],
        signature: &Signature,
        macs: impl Iterator<Item = [u8; 32]>,
    ) -> Result<Verified<'a>, Error> {
        let (found, index) = first_match(macs.map(|mac| signature.equals(&mac)));
        verdict(body, found, index, |index| self.keys.get(index).map(Key::fingerprint))
    }
}

/// Finds the first comparison that holds, without an early exit. Returns whether there is one, and its position.
pub(crate) fn first_match(comparisons: impl Iterator<Item = Choice>) -> (Choice, u32) {
    let mut found = Choice::from(0);
    let mut index = 0_u32;
    for (position, equal) in (0_u32..).zip(comparisons) {
        index.conditional_assign(&position, equal & !found);
        found |= equal;
    }
    (found, index)
}

/// Makes the result of the comparison public: whether a secret matched, and which one.
///
/// Nothing else branches on what was compared. `make secret-flow` allows it in this function alone, so it is never inlined.
#[inline(never)]
pub(crate) fn verdict(
    body: &[u8],
    found: Choice,
    index: u32,
    fingerprint: impl Fn(usize) -> Option<Fingerprint>,
) -> Result<Verified<'_>, Error> {
    let secret_index = index as usize;
    match (bool::from(found), fingerprint(secret_index)) {
        (true, Some(fingerprint)) => Ok(Verified { body, secret_index, fingerprint }),
        (_, _) => Err(Error::mismatch(body)),
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).field("limit", &self.limit).finish()
    }
}

/// The proof that a configured secret signed these bytes. Only a verifier makes one, and
/// [`Event::parse`](crate::Event::parse) accepts nothing else.
///
/// `Debug` shows only the length and the fingerprint.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    body: &'a [u8],
    secret_index: usize,
    fingerprint: Fingerprint,
}

impl<'a> Verified<'a> {
    /// Returns the exact bytes that were signed.
    pub const fn payload(&self) -> &'a [u8] {
        self.body
    }

    /// Returns the position of the matching secret among those given to [`Verifier::new`].
    pub const fn secret_index(&self) -> usize {
        self.secret_index
    }

    /// Returns the fingerprint of the matching secret.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes by {})", self.body.len(), self.fingerprint)
    }
}
