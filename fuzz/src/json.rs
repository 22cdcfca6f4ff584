//! JSON as `serde_json` reads it, member by member: the oracle of the core's own pass.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Returns where a text first nests deeper than a limit, outside of its strings; whether it is JSON or not.
pub(crate) fn first_deeper_than(text: &str, limit: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') if depth == limit => return Some(offset),
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Returns whether a text is JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The members of an object in their order.
pub(crate) struct Members<'a>(Vec<(Name, &'a RawValue)>);

/// A member's name; none where it holds half of a surrogate pair.
#[derive(PartialEq)]
struct Name(Option<String>);

impl<'a> Members<'a> {
    /// Reads a text; returns `None` where it is no object.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        // As bytes, names are not held to the grammar.
        serde_json::from_str(text).ok().filter(|_| is_json(text))
    }

    /// Returns all names, where all can be decoded.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        self.0.iter().map(|(name, _)| name.0.clone()).collect()
    }

    /// Returns the texts of all members of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<&'a str> {
        let named = self.0.iter().filter(|(found, _)| found.0.as_deref() == Some(name));
        named.map(|(_, value)| value.get()).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Name, E> {
                Ok(Name(String::from_utf8(bytes.to_vec()).ok()))
            }
        }
        // As bytes, serde_json hands over half of a surrogate pair too, in a form that is no UTF-8.
        deserializer.deserialize_bytes(Bytes)
    }
}
