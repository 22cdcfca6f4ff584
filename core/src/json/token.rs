//! Skips the tokens of JSON (RFC 8259). Each function takes the offset of a token and returns the offset after it, or
//! `None` if the text there is not such a token.

/// Skips whitespace.
#[inline(always)]
pub(super) fn skip_whitespace(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at).is_none_or(|byte| *byte > b' ') {
        return at;
    }
    skip_while(bytes, at, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Skips a string from its opening quote on. Sets `escaped` if it holds escapes.
#[inline(always)]
pub(super) fn skip_string(bytes: &[u8], at: usize, escaped: &mut bool) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += count_plain(bytes.get(at..)?);
        at = match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => {
                *escaped = true;
                skip_escape(bytes, at)?
            }
            0..0x20 => return None,
            _ => at + 1,
        };
    }
}

/// Skips an escape from its backslash on. Lone surrogates are found later, when the string is decoded.
fn skip_escape(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => {
            let digits = bytes.get(at + 2..at + 6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)
        }
        _ => None,
    }
}

/// Skips a number.
#[inline(always)]
pub(super) fn skip_number(bytes: &[u8], mut at: usize) -> Option<usize> {
    if *bytes.get(at)? == b'-' {
        at += 1;
    }
    at = match *bytes.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => skip_while(bytes, at + 1, |byte| byte.is_ascii_digit()),
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        at = skip_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = skip_digits(bytes, at)?;
    }
    Some(at)
}

#[inline(always)]
fn skip_digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = skip_while(bytes, at, |byte| byte.is_ascii_digit());
    (end > at).then_some(end)
}

/// Skips `true`, `false` or `null`.
pub(super) fn skip_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Skips all bytes for which `is_one` holds.
#[inline(always)]
fn skip_while(bytes: &[u8], mut at: usize, is_one: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|byte| is_one(*byte)) {
        at += 1;
    }
    at
}

/// Counts the leading bytes of a string that are neither a quote, a backslash nor a control character, eight at a time.
/// It may return fewer than there are.
#[inline(always)]
fn count_plain(bytes: &[u8]) -> usize {
    let mut count = 0;
    for chunk in bytes.as_chunks().0 {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of a byte is set for a control character (below 0x20), a quote (0x20 once its bit 1 is
        // inverted) or a backslash. After the first such byte it may be set for other bytes too.
        let controls_and_quotes = (word ^ each(2)).wrapping_sub(each(0x21));
        let backslashes = (word ^ each(b'\\')).wrapping_sub(each(1));
        let found = (controls_and_quotes | backslashes) & !word & each(0x80);
        if found != 0 {
            return count + found.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count
}

/// Repeats a byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}
