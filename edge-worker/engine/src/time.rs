//! Times as RFC 3339 writes them. Nothing here reads a clock.

use chrono::{DateTime, SecondsFormat};
use vtryon_webhooks::Millis;

const DAY_MS: i64 = 86_400_000;

/// Writes a time in UTC with milliseconds.
pub fn rfc3339(at: Millis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a time of RFC 3339 (5.6) in its one form, with a zone. A leap second, which only ends a day of UTC, is the
/// first second of the next day.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    // The RFC allows a blank instead of the T for readability; the API does not.
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
        return None;
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let at = Millis(time.timestamp_millis());
    let is_leap = time.timestamp_subsec_millis() >= 1000;
    (!is_leap || at.0.rem_euclid(DAY_MS) < 1000).then_some(at)
}
