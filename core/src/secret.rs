mod careless;

use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::digest::Digest;
use crate::error::Error;
use crate::prehashed::{self, BLOCK, OuterHash};

/// What is hashed before the secret to make a fingerprint, so that it equals no other digest of it.
const FINGERPRINT_LABEL: &[u8] = b"vtryon-webhooks fingerprint\0";

/// A webhook secret as configured: its bytes are the HMAC key, whatever they look like.
///
/// It is neither printed nor copied, and its memory is overwritten when it goes.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes of a secret.
    ///
    /// # Errors
    /// For what a careless paste leaves, and no key that Vtryon shows: `secret_empty`; `secret_whitespace` where the
    /// first or the last byte is ASCII whitespace; and of a text `secret_invisible` for a byte order mark, a no-break
    /// space, a zero-width or a control character anywhere, `secret_quoted` for quotes around it, and
    /// `secret_placeholder` for `undefined`, `null`, `${NAME}` and the like.
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
        careless::check(&bytes)?;
        Ok(Self(bytes))
    }

    /// Takes the bytes of several secrets, the current one first.
    ///
    /// # Errors
    /// As [`Secret::new`]; of several secrets, the text names the position, as `secrets[1]`.
    ///
    /// ```
    /// use vtryon_webhooks::Secret;
    /// let error = Secret::list(["whsec_example", "whsec_other\n"]).unwrap_err();
    /// assert_eq!(error.to_string(), "`secrets[1]`: the secret begins or ends with whitespace");
    /// ```
    pub fn list<T: Into<Vec<u8>>>(secrets: impl IntoIterator<Item = T>) -> Result<Vec<Self>, Error> {
        // All of them are taken before any is judged, so that each is overwritten when it goes.
        let secrets: Vec<_> = secrets.into_iter().map(|secret| Zeroizing::new(secret.into())).collect();
        let is_list = secrets.len() > 1;
        let place = |position, error: Error| if is_list { error.in_secret(position) } else { error };
        let secret = |(position, bytes)| Self::check(bytes).map_err(|error| place(position, error));
        secrets.into_iter().enumerate().map(secret).collect()
    }

    /// Tells whether `claim` is this secret, in time that depends on the length of `claim` alone.
    ///
    /// For a secret that is itself sent, as a bearer token is; digests are compared, so that a wrong
    /// length takes as long as a wrong byte.
    pub fn matches(&self, claim: &[u8]) -> bool {
        Digest::of(&self.0).as_bytes().ct_eq(Digest::of(claim).as_bytes()).into()
    }

    /// Returns the inner key block of HMAC (RFC 2104), for a host that hashes faster than this code: it hashes
    /// the block and a message, and [`Verifier::verify_hashed`](crate::Verifier::verify_hashed) goes on from there.
    /// It is as secret as the secret.
    pub fn inner_pad(&self) -> Zeroizing<[u8; BLOCK]> {
        prehashed::inner_pad(&fitted(&self.0))
    }

    /// Returns the bytes, for what derives another key from them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Computes the key, once for all the messages that it will verify or sign.
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
    /// Prepares any bytes, also such as no [`Secret`] is made of.
    pub(crate) fn of(secret: &[u8]) -> Self {
        let label = Sha256::new().chain_update(FINGERPRINT_LABEL).chain_update(secret).finalize();
        let mut fingerprint = [0; 4];
        fill(&mut fingerprint, &label);
        let block = fitted(secret);
        Self {
            hmac: Hmac::new((&*block).into()),
            outer_hash: OuterHash::new(&block),
            fingerprint: Fingerprint(fingerprint),
        }
    }

    /// Returns the short name by which this secret is shown.
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

/// Names a secret without telling it: 32 bits of a labelled SHA-256, shown as 8 hex digits.
///
/// It tells an operator which of several secrets matched. It is no proof of anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 4]);

impl Fingerprint {
    /// Returns the 4 bytes.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }
}

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

/// Fits a secret to a block (RFC 2104, 2): a longer one is hashed first, a shorter one is padded with zeros.
pub(crate) fn fitted(secret: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let mut block = Zeroizing::new([0; BLOCK]);
    if secret.len() > BLOCK {
        fill(&mut *block, &Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret)))[..]);
    } else {
        fill(&mut *block, secret);
    }
    block
}

/// Copies as much of `from` as fits.
fn fill(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
