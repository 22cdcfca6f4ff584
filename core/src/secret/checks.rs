//! Refuses secrets that were pasted with extra characters, or that are templates nobody filled in.
//!
//! A secret counts as text if it is UTF-8 and at most half of its characters are control characters. Any other secret
//! is a binary key; it is refused only for whitespace at its ends, if it is zero bytes alone, or if it is ASCII in UTF-16
//! with a byte order mark.

use super::{SECRET_PREFIX, check_key};
use crate::error::{Code, Error};

/// The words that programs write for a missing value, in lower case.
const NO_VALUES: [(&str, &str); 7] = [
    ("undefined", "the secret is the word undefined"),
    ("null", "the secret is the word null"),
    ("none", "the secret is the word none"),
    ("nil", "the secret is the word nil"),
    ("nan", "the secret is the word nan"),
    ("false", "the secret is the word false"),
    ("[object object]", "the secret is the text [object Object]"),
];

/// The delimiters of templates.
const TEMPLATES: [(&str, &str); 4] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];

/// The name of the variable: a secret that begins with it is a whole line of an environment file.
const VARIABLE: &str = "VTRYON_WEBHOOK_SECRET";

/// Checks the bytes of a secret.
///
/// # Errors
/// [`Code::SecretEmpty`], [`Code::SecretWhitespace`], [`Code::SecretInvisible`], [`Code::SecretQuoted`],
/// [`Code::SecretPlaceholder`].
pub(super) fn check(secret: &[u8]) -> Result<(), Error> {
    let (Some(first), Some(last)) = (secret.first(), secret.last()) else {
        return Err(Error::new(Code::SecretEmpty));
    };
    check_key(secret)?;
    if is_whitespace(*first) || is_whitespace(*last) {
        return Err(Error::new(Code::SecretWhitespace));
    }
    if is_utf16(secret) {
        let what = "the secret is UTF-16 and begins with a byte order mark";
        return Err(Error::because(Code::SecretInvisible, what));
    }
    core::str::from_utf8(secret).ok().filter(|text| is_text(text)).map_or(Ok(()), check_text)
}

fn check_text(text: &str) -> Result<(), Error> {
    if text.starts_with('\u{feff}') {
        let what = "the secret begins with a byte order mark (U+FEFF)";
        return Err(Error::because(Code::SecretInvisible, what));
    }
    if let Some(what) = text.chars().find_map(invisible) {
        return Err(Error::because(Code::SecretInvisible, what));
    }
    if is_quoted(text) {
        return Err(Error::new(Code::SecretQuoted));
    }
    let name = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
    if name.is_empty() {
        return Err(Error::because(Code::SecretEmpty, "the secret is empty after whsec_"));
    }
    if let Some((_, what)) = NO_VALUES.iter().find(|(word, _)| name.eq_ignore_ascii_case(word)) {
        return Err(Error::because(Code::SecretPlaceholder, what));
    }
    if is_template(name) {
        let what = "the secret is a template such as ${NAME} that was not filled in";
        return Err(Error::because(Code::SecretPlaceholder, what));
    }
    if text.starts_with(VARIABLE) {
        let what = "the secret begins with the name of its variable, VTRYON_WEBHOOK_SECRET";
        return Err(Error::because(Code::SecretPlaceholder, what));
    }
    Ok(())
}

fn is_text(text: &str) -> bool {
    let controls = text.chars().filter(|character| character.is_control()).count();
    controls * 2 <= text.chars().count()
}

const fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Returns whether this is ASCII text in UTF-16 with a byte order mark, in either byte order.
fn is_utf16(secret: &[u8]) -> bool {
    let is_ascii = |unit: &[u8; 2], high: usize| unit.get(high) == Some(&0) && unit.is_ascii();
    match secret.as_chunks() {
        ([[0xff, 0xfe], units @ ..], []) => units.iter().all(|unit| is_ascii(unit, 1)),
        ([[0xfe, 0xff], units @ ..], []) => units.iter().all(|unit| is_ascii(unit, 0)),
        (_, _) => false,
    }
}

/// Returns the message for an invisible character: a control character, a separator, or one that Unicode lists as
/// ignorable.
const fn invisible(character: char) -> Option<&'static str> {
    match character {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some("the secret holds a control character"),
        '\u{a0}' | '\u{202f}' => Some("the secret holds a no-break space"),
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Some("the secret holds a zero-width character"),
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{1680}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2000}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{205f}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3000}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Some(Code::SecretInvisible.summary()),
        _ => None,
    }
}

/// Returns whether a text is in quotes, including JSON's escaped quotes and Python's `b'…'`.
fn is_quoted(text: &str) -> bool {
    let opened = text.strip_prefix('\\').or(text.strip_prefix('b')).unwrap_or(text);
    opened.chars().count() > 1 && opened.starts_with(is_quote) && opened.ends_with(is_quote)
}

const fn is_quote(character: char) -> bool {
    matches!(
        character,
        '"' | '\''
            | '`'
            | '\u{ab}'
            | '\u{b4}'
            | '\u{bb}'
            | '\u{2018}'..='\u{201f}'
            | '\u{2039}'..='\u{203a}'
            | '\u{ff02}'
            | '\u{ff07}'
    )
}

/// Returns whether a text is the placeholder of a variable: `${NAME}`, `$NAME`, `%NAME%`, `{{ name }}`, `<name>`.
fn is_template(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let percent = text.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
    TEMPLATES.iter().any(|(start, end)| text.starts_with(start) && text.ends_with(end))
        || text.strip_prefix('$').or(percent).is_some_and(is_name)
}
