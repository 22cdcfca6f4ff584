//! Parses signed JSON, as far as [`event`](crate::event) needs it.
//!
//! One pass validates the whole text and finds the members of an event, whose values stay JSON text. Only a text that
//! the pass refuses is parsed again by `serde_json`, which says what is wrong. The pass takes about half of the time
//! that `serde_json` takes, and a property test holds it to the same verdict.

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

/// Parses bytes as one JSON text that nests at most [`MAX_DEPTH`] deep.
///
/// The depth is checked before the grammar, so the verdict is the same in every language, and no parser of a later
/// receiver gets a text that might overflow its stack.
pub(crate) fn outline(body: &[u8]) -> Result<Outline<'_>, Error> {
    let text =
        core::str::from_utf8(body).map_err(|error| Error::at(Code::InvalidUtf8, error.valid_up_to()))?;
    outline::outline(text).ok_or_else(|| fault(text))
}

/// Returns what is wrong with a text.
#[cold]
fn fault(text: &str) -> Error {
    if let Some(offset) = too_deep(text) {
        return Error::at(Code::TooDeep, offset);
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    match IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end()) {
        Err(error) => invalid(text, &error),
        // Unreachable: the pass and `serde_json` agree on every text.
        Ok(()) => Error::new(Code::InvalidJson),
    }
}

/// The JSON text of a value, unchanged; a string with its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) text: &'a str,
    /// Whether it is a string with escapes.
    pub(crate) escaped: bool,
}

impl<'a> Value<'a> {
    /// Decodes a string; returns `None` for any other value.
    pub(crate) fn string(self) -> Result<Option<Cow<'a, str>>, Error> {
        let Some(inner) = self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Ok(None);
        };
        if !self.escaped {
            return Ok(Some(Cow::Borrowed(inner)));
        }
        match unescaped(inner) {
            Some(decoded) => Ok(Some(Cow::Owned(decoded))),
            None => Err(lone_surrogate()),
        }
    }
}

/// The error for half of a surrogate pair.
pub(crate) const fn lone_surrogate() -> Error {
    Error::because(Code::InvalidJson, "a string holds half of a surrogate pair")
}

/// Decodes the escapes of RFC 8259, 7. Returns `None` for half of a surrogate pair.
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

/// Decodes the digits after `\u`: one UTF-16 code unit, and the second one if the first begins a surrogate pair.
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

/// Finds the first bracket or brace outside of strings that nests deeper than [`MAX_DEPTH`]. Returns its offset.
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

/// Converts the parser's position to an offset in bytes. `serde_json` counts lines from 1 and columns in bytes.
fn invalid(text: &str, error: &serde_json::Error) -> Error {
    let line = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let offset = before + error.column().saturating_sub(1);
    Error::at(Code::InvalidJson, offset.min(text.len()))
}
