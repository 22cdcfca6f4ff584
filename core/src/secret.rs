//! Secrets as configured, the HMAC keys made of them, and their fingerprints.

mod checks;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use base64ct::Encoding;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::digest::Digest;
use crate::error::{Code, Error};
use crate::prehashed::{self, BLOCK, OuterHash};

/// What the text of an endpoint's secret begins with, by Standard Webhooks, and that of Vtryon's as it is shown.
pub(crate) const SECRET_PREFIX: &str = "whsec_";

/// The prefix that is hashed with a secret to make its fingerprint, so that it equals no other hash of the secret.
const FINGERPRINT_LABEL: &[u8] = b"vtryon-webhooks fingerprint\0";

/// A webhook secret as configured. Its bytes are the HMAC key; nothing is decoded.
///
/// It can't be printed or cloned, and its memory is overwritten when it is dropped.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Checks and stores the bytes of a secret.
    ///
    /// # Errors
    /// For common mistakes in configuration, which no secret of Vtryon's looks like: `secret_empty`, also for zero bytes
    /// alone and for `whsec_` alone; `secret_whitespace` if the first or the last byte is ASCII whitespace; and for a
    /// text `secret_invisible` for a byte order mark, a no-break space, a zero-width or a control character anywhere,
    /// `secret_quoted` for quotes around it, and `secret_placeholder` for `undefined`, `null`, `${NAME}` and the like.
    ///
    /// ```
    /// use vtryon_webhooks::{Code, Secret};
    /// assert!(Secret::new("whsec_example").is_ok());
    /// assert_eq!(Secret::new("whsec_example\n").unwrap_err().code(), Code::SecretWhitespace);
    /// ```
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        Self::check(Zeroizing::new(bytes.into()))
    }

    fn check(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        checks::check(&bytes)?;
        Ok(Self(bytes))
    }

    /// Checks and stores several secrets, the current one first.
    ///
    /// # Errors
    /// As [`Secret::new`]. With several secrets, the message names the position, such as `secrets[1]`.
    ///
    /// ```
    /// use vtryon_webhooks::Secret;
    /// let error = Secret::list(["whsec_example", "whsec_other\n"]).unwrap_err();
    /// assert_eq!(error.to_string(), "`secrets[1]`: the secret begins or ends with whitespace");
    /// ```
    pub fn list<T: Into<Vec<u8>>>(secrets: impl IntoIterator<Item = T>) -> Result<Vec<Self>, Error> {
        // All are wrapped before the first is checked, so that each is overwritten even if one is refused.
        let secrets: Vec<_> = secrets.into_iter().map(|secret| Zeroizing::new(secret.into())).collect();
        let count = secrets.len();
        let secret = |(position, bytes)| Self::check(bytes).map_err(|error| error.in_secret(position, count));
        secrets.into_iter().enumerate().map(secret).collect()
    }

    /// Returns whether `claim` equals this secret, in time that depends only on the length of `claim`.
    ///
    /// It is for secrets that are sent themselves, such as bearer tokens. It compares hashes, so a wrong length takes as
    /// long as a wrong byte.
    pub fn matches(&self, claim: &[u8]) -> bool {
        Digest::of(&self.0).as_bytes().ct_eq(Digest::of(claim).as_bytes()).into()
    }

    /// Returns the inner pad of HMAC (RFC 2104), for a host that hashes faster than this code. The host computes the
    /// SHA-256 of the pad and the message, and [`Verifier::verify_hashed`](crate::Verifier::verify_hashed) completes the
    /// MAC. Keep the pad as secret as the secret: it can sign.
    pub fn inner_pad(&self) -> Zeroizing<[u8; BLOCK]> {
        prehashed::inner_pad(&key_block(&self.0))
    }

    /// Returns the bytes, to derive another key from them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Prepares the HMAC key. Make it once and use it for many messages.
    pub fn key(&self) -> Key {
        Key::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.key().fingerprint)
    }
}

/// A prepared secret: the state of HMAC-SHA256 after the key, which is cloned for each message.
pub struct Key {
    hmac: Hmac<Sha256>,
    /// For messages whose inner hash the host has computed.
    outer_hash: OuterHash,
    fingerprint: Fingerprint,
}

/// Does not compile if `sha2` leaves its state in memory. `Hmac<Sha256>` holds two such states and nothing else of the key.
const fn is_overwritten_on_drop<T: ZeroizeOnDrop>() {}
const _: () = is_overwritten_on_drop::<Sha256>();

impl Key {
    /// Prepares a key of any bytes, without the checks of [`Secret::new`].
    pub(crate) fn of(secret: &[u8]) -> Self {
        let label = Sha256::new().chain_update(FINGERPRINT_LABEL).chain_update(secret).finalize();
        let mut fingerprint = [0; 4];
        copy_prefix(&mut fingerprint, &label);
        let block = key_block(secret);
        Self { hmac: hmac(&block), outer_hash: OuterHash::new(&block), fingerprint: Fingerprint(fingerprint) }
    }

    /// Returns the name under which the secret is shown to operators.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Computes HMAC-SHA256 of `message` (RFC 2104).
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        self.hmac.clone().chain_update(message).finalize().into_bytes().into()
    }

    /// Computes the same from the SHA-256 of [`Secret::inner_pad`] and the message.
    pub(crate) fn mac_of_hash(&self, inner_hash: &[u8; 32]) -> [u8; 32] {
        self.outer_hash.finish(inner_hash)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.fingerprint)
    }
}

/// Names a secret without revealing it: 32 bits of a labelled SHA-256, shown as 8 hex digits.
///
/// It tells an operator which of several secrets matched. It proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 4]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes the key block of HMAC (RFC 2104, 2): a longer secret is hashed, a shorter one is padded with zeros.
pub(crate) fn key_block(secret: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let mut block = Zeroizing::new([0; BLOCK]);
    if secret.len() > BLOCK {
        copy_prefix(&mut *block, &Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret)))[..]);
    } else {
        copy_prefix(&mut *block, secret);
    }
    block
}

/// Prepares HMAC-SHA256 under a key block. While it does, `hmac` copies the key to the stack and does not overwrite it.
pub(crate) fn hmac(key_block: &[u8; BLOCK]) -> Hmac<Sha256> {
    Hmac::new(key_block.into())
}

/// Refuses a key of zero bytes alone, or of no bytes. HMAC pads a key with zeros to 64 bytes, so up to 64 zeros are the
/// empty key, with which anyone can sign.
pub(crate) fn check_key(key: &[u8]) -> Result<(), Error> {
    if key.iter().all(|byte| *byte == 0) {
        let what = "the secret holds only zero bytes, which are as good as none";
        return Err(Error::because(Code::SecretEmpty, what));
    }
    Ok(())
}

/// Decodes a key from base64. What was decoded is overwritten in memory even if the rest of the digits is no base64.
pub(crate) fn decode_key<E: Encoding>(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0_u8; digits.len()]);
    let length = E::decode(digits, &mut key).ok()?.len();
    key.truncate(length);
    Some(key)
}

/// Copies as many bytes of `from` as fit into `to`.
fn copy_prefix(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
