//! What an administrator sends: JSON objects, read field by field, refused by the name of the field.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use vtryon_webhooks::{Code, Millis};

use crate::Refusal;
use crate::text::json::Object;
use crate::text::time;

/// How many names a filter may have.
const MAX_NAMES: usize = 50;

/// The fields of an object, as they came; nothing at all is an object without any.
pub(super) struct Input<'a>(Object<'a>);

impl<'a> Input<'a> {
    /// Reads an object that has no other fields than `names`.
    pub(super) fn parse(text: &'a str, names: &[&str]) -> Result<Self, Refusal> {
        let input = Self::parse_any(text)?;
        if input.0.names().all(|field| names.contains(&field)) {
            return Ok(input);
        }
        Err(refuse(format!("the body has a field that is none of {}", names.join(", "))))
    }

    /// Reads an object, whatever fields it has.
    pub(super) fn parse_any(text: &'a str) -> Result<Self, Refusal> {
        let text = if text.is_empty() { "{}" } else { text };
        let fields = Object::parse(text.as_bytes())
            .ok_or_else(|| refuse("the body is not one JSON object, with each field once"))?;
        Ok(Self(fields))
    }

    pub(super) fn get(&self, name: &'static str) -> Option<Field<'a>> {
        self.0.get(name).map(|json| Field { name, json })
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        self.get(name).map(|field| field.text()).transpose()
    }

    pub(super) fn time(&self, name: &'static str) -> Result<Option<Millis>, Refusal> {
        self.get(name).map(|field| field.time()).transpose()
    }
}

/// A field that was sent.
pub(super) struct Field<'a> {
    name: &'static str,
    json: &'a str,
}

impl<'a> Field<'a> {
    /// Reads an object; `None` for null.
    pub(super) fn object(&self) -> Result<Option<Object<'a>>, Refusal> {
        if self.json == "null" {
            return Ok(None);
        }
        let object = Object::parse(self.json.as_bytes());
        object.map(Some).ok_or_else(|| self.is_not("null or an object with each field once"))
    }

    pub(super) fn text(&self) -> Result<String, Refusal> {
        self.read("a string")
    }

    pub(super) fn flag(&self) -> Result<bool, Refusal> {
        self.read("true or false")
    }

    /// Reads a whole number; `60.0` and `6e1` are integers to JSON Schema too.
    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Result<u32, Refusal> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let number = whole(self.read(&what)?).filter(|number| range.contains(number));
        number.ok_or_else(|| self.is_not(&what))
    }

    /// Reads the same, or null.
    pub(super) fn number_or_null(&self, range: RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
        if self.json == "null" { Ok(None) } else { self.number(range).map(Some) }
    }

    /// Reads a point in time.
    pub(super) fn time(&self) -> Result<Millis, Refusal> {
        time::parse_rfc3339(&self.text()?).ok_or_else(|| self.is_not("a time as RFC 3339 writes it"))
    }

    /// Reads names of so many characters at most.
    pub(super) fn names(&self, longest: usize) -> Result<Vec<String>, Refusal> {
        let names: Vec<String> = self.read("an array of strings")?;
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().count() <= longest && !name.contains(char::is_control)
        };
        if names.len() <= MAX_NAMES && names.iter().all(is_name) {
            return Ok(names);
        }
        Err(refuse(format!("`{}` has more than {MAX_NAMES} entries, or one that is no name", self.name)))
    }

    /// Refuses a value that is something else than it should be.
    pub(super) fn is_not(&self, what: &str) -> Refusal {
        refuse(format!("`{}` is not {what}", self.name))
    }

    /// Refuses a value that is well formed, but not possible here.
    pub(super) fn conflicts(&self, what: &str) -> Refusal {
        Refusal::new(Code::Conflict, format!("`{}` is {what}", self.name))
    }

    fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, Refusal> {
        serde_json::from_str(self.json).map_err(|_| self.is_not(what))
    }
}

/// Returns a number that is whole and in range.
fn whole(number: f64) -> Option<u32> {
    let is_in_range = (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
    let whole = number as u32;
    (is_in_range && number.fract() == 0.0).then_some(whole)
}

/// Refuses a request that is not well formed.
pub(super) fn refuse(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::InvalidRequest, message)
}
