//! JSON. serde_json judges a text once; what it has judged is then taken apart by its brackets and commas. A parser
//! that serde derives for a type makes the Worker larger, and so do its words for what it does not take.

#[cfg(test)]
mod codec;
mod read;
mod shape;
mod write;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use vtryon_webhooks::json_string;

pub(crate) use self::read::{Read, read, variant};
pub(crate) use self::shape::{object, one_of};
pub(crate) use self::write::{Fields, Members, Write, to_string};

/// A value that is passed on as it is.
pub(crate) struct Raw(pub(crate) String);

/// How many members an object has at most.
const MOST: usize = 100;

/// An object, its members in their order: the name, and the value as text.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    /// Reads a text that is one object and nothing else, with no member twice.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        Self::of(judged(str::from_utf8(text).ok()?)?)
    }

    /// Reads a value that is part of a text which has been judged.
    pub(crate) fn of(value: &'a str) -> Option<Self> {
        let mut members: Vec<(Cow<'_, str>, &str)> = Vec::new();
        for part in parts(value, '{', '}')? {
            let (name, value) = part.split_at_checked(string_end(part.as_bytes(), 0))?;
            let name = json_string(name).ok()??;
            // Each is compared with all before it.
            if members.len() == MOST || members.iter().any(|(other, _)| *other == name) {
                return None;
            }
            members.push((name, value.trim_ascii_start().strip_prefix(':')?.trim_ascii_start()));
        }
        Some(Self(members))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(member, _)| &**member)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    pub(crate) fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        self.get(name).and_then(list)
    }
}

/// Returns the one value of a text that is JSON.
fn judged(text: &str) -> Option<&str> {
    let mut parser = serde_json::Deserializer::from_str(text);
    IgnoredAny::deserialize(&mut parser).ok()?;
    parser.end().ok()?;
    Some(text.trim_ascii())
}

/// Reads an array.
pub(crate) fn list(value: &str) -> Option<Vec<&str>> {
    Some(parts(value, '[', ']')?.collect())
}

/// Takes apart what stands between brackets, at the commas that are in no string and no bracket within.
fn parts(value: &str, open: char, close: char) -> Option<impl Iterator<Item = &str>> {
    let mut rest = value.strip_prefix(open)?.strip_suffix(close)?.trim_ascii();
    Some(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest.split_at_checked(part_end(rest.as_bytes()))?;
        rest = after.get(1..).unwrap_or_default().trim_ascii_start();
        Some(part.trim_ascii_end())
    }))
}

/// Returns where the first comma outside of everything stands, or else the end.
fn part_end(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        at = match byte {
            b'"' => string_end(text, at),
            b',' if depth == 0 => return at,
            _ => {
                match byte {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at + 1
            }
        };
    }
    at
}

/// Returns where the string ends that begins with a quote at `begin`: after its last quote.
fn string_end(text: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    text.len()
}

/// Reads a string.
pub(crate) fn text(value: &str) -> Option<String> {
    Some(json_string(value).ok()??.into_owned())
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

    /// the text of a string, what it reads as
    const STRINGS: [(&str, Option<&str>); 14] = [
        (r#""""#, Some("")),
        (r#""plain ünïcödé""#, Some("plain ünïcödé")),
        (r#""\"\\\/\b\f\n\r\t""#, Some("\"\\/\u{8}\u{c}\n\r\t")),
        (r#""a\\\\b\\""#, Some(r"a\\b\")),
        (r#""\u0041\u00e9x""#, Some("Aéx")),
        (r#""\ud83d\ude00!""#, Some("😀!")),
        (r#""\\u0041""#, Some(r"\u0041")),
        (r#""\ud83d""#, None),
        (r#""\ud83d\\ude00""#, None),
        (r#""\ud83dx\ude00""#, None),
        (r#""\ud83d\u0041""#, None),
        (r#""\ude00""#, None),
        ("1", None),
        ("null", None),
    ];

    #[test]
    fn strings_are_read_as_serde_json_reads_them() {
        for (value, expected) in STRINGS {
            assert_eq!(text(value).as_deref(), expected, "{value}");
            assert_eq!(serde_json::from_str::<String>(value).ok().as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn brackets_and_commas_in_strings_part_nothing() {
        let value = r#"[ 1 , "a,]\\\"[{," ,{"b":[2,3],"c":"}"},[[]], {} ]"#;
        let members = [r"1", r#""a,]\\\"[{,""#, r#"{"b":[2,3],"c":"}"}"#, "[[]]", "{}"];
        assert_eq!(judged(value).and_then(list).as_deref(), Some(members.as_slice()));
        assert_eq!(list("[ ]").as_deref(), Some([].as_slice()));
        assert_eq!(list("{}"), None);
    }

    #[test]
    fn members_are_found_in_objects_alone() {
        for (text, member) in TEXTS {
            let object = Object::parse(text.as_bytes());
            assert_eq!(object.and_then(|object| object.get("a")), member, "{text}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_none());
    }
}
