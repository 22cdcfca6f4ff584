//! Base64 (RFC 4648), as tokens have it and as people paste it.

/// Decodes base64url without padding, as tokens have it (RFC 7515, 2): no other digit, no blank, and
/// no spare bit that is set, so that no two texts mean the same bytes.
pub(crate) fn decode_url(text: &str) -> Option<Vec<u8>> {
    let (bytes, spare) = decode(text, false)?;
    (spare == 0).then_some(bytes)
}

/// Decodes what a person has pasted: either alphabet, with padding or without.
pub(crate) fn decode_pasted(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_suffix("==").or(text.strip_suffix('=')).unwrap_or(text);
    if digits.len() < text.len() && !text.len().is_multiple_of(4) {
        return None;
    }
    decode(digits, true).map(|(bytes, _)| bytes)
}

/// Returns the bytes, and the bits that are left over at the end.
fn decode(digits: &str, either_alphabet: bool) -> Option<(Vec<u8>, u32)> {
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut held) = (0, 0);
    for digit in digits.bytes() {
        bits = bits << 6 | value(digit, either_alphabet)?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    // Six bits held are a digit that stands alone: it can't be the end of a byte.
    (held < 6).then_some((bytes, bits))
}

fn value(digit: u8, either_alphabet: bool) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        b'+' if either_alphabet => 62,
        b'/' if either_alphabet => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, Option<&'static [u8]>, Option<&'static [u8]>);

    /// the text, as a token has it, as a person pastes it (RFC 4648, 10, and every wrong form)
    const TEXTS: [Row; 19] = [
        ("", Some(b""), Some(b"")),
        ("Zg", Some(b"f"), Some(b"f")),
        ("Zm8", Some(b"fo"), Some(b"fo")),
        ("Zm9v", Some(b"foo"), Some(b"foo")),
        ("Zm9vYmFy", Some(b"foobar"), Some(b"foobar")),
        ("-_-_", Some(b"\xfb\xff\xbf"), Some(b"\xfb\xff\xbf")),
        ("+/-_", None, Some(b"\xfb\xff\xbf")),
        ("Zg==", None, Some(b"f")),
        ("Zm8=", None, Some(b"fo")),
        ("Zh", None, Some(b"f")),
        ("Zm9", None, Some(b"fo")),
        ("Z", None, None),
        ("Zm9vY", None, None),
        ("Zm 8", None, None),
        ("Zm9v\n", None, None),
        ("Zg===", None, None),
        ("Zg=", None, None),
        ("Zm9v=", None, None),
        ("Zm\u{f6}v", None, None),
    ];

    #[test]
    fn texts_are_decoded_strictly_or_as_pasted() {
        for (text, token, pasted) in TEXTS {
            assert_eq!(decode_url(text).as_deref(), token, "{text:?} in a token");
            assert_eq!(decode_pasted(text).as_deref(), pasted, "{text:?} pasted");
        }
    }
}
