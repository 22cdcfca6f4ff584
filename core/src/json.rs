//! The reading of signed JSON: what [`event`](crate::event) needs of it, and no more.
//!
//! `serde_json` judges the whole text once. What it has judged is then walked for the few members that
//! are needed; their values are kept as the text they came in.

use alloc::borrow::Cow;
use alloc::string::String;
use core::str::Chars;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{Code, Error};

/// What RFC 8259, 2 calls white space.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Reads bytes as one JSON text that nests at most `limit` deep, without blanks around it.
///
/// Depth is counted lexically, outside of strings, before any parser runs: so the verdict is the same
/// for every language, and no parser of a receiver further down is given what might overflow its stack.
pub(crate) fn text(body: &[u8], limit: usize) -> Result<&str, Error> {
    let text =
        core::str::from_utf8(body).map_err(|error| Error::at(Code::InvalidUtf8, error.valid_up_to()))?;
    if let Some((offset, ..)) = structure(text).find(|&(_, _, depth)| depth > limit) {
        return Err(Error::at(Code::TooDeep, offset));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let judged = IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end());
    judged.map_err(|error| invalid(text, &error))?;
    Ok(text.trim_matches(BLANKS))
}

/// The members of one object under the names asked for: each value's text, and whether a name came twice.
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<&'a str>; N],
    pub(crate) repeated: [bool; N],
}

/// Finds the members `names` of the object that a text is; a text that is no object has none.
///
/// The text has been judged to be JSON.
///
/// # Errors
/// [`Code::InvalidJson`] for a name that names no characters.
pub(crate) fn members<'a, const N: usize>(
    text: &'a str,
    names: &[&str; N],
) -> Result<Option<Members<'a, N>>, Error> {
    if !text.starts_with('{') {
        return Ok(None);
    }
    let mut members = Members { values: [None; N], repeated: [false; N] };
    let mut place = None;
    let mut start = 0;
    for (offset, byte, _) in structure(text).filter(|&(_, _, depth)| depth == 1) {
        let part = || text.get(start..offset).unwrap_or_default().trim_matches(BLANKS);
        match byte {
            b':' => {
                let name = string(part())?.unwrap_or_default();
                place = names.iter().position(|wanted| *wanted == name);
            }
            b',' | b'}' => {
                let slots = members.values.iter_mut().zip(&mut members.repeated);
                if let Some((value, repeated)) = place.take().and_then(|place| slots.into_iter().nth(place)) {
                    *repeated |= value.is_some();
                    *value = Some(part());
                }
            }
            _ => {}
        }
        if matches!(byte, b'{' | b':' | b',') {
            start = offset + 1;
        }
    }
    Ok(Some(members))
}

/// Decodes the text of a value as a string; any other value is `None`.
///
/// The text has been judged to be JSON. A string without escapes is borrowed as it stands.
///
/// # Errors
/// [`Code::InvalidJson`] for half of a surrogate pair: grammatical, but it names no character (RFC 8259, 8.2).
pub(crate) fn string(value: &str) -> Result<Option<Cow<'_, str>>, Error> {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Ok(None);
    };
    if !inner.contains('\\') {
        return Ok(Some(Cow::Borrowed(inner)));
    }
    match unescaped(inner) {
        Some(decoded) => Ok(Some(Cow::Owned(decoded))),
        None => Err(Error::because(Code::InvalidJson, "a string holds half of a surrogate pair")),
    }
}

/// Reads the escapes of RFC 8259, 7; `None` where they name no character.
fn unescaped(inner: &str) -> Option<String> {
    let mut decoded = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(char) = rest.next() {
        decoded.push(match char {
            '\\' => match rest.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => unicode(&mut rest)?,
                itself => itself,
            },
            _ => char,
        });
    }
    Some(decoded)
}

/// Reads what comes after `\u`: a code unit of UTF-16, and the second half where it is the first of a pair.
fn unicode(rest: &mut Chars<'_>) -> Option<char> {
    let unit = |digits: &mut Chars<'_>| {
        (0..4).try_fold(0_u16, |unit, _| Some(unit << 4 | digits.next()?.to_digit(16)? as u16))
    };
    let first = unit(rest)?;
    match char::from_u32(first.into()) {
        Some(char) => Some(char),
        None => {
            let (Some('\\'), Some('u')) = (rest.next(), rest.next()) else {
                return None;
            };
            char::decode_utf16([first, unit(rest)?]).next()?.ok()
        }
    }
}

/// The bytes of a text outside of its strings: the offset, the byte, and how deep it stands. A bracket or
/// brace stands as deep as what it encloses.
fn structure(text: &str) -> impl Iterator<Item = (usize, u8, usize)> {
    let mut bytes = text.bytes().enumerate();
    let mut open = 0_usize;
    core::iter::from_fn(move || {
        let (offset, byte) = bytes.next()?;
        let mut depth = open;
        match byte {
            b'"' => {
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                open += 1;
                depth = open;
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        Some((offset, byte, depth))
    })
}

/// Says where the parser stopped, as an offset in bytes: it counts lines from 1 and columns in bytes.
fn invalid(text: &str, error: &serde_json::Error) -> Error {
    let line = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let offset = before + error.column().saturating_sub(1);
    Error::at(Code::InvalidJson, offset.min(text.len()))
}
