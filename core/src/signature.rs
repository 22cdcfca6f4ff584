//! Parses and makes Vtryon's signature.

use alloc::string::String;
use core::fmt;

use subtle::{Choice, ConstantTimeEq};

use crate::error::{Code, Error};
use crate::secret::Key;

/// The request header with the signature (Vtryon's guide), in lower case.
pub const SIGNATURE_HEADER: &str = "x-vtryon-signature";

/// A signature that a request claims: the 32 bytes of an HMAC-SHA256 over the exact bytes of the body.
///
/// `Debug` shows none of them.
#[derive(Clone, Copy)]
pub struct Signature(pub(crate) [u8; 32]);

impl Signature {
    /// Parses the header's value: exactly 64 hex digits, upper or lower case.
    ///
    /// # Errors
    /// [`Code::MissingSignature`] if it is empty, [`Code::MultipleSignatures`] if it holds a comma (HTTP joins repeated
    /// headers with commas, RFC 9110, 5.3), else [`Code::MalformedSignature`].
    ///
    /// ```
    /// use vtryon_webhooks::{Code, Signature};
    /// assert!(Signature::parse("ab".repeat(32).as_bytes()).is_ok());
    /// assert_eq!(Signature::parse(b"sha256=abcd").unwrap_err().code(), Code::MalformedSignature);
    /// ```
    pub fn parse(value: &[u8]) -> Result<Self, Error> {
        if value.is_empty() {
            return Err(Error::new(Code::MissingSignature));
        }
        let mut bytes = [0; 32];
        match hex::decode_to_slice(value, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) if value.contains(&b',') => Err(Error::new(Code::MultipleSignatures)),
            Err(_) => Err(Error::new(Code::MalformedSignature)),
        }
    }

    /// Parses all values that a request has for [`SIGNATURE_HEADER`]; there must be exactly one.
    ///
    /// # Errors
    /// As [`Signature::parse`]; [`Code::MissingSignature`] without a value, [`Code::MultipleSignatures`] for two or more,
    /// even if they are equal.
    pub fn from_values<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Error> {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Err(Error::new(Code::MissingSignature)),
            (Some(value), None) => Self::parse(value),
            (Some(_), Some(_)) => Err(Error::new(Code::MultipleSignatures)),
        }
    }

    /// Signs `body` as Vtryon does, for tests and deliveries.
    ///
    /// ```
    /// use vtryon_webhooks::{Secret, Signature};
    /// let key = Secret::new("Jefe")?.key();
    /// // RFC 4231, 4.3
    /// assert_eq!(
    ///     Signature::sign(&key, b"what do ya want for nothing?").to_hex(),
    ///     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    /// );
    /// # Ok::<(), vtryon_webhooks::Error>(())
    /// ```
    pub fn sign(key: &Key, body: &[u8]) -> Self {
        Self(key.mac(body))
    }

    /// Compares with a MAC in constant time.
    pub(crate) fn equals(&self, mac: &[u8; 32]) -> Choice {
        self.0.ct_eq(mac)
    }

    /// Returns the header's value: 64 lower-case hex digits.
    ///
    /// Use it only for signatures that are sent. The encoder reads a table at positions that depend on the bytes, so it
    /// does not run in constant time, and the expected signature of a request is never encoded.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}
