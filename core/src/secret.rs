use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::digest::Digest;
use crate::error::{Code, Error};

/// The block length of SHA-256 in bytes (FIPS 180-4), to which RFC 2104 fits a key.
const BLOCK: usize = 64;

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
    /// [`Code::SecretEmpty`], and [`Code::SecretWhitespace`] where the first or the last byte is ASCII
    /// whitespace: what a careless paste leaves, and no key that Vtryon shows.
    ///
    /// ```
    /// use vtryon_webhooks::{Code, Secret};
    /// assert!(Secret::new("whsec_example").is_ok());
    /// assert_eq!(Secret::new("whsec_example\n").unwrap_err().code(), Code::SecretWhitespace);
    /// ```
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let bytes = Zeroizing::new(bytes.into());
        let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
            return Err(Error::new(Code::SecretEmpty));
        };
        if is_whitespace(first) || is_whitespace(last) {
            return Err(Error::new(Code::SecretWhitespace));
        }
        Ok(Self(bytes))
    }

    /// Tells whether `claim` is this secret, in time that depends on the length of `claim` alone.
    ///
    /// For a secret that is itself sent, as a bearer token is; digests are compared, so that a wrong
    /// length takes as long as a wrong byte.
    pub fn matches(&self, claim: &[u8]) -> bool {
        Digest::of(&self.0).as_bytes().ct_eq(Digest::of(claim).as_bytes()).into()
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

/// A secret made ready: the SHA-256 states after the inner and the outer key block of HMAC.
pub struct Key {
    mac: Hmac<Sha256>,
    fingerprint: Fingerprint,
}

impl Key {
    /// Prepares any bytes, also such as no [`Secret`] is made of.
    pub(crate) fn of(secret: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        // RFC 2104, 2: a key longer than a block is hashed first, a shorter one is padded with zeros.
        if secret.len() > BLOCK {
            fill(&mut *block, &Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret)))[..]);
        } else {
            fill(&mut *block, secret);
        }
        let label = Sha256::new().chain_update(FINGERPRINT_LABEL).chain_update(secret).finalize();
        let mut fingerprint = [0; 4];
        fill(&mut fingerprint, &label);
        Self { mac: Hmac::new((&*block).into()), fingerprint: Fingerprint(fingerprint) }
    }

    /// Returns the short name by which this secret is shown.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Computes HMAC-SHA256 of `message` (RFC 2104) from the prepared states.
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        self.mac_of([message])
    }

    /// Computes the same of a message that lies in parts.
    pub(crate) fn mac_of<const N: usize>(&self, parts: [&[u8]; N]) -> [u8; 32] {
        let mac = parts.into_iter().fold(self.mac.clone(), Mac::chain_update);
        mac.finalize().into_bytes().into()
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

const fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Copies as much of `from` as fits.
fn fill(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
