//! Parses the three headers of Standard Webhooks.

use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding};

use crate::error::{Code, Error};
use crate::signature::Signature;

/// The request header with the id of the message, in lower case.
pub const ID_HEADER: &str = "webhook-id";

/// The request header with the time of the attempt in seconds since 1970, in lower case.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The request header with the signatures, in lower case.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// The maximum number of signatures in the header. The gateway sends up to three, one per secret.
pub const MAX_SIGNATURES: usize = 16;

/// The maximum length of the header with the signatures, in bytes.
const MAX_SIGNATURE_BYTES: usize = 4096;

/// The maximum length of an id, in bytes.
const MAX_ID_BYTES: usize = 256;

/// The maximum number of digits of a timestamp. So many seconds, as milliseconds, still fit into an `i64`.
const MAX_TIMESTAMP_DIGITS: usize = 15;

// The texts of these two codes are about Vtryon's own header.
const MISSING_SIGNATURE: Error =
    Error::because(Code::MissingSignature, "the header webhook-signature is missing or empty")
        .with_hint(Code::MissingMessageId.hint());
const MULTIPLE_SIGNATURES: Error =
    Error::because(Code::MultipleSignatures, "the header webhook-signature holds more than one value")
        .with_hint("the gateway sends the header once, with blanks between several signatures; see whether a proxy repeats or joins it");

/// The three headers of a message. Their form is checked, the signatures are not verified yet.
///
/// `Debug` shows only the number of signatures.
pub struct MessageHeaders<'a> {
    id: &'a str,
    timestamp: i64,
    signatures: Vec<Signature>,
}

impl<'a> MessageHeaders<'a> {
    /// Parses the values of [`ID_HEADER`], [`TIMESTAMP_HEADER`] and [`SIGNATURE_HEADER`]. Pass an empty value for an
    /// absent header.
    ///
    /// # Errors
    /// The first that applies of [`Code::MissingMessageId`], [`Code::MalformedMessageId`],
    /// [`Code::MissingTimestamp`], [`Code::MalformedTimestamp`], [`Code::MissingSignature`],
    /// [`Code::MultipleSignatures`] for headers that were joined by a comma, and [`Code::MalformedSignature`] where
    /// no signature of version 1 is among them, or more than [`MAX_SIGNATURES`].
    pub fn parse(id: &'a [u8], timestamp: &[u8], signature: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            id: read_id(id)?,
            timestamp: read_timestamp(timestamp)?,
            signatures: read_signatures(signature)?,
        })
    }

    /// Parses all values that a request has for each of the three headers.
    ///
    /// # Errors
    /// As [`MessageHeaders::parse`]. A repeated header is malformed; repeated signatures are
    /// [`Code::MultipleSignatures`].
    pub fn from_values(
        ids: impl IntoIterator<Item = &'a [u8]>,
        timestamps: impl IntoIterator<Item = &'a [u8]>,
        signatures: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, Error> {
        Ok(Self {
            id: read_id(single_value(ids, Error::new(Code::MalformedMessageId))?)?,
            timestamp: read_timestamp(single_value(timestamps, Error::new(Code::MalformedTimestamp))?)?,
            signatures: read_signatures(single_value(signatures, MULTIPLE_SIGNATURES)?)?,
        })
    }

    /// Returns the id.
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// Returns the timestamp, in seconds since 1970.
    pub const fn timestamp(&self) -> i64 {
        self.timestamp
    }

    pub(super) fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

impl fmt::Debug for MessageHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageHeaders({} signatures)", self.signatures.len())
    }
}

/// Returns the only value, or an empty one if there is none.
fn single_value<'a>(values: impl IntoIterator<Item = &'a [u8]>, repeated: Error) -> Result<&'a [u8], Error> {
    let mut values = values.into_iter();
    let first = values.next().unwrap_or_default();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(repeated),
    }
}

/// Parses an id. It must not hold a dot: with one, the same signature would be valid for another id and body.
fn read_id(value: &[u8]) -> Result<&str, Error> {
    if value.is_empty() {
        return Err(Error::new(Code::MissingMessageId));
    }
    let is_id = |byte: &u8| byte.is_ascii_graphic() && *byte != b'.';
    let is_well_formed = value.len() <= MAX_ID_BYTES && value.iter().all(is_id);
    let text = core::str::from_utf8(value).ok().filter(|_| is_well_formed);
    text.ok_or(Error::new(Code::MalformedMessageId))
}

/// Parses a timestamp. Only one spelling is accepted, because its text is what is signed.
fn read_timestamp(value: &[u8]) -> Result<i64, Error> {
    if value.is_empty() {
        return Err(Error::new(Code::MissingTimestamp));
    }
    let is_number = value.len() <= MAX_TIMESTAMP_DIGITS && value.iter().all(u8::is_ascii_digit);
    let is_plain = is_number && (value.len() == 1 || !value.starts_with(b"0"));
    let text = core::str::from_utf8(value).ok().filter(|_| is_plain);
    text.and_then(|text| text.parse().ok()).ok_or(Error::new(Code::MalformedTimestamp))
}

/// Parses the signatures of version 1, each the base64 of 32 bytes. Other versions are skipped.
fn read_signatures(value: &[u8]) -> Result<Vec<Signature>, Error> {
    const NONE: Error =
        Error::because(Code::MalformedSignature, "the header webhook-signature holds no signature of version 1")
            .with_hint("pass the header's value as it came: v1, and 44 characters of base64, or several such with blanks between them");
    const TOO_LONG: Error =
        Error::because(Code::MalformedSignature, "the header webhook-signature holds too many signatures")
            .with_hint("it may hold 16 signatures and 4096 bytes");
    if value.is_empty() {
        return Err(MISSING_SIGNATURE);
    }
    if value.len() > MAX_SIGNATURE_BYTES {
        return Err(TOO_LONG);
    }
    let parts = || value.split(|byte| *byte == b' ').filter(|part| !part.is_empty());
    if parts().any(|part| part.iter().filter(|byte| **byte == b',').count() > 1) {
        return Err(MULTIPLE_SIGNATURES);
    }
    if parts().count() > MAX_SIGNATURES {
        return Err(TOO_LONG);
    }
    let signatures: Vec<Signature> = parts().filter_map(read_signature).collect();
    if signatures.is_empty() { Err(NONE) } else { Ok(signatures) }
}

fn read_signature(part: &[u8]) -> Option<Signature> {
    let digits = part.strip_prefix(b"v1,")?;
    let mut bytes = [0; 32];
    let length = Base64::decode(digits, &mut bytes).ok()?.len();
    (length == bytes.len()).then_some(Signature(bytes))
}
