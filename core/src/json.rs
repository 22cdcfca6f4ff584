//! The reading of signed JSON: what [`event`](crate::event) needs of it, and no more.
//!
//! One pass judges the whole text and finds the members that are needed; their values are kept as the text
//! they came in. Only what it does not take is read again, by `serde_json`, which says what is wrong with it.

mod outline;
mod token;

use alloc::borrow::Cow;
use alloc::string::String;
use core::str::Chars;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{Code, Error};

pub(crate) use outline::{Members, Outline};

/// How deep a body's JSON may nest: the outermost object is 1.
pub const MAX_DEPTH: usize = 64;

/// Reads bytes as one JSON text that nests at most [`MAX_DEPTH`] deep.
///
/// Depth is judged before grammar, and outside of strings: so the verdict is the same for every language,
/// and no parser of a receiver further down is given what might overflow its stack.
pub(crate) fn outline(body: &[u8]) -> Result<Outline<'_>, Error> {
    let text =
        core::str::from_utf8(body).map_err(|error| Error::at(Code::InvalidUtf8, error.valid_up_to()))?;
    outline::outline(text).ok_or_else(|| fault(text))
}

/// Says what is wrong with a text.
#[cold]
fn fault(text: &str) -> Error {
    if let Some(offset) = too_deep(text) {
        return Error::at(Code::TooDeep, offset);
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    match IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end()) {
        Err(error) => invalid(text, &error),
        // The two never disagree.
        Ok(()) => Error::new(Code::InvalidJson),
    }
}

/// The text of a value as it came; a string with its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) text: &'a str,
    /// Whether it is a string that holds escapes.
    pub(crate) escaped: bool,
}

impl<'a> Value<'a> {
    /// Decodes a string; any other value is `None`.
    pub(crate) fn string(self) -> Result<Option<Cow<'a, str>>, Error> {
        let Some(inner) = self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Ok(None);
        };
        if !self.escaped {
            return Ok(Some(Cow::Borrowed(inner)));
        }
        match unescaped(inner) {
            Some(decoded) => Ok(Some(Cow::Owned(decoded))),
            None => Err(no_character()),
        }
    }
}

/// Decodes the text of a value as a string; any other value is `None`.
///
/// The text has been judged to be JSON. A string without escapes is borrowed as it stands.
///
/// # Errors
/// [`Code::InvalidJson`] for half of a surrogate pair: grammatical, but it names no character (RFC 8259, 8.2).
pub fn string(text: &str) -> Result<Option<Cow<'_, str>>, Error> {
    Value { text, escaped: text.contains('\\') }.string()
}

/// The refusal of half of a surrogate pair.
pub(crate) const fn no_character() -> Error {
    Error::because(Code::InvalidJson, "a string holds half of a surrogate pair")
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

/// Finds the first bracket or brace, outside of strings, that opens more than [`MAX_DEPTH`].
fn too_deep(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    let mut depth = 0_usize;
    while let Some((offset, byte)) = bytes.next() {
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
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(offset);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Says where the parser stopped, as an offset in bytes: it counts lines from 1 and columns in bytes.
fn invalid(text: &str, error: &serde_json::Error) -> Error {
    let line = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let offset = before + error.column().saturating_sub(1);
    Error::at(Code::InvalidJson, offset.min(text.len()))
}
