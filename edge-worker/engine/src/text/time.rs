//! Times as RFC 3339 and HTTP write them. Nothing here reads a clock.

use std::ops::RangeInclusive;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, SecondsFormat};
use httpdate::parse_http_date;
use vtryon_webhooks::{Millis, retry};

const DAY_MS: i64 = 86_400_000;

/// How far the clocks of two machines may differ, in seconds. Numbers are given in the order of arrival but for that
/// much, so a range of times is found among them.
pub(crate) const SKEW: i64 = 60;

/// The times that RFC 3339 can write in UTC: from the year 0 to the end of 9999.
const WRITABLE: RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// Writes a time in UTC with milliseconds.
pub fn rfc3339(at: Millis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a time of RFC 3339 (5.6) in its one form, with a zone, that can be written in UTC too. A leap second, which only
/// ends a day of UTC, is the first second of the next day.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    // The RFC allows a blank instead of the T for readability; the API does not.
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
        return None;
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let at = Millis(time.timestamp_millis());
    let is_leap = time.timestamp_subsec_millis() >= 1000;
    (WRITABLE.contains(&at.0) && (!is_leap || at.0.rem_euclid(DAY_MS) < 1000)).then_some(at)
}

/// Reads the header `retry-after` of an answer that came at `now`: seconds, or a date in one of the three forms of HTTP
/// (RFC 9110, 10.2.3 and 5.6.7). Returns milliseconds from `now` on, which are negative for a date that has passed;
/// `None` for anything else.
pub fn retry_after_ms(value: &str, now: Millis) -> Option<i64> {
    retry::retry_after(value).or_else(|| Some(http_date(value)?.0.saturating_sub(now.0)))
}

/// Reads a date of HTTP.
fn http_date(text: &str) -> Option<Millis> {
    let since_1970 = parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Millis(i64::try_from(since_1970.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(784_111_777_000);

    /// The header, and for how many milliseconds it asks at [`NOW`], Sun, 06 Nov 1994 08:49:37 GMT.
    const HEADERS: [(&str, Option<i64>); 17] = [
        ("0", Some(0)),
        ("120", Some(120_000)),
        ("86401", Some(retry::WINDOW)),
        ("Sun, 06 Nov 1994 08:49:39 GMT", Some(2000)),
        ("Sunday, 06-Nov-94 08:49:39 GMT", Some(2000)),
        ("Sun Nov  6 08:49:39 1994", Some(2000)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(-784_111_777_000)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(252_618_189_022_000)),
        ("Wed, 31 Dec 1969 23:59:59 GMT", None),
        ("Sun, 06 Nov 1994 08:49:39 UTC", None),
        ("1994-11-06T08:49:39Z", None),
        // JavaScript takes these for dates in the year 2049, in May and in March.
        ("maintenance 49", None),
        ("-5", None),
        ("3.5", None),
        ("soon", None),
        ("1e3", None),
        ("", None),
    ];

    #[test]
    fn a_time_is_read_if_it_can_be_written_in_utc() {
        for (text, written) in [
            ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00.000Z")),
            ("0000-01-01T00:01:00+00:01", Some("0000-01-01T00:00:00.000Z")),
            ("0000-01-01T00:00:00+00:01", None),
            ("9999-12-31T23:59:59.9999Z", Some("9999-12-31T23:59:59.999Z")),
            ("9999-12-31T23:58:59.999-00:01", Some("9999-12-31T23:59:59.999Z")),
            ("9999-12-31T23:59:00-00:01", None),
            ("9999-12-31T23:59:60Z", None),
            ("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00.000Z")),
        ] {
            assert_eq!(parse_rfc3339(text).map(rfc3339).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn retry_after_is_in_seconds_or_a_date_of_http() {
        for (value, asked) in HEADERS {
            assert_eq!(retry_after_ms(value, NOW), asked, "{value:?}");
        }
    }
}
