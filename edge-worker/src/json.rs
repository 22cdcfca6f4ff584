//! JSON. Objects are read member by member, from senders who may send anything, by one reader: each type that serde
//! derives one for makes the Worker larger.

mod read;
mod shape;
mod write;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

pub(crate) use self::read::{Read, read, variant};
pub(crate) use self::shape::{object, one_of};
pub(crate) use self::write::{Fields, Members, Write, to_string};

/// A value that is passed on as it is.
pub(crate) struct Raw(pub(crate) String);

/// How many members an object has at most.
const MOST: usize = 100;

/// An object, its members in their order.
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads a text that is one object and nothing else, with no member twice.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        serde_json::from_str(str::from_utf8(text).ok()?).ok()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(member, _)| member.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value.get())
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    pub(crate) fn list(&self, name: &str) -> Option<Vec<&'a RawValue>> {
        self.get(name).and_then(list)
    }
}

/// Reads a string.
pub(crate) fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// Reads an array.
pub(crate) fn list(value: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members: Vec<(String, &RawValue)> = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            // Each is compared with all before it.
            if members.len() == MOST {
                return Err(M::Error::custom("more members than any object of ours has"));
            }
            if members.iter().any(|(other, _)| *other == name) {
                return Err(M::Error::custom("a member stands twice"));
            }
            members.push((name, value));
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// the text, the member `a` of it; nothing where it is no such object
    const TEXTS: [(&str, Option<&str>); 12] = [
        (r#"{"a":1}"#, Some("1")),
        (r#" {"b":{"a":2} , "\u0061": [ 1 ] } "#, Some("[ 1 ]")),
        (r#"{"a":null}"#, Some("null")),
        (r#"{"b":1}"#, None),
        (r#"{"a":1,"a":1}"#, None),
        (r#"{"a":1,"\u0061":2}"#, None),
        (r#"{"a":1}{}"#, None),
        (r#"{"a":1,}"#, None),
        (r#"{"a":1"#, None),
        (r#"["a",1]"#, None),
        ("null", None),
        ("", None),
    ];

    #[test]
    fn members_are_found_in_objects_alone() {
        for (text, member) in TEXTS {
            let object = Object::parse(text.as_bytes());
            assert_eq!(object.and_then(|object| object.get("a")), member, "{text}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_none());
    }
}
