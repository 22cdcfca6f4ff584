//! JSON, by serde: our own types are read and written as derived, and objects of others field by field.

use std::collections::BTreeSet;
use std::fmt::{self, Formatter};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// Parses what this program has written, with an error that does not quote it.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> crate::Result<T> {
    serde_json::from_str(text).map_err(|_| "stored data can't be read: is a deployment in progress?".into())
}

/// Writes a value as text.
pub fn to_string(value: &(impl Serialize + ?Sized)) -> String {
    // It would fail for a map whose keys are no strings, which none of our types has.
    serde_json::to_string(value).unwrap_or_default()
}

/// Takes a text that was written as JSON, to pass it on as it is.
pub fn raw(text: String) -> crate::Result<Box<RawValue>> {
    RawValue::from_string(text).map_err(|_| "a stored text is not JSON".into())
}

/// Writes a value that is passed on as it is.
pub fn to_raw(value: &(impl Serialize + ?Sized)) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Parses a string.
pub fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// Parses an array, its elements as text.
pub fn list(value: &str) -> Option<Vec<&str>> {
    let values: Vec<&RawValue> = serde_json::from_str(value).ok()?;
    Some(values.into_iter().map(RawValue::get).collect())
}

/// An object of somebody else's: its fields in their order, each once, and their values as text.
pub struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Parses a text that is one object and nothing else, with no field twice.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.get())
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    pub fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        self.get(name).and_then(list)
    }

    /// Removes a field, and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.remove(at).1.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an object with each field once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let (mut fields, mut names) = (Vec::new(), BTreeSet::new());
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a field is there twice"));
            }
            fields.push((name, value));
        }
        Ok(Object(fields))
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// the text, the field `a` of it; nothing where it is no such object
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
    fn fields_are_found_in_objects_alone() {
        for (text, field) in TEXTS {
            let object = Object::parse(text.as_bytes());
            assert_eq!(object.and_then(|object| object.get("a")), field, "{text}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn brackets_and_commas_in_strings_part_nothing() {
        let value = r#"[ 1 , "a,]\\\"[{," ,{"b":[2,3],"c":"}"},[[]], {} ]"#;
        let members = [r"1", r#""a,]\\\"[{,""#, r#"{"b":[2,3],"c":"}"}"#, "[[]]", "{}"];
        assert_eq!(list(value).as_deref(), Some(members.as_slice()));
        assert_eq!(list("[ ]").as_deref(), Some([].as_slice()));
        assert_eq!(list("{}"), None);
        let text = format!(r#"{{"a":{value},"b":{{}}}}"#);
        let object = Object::parse(text.as_bytes());
        let read = |name| object.as_ref().and_then(|object| object.list(name));
        assert_eq!((read("a").as_deref(), read("b"), read("c")), (Some(members.as_slice()), None, None));
    }

    #[test]
    fn an_object_is_written_as_it_was_read() {
        let text = r#"{"b":{"x": 1.50},"a":[ 12345678901234567890 ],"c":"\u0061"}"#;
        let mut object = Object::parse(text.as_bytes());
        assert_eq!(object.as_ref().map(to_string).as_deref(), Some(text));
        assert_eq!(object.as_mut().and_then(|object| object.remove("a")), Some("[ 12345678901234567890 ]"));
        assert_eq!(object.as_ref().map(to_string).as_deref(), Some(r#"{"b":{"x": 1.50},"c":"\u0061"}"#));
    }

    #[test]
    fn what_can_not_be_read_is_not_quoted() {
        let error = read::<Vec<u32>>(r#"["a secret"]"#).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| !error.contains("secret")));
    }
}
