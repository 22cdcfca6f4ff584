//! Text that others sent, as it is stored and shown: its beginning, without characters that are not printed.

/// What stands for bytes that are not UTF-8, and for characters that are not printed.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Returns the beginning of `bytes` as text, at most `most` bytes of it. Line breaks and tabs stay.
pub fn text(bytes: &[u8], most: usize) -> String {
    excerpt(bytes, most, |character| character)
}

/// Returns the same in one line: line breaks and tabs become blanks.
pub fn line(bytes: &[u8], most: usize) -> String {
    excerpt(bytes, most, |character| if is_layout(character) { ' ' } else { character })
}

/// What stands for a secret in a text that repeats it.
const REDACTED: &str = "[redacted]";

/// The shortest secret that is looked for: a shorter one is part of ordinary words.
const MIN_SECRET: usize = 4;

/// Replaces secrets in a text, also the beginning of one that the end of the text cuts off.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let mut redacted = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= MIN_SECRET) {
        redacted = redacted.replace(secret, REDACTED);
        let cut_off = (MIN_SECRET..secret.len())
            .rev()
            .find_map(|length| redacted.strip_suffix(secret.get(..length)?).map(str::len));
        if let Some(end) = cut_off {
            redacted.truncate(end);
            redacted.push_str(REDACTED);
        }
    }
    redacted
}

fn excerpt(bytes: &[u8], most: usize, layout: impl Fn(char) -> char) -> String {
    let bytes = bytes.get(..most).unwrap_or(bytes);
    // A character that the end cuts in two is left out.
    let whole = match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or(bytes),
        Ok(_) | Err(_) => bytes,
    };
    let printed = |character| if is_printed(character) { layout(character) } else { REPLACEMENT };
    let mut text: String = String::from_utf8_lossy(whole).chars().map(printed).collect();
    // A replacement is longer than what it stands for.
    text.truncate(text.floor_char_boundary(most));
    text
}

const fn is_layout(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r')
}

/// Returns whether a character may be shown: control characters (Unicode category Cc) could move a terminal's cursor,
/// those that only format (Cf) and the separators of lines and paragraphs hide text or turn its direction.
fn is_printed(character: char) -> bool {
    let is_format = matches!(character,
        '\u{ad}'
        | '\u{600}'..='\u{605}'
        | '\u{61c}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e007f}');
    is_layout(character) || !(is_format || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printed_is_replaced() {
        for (bytes, expect, why) in [
            (&b"broken"[..], "broken", "text stays"),
            (b"a\r\n\tb", "a   b", "a line stays a line"),
            (b"\x00a\x1b[31mb\x7f", "\u{fffd}a\u{fffd}[31mb\u{fffd}", "C0 and DEL"),
            ("a\u{85}\u{9b}31mb".as_bytes(), "a\u{fffd}\u{fffd}31mb", "C1"),
            ("a\u{202e}b\u{2066}c\u{200f}d".as_bytes(), "a\u{fffd}b\u{fffd}c\u{fffd}d", "directions"),
            ("a\u{200b}\u{feff}\u{2028}b".as_bytes(), "a\u{fffd}\u{fffd}\u{fffd}b", "what has no width"),
            ("a\u{e0041}b".as_bytes(), "a\u{fffd}b", "tags"),
            (b"a\xed\xa0\x80b", "a\u{fffd}\u{fffd}\u{fffd}b", "half a pair of surrogates"),
            (b"a\xff\xfeb", "a\u{fffd}\u{fffd}b", "what is not UTF-8"),
            (
                "\u{e9}\u{20ac}\u{1f9e5}\u{5d0}\u{627}".as_bytes(),
                "\u{e9}\u{20ac}\u{1f9e5}\u{5d0}\u{627}",
                "other writing stays",
            ),
        ] {
            assert_eq!(line(bytes, 1024), expect, "{why}");
        }
        assert_eq!(text(b"a\r\n\tb\x1b", 1024), "a\r\n\tb\u{fffd}");
    }

    #[test]
    fn secrets_are_replaced() {
        for (text, secrets, expect, why) in [
            ("nothing", &["secret"][..], "nothing", "a text without them stays"),
            ("a secret, a secret", &["secret"], "a [redacted], a [redacted]", "each time"),
            ("one two-2", &["two-2", "one-"], "one [redacted]", "several"),
            ("it was: secr", &["secret"], "it was: [redacted]", "cut off by the end"),
            ("it was: sec", &["secret"], "it was: sec", "too short to tell"),
            ("yes", &["yes"], "yes", "too short to be one"),
        ] {
            assert_eq!(redact(text, secrets), expect, "{why}");
        }
    }

    #[test]
    fn it_is_bounded_in_bytes() {
        assert_eq!(text(b"0123", 3), "012");
        assert_eq!(text("01\u{20ac}".as_bytes(), 4), "01", "a character is not cut in two");
        assert_eq!(text(b"\0\0\0\0", 4), "\u{fffd}", "replacements count");
        assert_eq!(text(&[0xff; 2000], 1024).len(), 1023);
    }
}
