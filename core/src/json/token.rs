//! The tokens of JSON (RFC 8259): where each ends, from a place in a text on; `None` where it is none.

/// Passes blanks.
#[inline(always)]
pub(super) fn past_blanks(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at).is_none_or(|byte| *byte > b' ') {
        return at;
    }
    past_all(bytes, at, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Passes a string from its opening quote on, and tells whether it holds escapes.
#[inline(always)]
pub(super) fn past_string(bytes: &[u8], at: usize, escaped: &mut bool) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += plain(bytes.get(at..)?);
        at = match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => {
                *escaped = true;
                past_escape(bytes, at)?
            }
            0..0x20 => return None,
            _ => at + 1,
        };
    }
}

/// Passes an escape from its backslash on. Whether a `\u` names a character is asked when it is decoded.
fn past_escape(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => {
            let digits = bytes.get(at + 2..at + 6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)
        }
        _ => None,
    }
}

/// Passes a number from its first character on.
#[inline(always)]
pub(super) fn past_number(bytes: &[u8], mut at: usize) -> Option<usize> {
    if *bytes.get(at)? == b'-' {
        at += 1;
    }
    at = match *bytes.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => past_all(bytes, at + 1, |byte| byte.is_ascii_digit()),
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        at = past_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = past_digits(bytes, at)?;
    }
    Some(at)
}

#[inline(always)]
fn past_digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = past_all(bytes, at, |byte| byte.is_ascii_digit());
    (end > at).then_some(end)
}

/// Passes `true`, `false` or `null`.
pub(super) fn past_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Passes the bytes that are some of these.
#[inline(always)]
fn past_all(bytes: &[u8], mut at: usize, is_one: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|byte| is_one(*byte)) {
        at += 1;
    }
    at
}

/// Counts the bytes, eight at a time, that a string begins with and that mean nothing but themselves. It may
/// stop short of the first that does.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    let mut count = 0;
    for chunk in bytes.as_chunks().0 {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of a byte is set where it is a control (below 0x20) or a quote (0x20 when its bit 2 is
        // turned), or a backslash; past the first such byte it may be set for others too.
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

/// Eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}
