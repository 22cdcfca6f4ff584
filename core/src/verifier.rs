use alloc::vec::Vec;
use core::fmt;

use subtle::{Choice, ConditionallySelectable};

use crate::error::{Code, Error};
use crate::secret::{Fingerprint, Key, Secret};
use crate::signature::Signature;

/// How long a body may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(usize);

impl BodyLimit {
    /// The limit where none is configured: 256 KiB. A Vtryon event has a few hundred bytes.
    pub const DEFAULT: Self = Self(256 * 1024);

    /// The highest limit that can be configured: 1 MiB, so that a body always fits into one stored row.
    pub const MAX: Self = Self(1024 * 1024);

    /// Takes a limit from 1 byte to [`BodyLimit::MAX`]; outside of that there is none.
    pub fn new(bytes: usize) -> Option<Self> {
        (1..=Self::MAX.0).contains(&bytes).then_some(Self(bytes))
    }

    /// Returns the limit in bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// Tells whether a body of `length` bytes, declared or counted, is within the limit.
    ///
    /// # Errors
    /// [`Code::PayloadTooLarge`].
    pub const fn check(self, length: usize) -> Result<(), Error> {
        if length > self.0 {
            return Err(Error::new(Code::PayloadTooLarge));
        }
        Ok(())
    }
}

/// Verifies bodies against the configured secrets: one, or several while they are rotated.
pub struct Verifier {
    keys: Vec<Key>,
    limit: BodyLimit,
}

impl Verifier {
    /// Prepares the keys of all `secrets`, the current one first.
    ///
    /// # Errors
    /// [`Code::SecretMissing`] when there is none.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Result<Self, Error> {
        let keys: Vec<Key> = secrets.into_iter().map(|secret| secret.key()).collect();
        if keys.is_empty() {
            return Err(Error::new(Code::SecretMissing));
        }
        Ok(Self { keys, limit: BodyLimit::DEFAULT })
    }

    /// Sets how long a body may be.
    #[must_use]
    pub fn with_limit(self, limit: BodyLimit) -> Self {
        Self { limit, ..self }
    }

    /// Returns how long a body may be.
    pub const fn limit(&self) -> BodyLimit {
        self.limit
    }

    /// Returns the keys, in the order of their secrets.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Verifies the exact bytes of a body, in time that depends on its length alone.
    ///
    /// Every key is tried, without an early exit, and compared in constant time.
    ///
    /// # Errors
    /// [`Code::PayloadTooLarge`] before anything is hashed, else [`Code::SignatureMismatch`], whose hint for an
    /// empty body is that the body never arrived.
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
        self.judge(body, signature, self.keys.iter().map(|key| key.mac(body)))
    }

    /// Verifies as [`Verifier::verify`] does, where the host has hashed: `hashed` holds for each of
    /// the secrets the SHA-256 of its [`Secret::inner_pad`] followed by `body`, which is believed.
    /// What remains of HMAC, and the verdict, are computed here.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; a secret without a digest matches nothing.
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
        self.judge(body, signature, macs)
    }

    /// Compares with the MAC by each key, without an early exit.
    fn judge<'a>(
        &self,
        body: &'a [u8],
        signature: &Signature,
        macs: impl Iterator<Item = [u8; 32]>,
    ) -> Result<Verified<'a>, Error> {
        let mut found = Choice::from(0);
        let mut index = 0_u32;
        for (candidate, mac) in (0_u32..).zip(macs) {
            let equal = signature.equals(&mac);
            index.conditional_assign(&candidate, equal & !found);
            found |= equal;
        }
        let index = index as usize;
        match (bool::from(found), self.keys.get(index)) {
            (true, Some(key)) => Ok(Verified { body, key_index: index, fingerprint: key.fingerprint() }),
            (_, _) => Err(Error::mismatch(body)),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).field("limit", &self.limit).finish()
    }
}

/// Bytes that a configured secret has signed. Only a verifier makes one, and only this is parsed.
///
/// `Debug` shows the length and the fingerprint.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    body: &'a [u8],
    key_index: usize,
    fingerprint: Fingerprint,
}

impl<'a> Verified<'a> {
    /// For what verifies by another scheme, after it did.
    pub(crate) const fn proven(body: &'a [u8], key_index: usize, fingerprint: Fingerprint) -> Self {
        Self { body, key_index, fingerprint }
    }

    /// Returns the bytes, exactly as they were signed.
    pub const fn payload(&self) -> &'a [u8] {
        self.body
    }

    /// Returns the position of the secret that matched, among those given to [`Verifier::new`].
    pub const fn key_index(&self) -> usize {
        self.key_index
    }

    /// Returns the fingerprint of the secret that matched.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes by {})", self.body.len(), self.fingerprint)
    }
}
