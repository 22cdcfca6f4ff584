//! The reading of signed JSON: what [`event`](crate::event) needs of it, and no more.
//!
//! `serde_json` judges the whole text; values are kept as the text they came in.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Code, Error};

/// Reads bytes as UTF-8.
pub(crate) fn text(body: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(body).map_err(|error| Error::at(Code::InvalidUtf8, error.valid_up_to()))
}

/// Refuses a text in which brackets and braces stand more than `limit` deep.
///
/// It counts lexically, outside of strings, before any parser runs: so the verdict is the same for
/// every language, and no parser of a receiver further down is given what might overflow its stack.
pub(crate) fn check_depth(text: &str, limit: usize) -> Result<(), Error> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate();
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
                if depth > limit {
                    return Err(Error::at(Code::TooDeep, offset));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The members of one object under the names asked for: each value's text, and whether a name came twice.
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<&'a str>; N],
    pub(crate) repeated: [bool; N],
}

/// Reads the members `names` of the object that `text` is, and checks the whole text.
///
/// A JSON text that is no object has no members: `None`.
pub(crate) fn members<'a, const N: usize>(
    text: &'a str,
    names: &[&str; N],
) -> Result<Option<Members<'a, N>>, Error> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let is_object = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
    let members = if is_object {
        Named(names).deserialize(&mut parser).map(Some)
    } else {
        IgnoredAny::deserialize(&mut parser).map(|_| None)
    };
    members.and_then(|members| parser.end().map(|()| members)).map_err(|error| invalid(text, &error))
}

/// Decodes the text of a value as a string; any other value is `None`.
///
/// A string without escapes is borrowed as it stands.
pub(crate) fn string(value: &str) -> Result<Option<Cow<'_, str>>, Error> {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Ok(None);
    };
    if !inner.contains('\\') {
        return Ok(Some(Cow::Borrowed(inner)));
    }
    match serde_json::from_str::<String>(value) {
        Ok(decoded) => Ok(Some(Cow::Owned(decoded))),
        // RFC 8259, 8.2: half of a surrogate pair is grammatical, but names no character.
        Err(_) => Err(Error::because(Code::InvalidJson, "a string holds half of a surrogate pair")),
    }
}

/// Says where the parser stopped, as an offset in bytes: it counts lines from 1 and columns in bytes.
fn invalid(text: &str, error: &serde_json::Error) -> Error {
    let line = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let offset = before + error.column().saturating_sub(1);
    Error::at(Code::InvalidJson, offset.min(text.len()))
}

struct Named<'n, const N: usize>(&'n [&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Named<'_, N> {
    type Value = Members<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Named<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { values: [None; N], repeated: [false; N] };
        while let Some(place) = map.next_key_seed(Place(self.0))? {
            let slots = members.values.iter_mut().zip(&mut members.repeated);
            match place.and_then(|place| slots.into_iter().nth(place)) {
                Some((value, repeated)) => {
                    *repeated |= value.is_some();
                    *value = Some(map.next_value::<&RawValue>()?.get());
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(members)
    }
}

/// Reads a member's name as its place among the names asked for.
struct Place<'n, const N: usize>(&'n [&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Place<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<const N: usize> Visitor<'_> for Place<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == name))
    }
}
