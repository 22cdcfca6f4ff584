//! The header `retry-after`: seconds, or a date in a form of HTTP; and when the next attempt is made.

use std::time::{Duration, UNIX_EPOCH};

use chrono::DateTime;
use httpdate::fmt_http_date;
use vtryon_gateway_engine::text::time::retry_after_ms;
use vtryon_webhooks::retry::{self, MAX_RETRIES, WINDOW};
use vtryon_webhooks::{Digest, Millis};

use crate::vectors::column;

/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: Millis = Millis(784_111_777_000);

/// The three forms of a date of HTTP (RFC 9110, 5.6.7).
const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// From when on a year of two digits is one of this century, and how long.
const TWO_DIGITS: std::ops::Range<i64> = 946_684_800..1_577_836_800;

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = column(include_str!("../../../tests/vectors/retry.json"), "header");
    let dates = [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Thu, 29 Feb 2096 23:59:60 GMT",
    ];
    seeds.extend(dates.map(Into::into));
    seeds
}

pub(crate) fn check(input: &[u8]) {
    if let Some(digits) = input.first_chunk() {
        date(u64::from_le_bytes(*digits) % (LAST + 1));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let asked = retry_after_ms(text, NOW);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = text.trim_start_matches('0');
        let seconds = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u128::MAX) };
        assert_eq!(asked, Some(seconds.saturating_mul(1000).min(WINDOW as u128) as i64));
    } else if let Some(asked) = asked {
        let at = NOW.0 + asked;
        let text = text.trim();
        assert!(text.ends_with(" GMT") || text.len() == 24, "{text}");
        let again = fmt_http_date(UNIX_EPOCH + Duration::from_millis(at as u64));
        assert_eq!(retry_after_ms(&again, NOW), Some(asked), "{text} is read as {again}");
    }
    next(asked);
}

/// A date is read as whoever writes one means it.
fn date(seconds: u64) {
    let at = seconds as i64;
    let date = DateTime::from_timestamp(at, 0).unwrap();
    for (no, form) in FORMS.into_iter().enumerate() {
        if no == 1 && !TWO_DIGITS.contains(&at) {
            continue;
        }
        let text = date.format(form).to_string();
        assert_eq!(retry_after_ms(&text, NOW), Some(at * 1000 - NOW.0), "{text}");
    }
}

/// Whatever is asked for, a retry comes neither before its time nor after the window.
fn next(asked: Option<i64>) {
    let subject = Digest::of(b"task_1");
    for attempt in 1..=MAX_RETRIES {
        let planned = NOW.plus_millis(retry::delay(&subject, attempt).unwrap());
        let next = retry::next(&subject, attempt, NOW, NOW, asked).unwrap();
        assert!(next >= planned && next <= planned.max(NOW.plus_millis(WINDOW)));
        assert!(asked.is_none_or(|asked| next >= NOW.plus_millis(asked.min(WINDOW))));
    }
}
