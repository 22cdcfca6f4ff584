//! The keys and bodies that senders sign with by mistake.

use alloc::vec;
use alloc::vec::Vec;

use base64ct::{Base64Unpadded, Base64UrlUnpadded};
use zeroize::Zeroizing;

use super::claim::Claim;
use super::layout::Layout;
use super::{Candidate, Mistake, SecretKind};
use crate::json;
use crate::secret::{Key, SECRET_PREFIX, check_key, decode_key};

/// The quotes around a secret that was copied from a file together with them.
const QUOTES: [&[u8]; 3] = [b"\"", b"'", b"`"];

/// The byte order mark in UTF-8, which some Windows editors write before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Tries the body as received with keys that senders derive from a secret by mistake.
pub(super) fn keys(claim: &Claim, body: &[u8], candidates: &[Candidate<'_>]) -> Option<Mistake> {
    let mut guesses = of_vtryon(candidates).flat_map(|candidate| misread(candidate.secret));
    guesses.find(|(_, secret)| claim.is(&Key::of(secret).mac(body))).map(|(mistake, _)| mistake)
}

/// Tries every secret of Vtryon's with what the body may have been before something changed it.
pub(super) fn bodies(claim: &Claim, body: &[u8], candidates: &[Candidate<'_>]) -> Option<Mistake> {
    let signed_by =
        |body: &[u8]| of_vtryon(candidates).any(|candidate| claim.is(&Key::of(candidate.secret).mac(body)));
    originals(body).find(|(_, original)| signed_by(original)).map(|(mistake, _)| mistake)
}

/// Returns Vtryon's secrets. The gateway signs its own deliveries correctly, so variants of endpoints' secrets are
/// not tried.
fn of_vtryon<'a>(candidates: &'a [Candidate<'a>]) -> impl Iterator<Item = &'a Candidate<'a>> {
    candidates.iter().filter(|candidate| match candidate.kind {
        SecretKind::Current | SecretKind::Previous | SecretKind::Retired => true,
        SecretKind::Endpoint => false,
    })
}

/// Returns the wrong keys that a sender may derive from a secret, each with the mistake.
fn misread(secret: &[u8]) -> Vec<(Mistake, Zeroizing<Vec<u8>>)> {
    let mut keys: Vec<_> = [&b"\n"[..], b"\r\n", b" "]
        .into_iter()
        .map(|end| (Mistake::SecretWithWhitespace, Zeroizing::new([secret, end].concat())))
        .collect();
    let quoted = QUOTES.map(|quote| (Mistake::SecretQuoted, Zeroizing::new([quote, secret, quote].concat())));
    keys.extend(quoted);
    // A file with a byte order mark usually ends with a line break too.
    let marked =
        [&b""[..], b"\r\n", b"\n"].map(|end| Zeroizing::new([BYTE_ORDER_MARK, secret, end].concat()));
    keys.extend(marked.map(|key| (Mistake::SecretWithBom, key)));
    let stem = secret.strip_prefix(SECRET_PREFIX.as_bytes());
    keys.push(match stem {
        Some(stem) => (Mistake::SecretPrefixStripped, Zeroizing::new(stem.to_vec())),
        None => (Mistake::SecretPrefixMissing, Zeroizing::new([SECRET_PREFIX.as_bytes(), secret].concat())),
    });
    let stem = stem.unwrap_or(secret);
    let decoded = [base64_key(stem), hex_key(stem)];
    keys.extend(decoded.into_iter().flatten().map(|key| (Mistake::SecretDecoded, key)));
    // Anyone can sign with such a key, so a match would prove nothing.
    keys.retain(|(_, key)| check_key(key).is_ok());
    keys
}

/// Decodes a key from base64 of the standard or the URL alphabet, with or without padding.
fn base64_key(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digits = core::str::from_utf8(digits).ok()?.trim_end_matches('=');
    decode_key::<Base64Unpadded>(digits).or_else(|| decode_key::<Base64UrlUnpadded>(digits))
}

/// Decodes a key from hex.
fn hex_key(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Allocated in full: a vector that grows would leave a copy in the memory that it frees.
    let mut key = Zeroizing::new(vec![0_u8; digits.len() / 2]);
    hex::decode_to_slice(digits, &mut key).ok().map(|()| key)
}

/// Returns the bodies that may have been signed before something changed them into this one, each with the mistake.
fn originals(body: &[u8]) -> impl Iterator<Item = (Mistake, Vec<u8>)> {
    let trimmed = body.trim_ascii_end();
    let with_end = move |end: &[u8]| (trimmed == body).then(|| [body, end].concat());
    let ends = [
        (Mistake::NewlineAdded, (trimmed != body).then(|| trimmed.to_vec())),
        (Mistake::NewlineTrimmed, with_end(b"\n")),
        (Mistake::NewlineTrimmed, with_end(b"\r\n")),
        (Mistake::LineEndsChanged, with_other_line_ends(body)),
    ];
    let ends = ends.into_iter().filter_map(|(mistake, original)| Some((mistake, original?)));
    let text = core::iter::once_with(move || json::outline(body).ok().map(|outline| outline.text)).flatten();
    let layouts = text.flat_map(|text| Layout::ALL.into_iter().filter_map(|layout| layout.apply(text)));
    let changed = layouts.filter(move |layout| layout != body);
    ends.chain(changed.map(|original| (Mistake::BodyReserialised, original)))
}

/// Replaces CR LF by LF, or LF by CR LF if there is no CR LF. Returns `None` for a body without line ends.
fn with_other_line_ends(body: &[u8]) -> Option<Vec<u8>> {
    if !body.contains(&b'\n') {
        return None;
    }
    let end: &[u8] = if body.windows(2).any(|pair| pair == b"\r\n") { b"\n" } else { b"\r\n" };
    let mut out = Vec::with_capacity(body.len());
    for (place, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if place > 0 {
            out.extend_from_slice(end);
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    Some(out)
}
