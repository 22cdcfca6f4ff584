//! Reads the 32 bytes that a header claims to be a signature.

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use subtle::ConstantTimeEq;

use super::Mistake;

/// The 32 bytes that a header claims to be a signature, and how they were written.
pub(super) struct Claim {
    bytes: [u8; 32],
    pub(super) form: Form,
}

impl Claim {
    /// Compares them with a MAC in constant time.
    pub(super) fn is(&self, mac: &[u8; 32]) -> bool {
        self.bytes.ct_eq(mac).into()
    }
}

/// How the 32 bytes of a header are written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// 64 hex digits, the only form that is accepted.
    Bare,
    /// 64 hex digits after a prefix.
    Prefixed,
    /// Base64 of the standard or the URL alphabet.
    Base64,
}

impl Form {
    /// Returns the mistake in the form, for a signature that no variant makes valid.
    pub(super) const fn unproven(self) -> Option<Mistake> {
        match self {
            Self::Bare => None,
            Self::Prefixed | Self::Base64 => Some(Mistake::OtherForm),
        }
    }
}

/// The prefix that other services write before the hex digits or the base64 of an HMAC-SHA256.
const SHA256: &[u8] = b"sha256=";

/// The prefixes that other services write before the hex digits of an HMAC-SHA256.
const PREFIXES: [&[u8]; 3] = [SHA256, b"v1=", b"v1,"];

/// The prefixes of other algorithms.
const OTHER_PREFIXES: [&[u8]; 4] = [b"md5=", b"sha1=", b"sha384=", b"sha512="];

/// The lengths of other algorithms in hex digits: MD5, SHA-1, SHA-384, SHA-512.
const OTHER_LENGTHS: [usize; 4] = [32, 40, 96, 128];

/// Reads the 32 bytes of a header.
///
/// # Errors
/// The mistake, if the form alone shows it.
pub(super) fn read(header: &[u8]) -> Result<Claim, Mistake> {
    let header = header.trim_ascii();
    let prefix = |prefixes: &[&[u8]]| {
        let starts = |prefix: &&&[u8]| {
            header.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        prefixes.iter().find(starts).and_then(|prefix| header.get(prefix.len()..))
    };
    if header.is_empty() {
        return Err(Mistake::EmptyHeader);
    }
    if let Some(bytes) = hex_claim(header) {
        return Ok(Claim { bytes, form: Form::Bare });
    }
    if let Some(bytes) = prefix(&PREFIXES).and_then(hex_claim) {
        return Ok(Claim { bytes, form: Form::Prefixed });
    }
    if let Some(bytes) = base64_claim(header).or_else(|| prefix(&[SHA256]).and_then(base64_claim)) {
        return Ok(Claim { bytes, form: Form::Base64 });
    }
    Err(mistake_of_form(header, prefix(&OTHER_PREFIXES).or(prefix(&PREFIXES)).unwrap_or(header)))
}

/// Returns the mistake of a header that holds no 32 bytes. `digits` is the text after its prefix.
fn mistake_of_form(header: &[u8], digits: &[u8]) -> Mistake {
    let mut parts = header.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    if header.starts_with(b"t=") && parts.clone().any(|part| part.starts_with(b"v1=")) {
        Mistake::StripeForm
    } else if header.split(|byte| *byte == b' ').any(is_standard) {
        Mistake::StandardWebhooks
    } else if header.contains(&b',') && parts.all(|part| hex_claim(part).is_some()) {
        Mistake::RepeatedHeader
    } else if is_hex && OTHER_LENGTHS.contains(&digits.len()) {
        Mistake::OtherAlgorithm
    } else if is_hex && digits.len() < 64 {
        Mistake::TruncatedHeader
    } else {
        Mistake::OtherForm
    }
}

/// Returns whether this is a signature of Standard Webhooks: a version, a comma, base64.
fn is_standard(part: &[u8]) -> bool {
    part.strip_prefix(b"v1,").is_some_and(|digits| base64_claim(digits).is_some())
}

fn hex_claim(digits: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes).ok().map(|()| bytes)
}

/// Decodes 32 bytes from base64 of the standard or the URL alphabet, with or without padding.
fn base64_claim(digits: &[u8]) -> Option<[u8; 32]> {
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    let mut bytes = [0; 32];
    let decoded = Base64Unpadded::decode(digits, &mut bytes).map(<[u8]>::len);
    let decoded = decoded.or_else(|_| Base64UrlUnpadded::decode(digits, &mut bytes).map(<[u8]>::len));
    (decoded == Ok(32)).then_some(bytes)
}
