//! The parameters of a request, read from its URL.

use std::ops::RangeInclusive;

use vtryon_gateway_engine::text::time::parse_rfc3339;
use vtryon_webhooks::Millis;

use crate::http::response::ApiError;

/// How many entries a page has where none are asked for, and at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// The most digits of an age: none of them overflows, whatever its unit.
const MAX_AGE_DIGITS: usize = 9;

/// The parameters. One that the path does not have is refused: it would be a filter that does nothing.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str, names: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if !pairs.iter().all(|(name, _)| names.contains(&name.as_str())) {
            let message = match names {
                [] => "this path takes no parameters".to_owned(),
                names => format!("the query has a parameter that is none of {}", names.join(", ")),
            };
            return Err(ApiError::invalid_request(message));
        }
        let is_twice = |wanted: &&&str| pairs.iter().filter(|(name, _)| name == **wanted).count() > 1;
        if let Some(twice) = names.iter().find(is_twice) {
            return Err(ApiError::invalid_request(format!("the query has `{twice}` twice")));
        }
        Ok(Self(pairs))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Reads a whole number; `None` is not a number or is out of range.
    pub(crate) fn number(&self, name: &str, default: u32, range: RangeInclusive<u32>) -> Option<u32> {
        let number = self.get(name).map_or(Some(default), whole_number)?;
        range.contains(&number).then_some(number)
    }

    /// Reads a time by RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Millis>, ApiError> {
        let read = |text| {
            parse_rfc3339(text).ok_or_else(|| {
                let message = format!("`{name}` is not a time such as 2026-11-29T12:00:00Z");
                ApiError::invalid_request(message)
            })
        };
        self.get(name).map(read).transpose()
    }

    pub(crate) fn limit(&self) -> Result<u32, ApiError> {
        let message = "`limit` is not a whole number from 1 to 100";
        let limit = self.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
        limit.ok_or_else(|| ApiError::invalid_request(message))
    }
}

/// Reads a whole number as JSON Schema takes one: `60.0` is an integer too.
fn whole_number(text: &str) -> Option<u32> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    // A number may have a sign in Rust.
    digits.parse().ok().filter(|_| is_whole && !digits.starts_with('+'))
}

/// Reads an age such as `30m`, and returns the time that long ago.
pub(crate) fn time_ago(text: &str, now: Millis) -> Option<Millis> {
    Some(Millis(now.plus_seconds(-age(text)?).0.max(0)))
}

/// Reads an age such as `30m`, `12h` or `7d`, in seconds; it has at most 9 digits.
fn age(text: &str) -> Option<i64> {
    [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)].into_iter().find_map(|(unit, seconds)| {
        let digits = text.strip_suffix(unit)?;
        let is_short = (1..=MAX_AGE_DIGITS).contains(&digits.len());
        let count: u32 = digits.parse().ok().filter(|_| is_short && !digits.starts_with('+'))?;
        Some(i64::from(count) * seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_what_json_schema_takes_for_an_integer() {
        for (text, expected) in [
            ("60", Some(60)),
            ("60.0", Some(60)),
            ("60.000", Some(60)),
            ("0", Some(0)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("60.5", None),
            ("60.", None),
            (".0", None),
            ("60.0.0", None),
            ("-1", None),
            ("+60", None),
            (" 60", None),
            ("ten", None),
            ("", None),
        ] {
            assert_eq!(whole_number(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_age_has_at_most_9_digits_and_a_unit() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("30m", Some(1800)),
            ("12h", Some(43_200)),
            ("999999999d", Some(86_399_999_913_600)),
            ("1000000000s", None),
            ("+30m", None),
            ("30", None),
            ("m", None),
            ("30M", None),
            ("1.0h", None),
            ("", None),
        ] {
            assert_eq!(age(text), expected, "{text:?}");
        }
    }
}
