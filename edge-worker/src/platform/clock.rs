//! The one place that reads the clock and writes times down. Everywhere else time is an argument.

use std::time::Duration;

use js_sys::Date;
use vtryon_webhooks::Millis;
use wasm_bindgen::JsValue;

use crate::testing::faults;

/// Reads the clock. On Workers it stands still while a request computes, and moves with I/O.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn now() -> Millis {
    faults::scaled(Millis(Date::now() as i64))
}

/// Returns a span of this machine's time in milliseconds of the clock. They differ in the tests' build alone,
/// whose clock may run faster than its network.
pub(crate) fn span(seconds: i64) -> i64 {
    stretched(seconds * 1000)
}

/// Returns the same of a span in milliseconds.
pub(crate) fn stretched(millis: i64) -> i64 {
    faults::stretched(millis)
}

/// Returns how long it is from one point in time to another, in time of this machine.
pub(crate) fn between(from: Millis, to: Millis) -> Duration {
    let millis = faults::unscaled(to).0.saturating_sub(faults::unscaled(from).0);
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Returns a point in time as the platform's alarms take it.
pub(crate) fn alarm_date(at: Millis) -> Date {
    date(faults::unscaled(at))
}

/// Writes a point in time down as RFC 3339 says, in UTC with milliseconds.
pub(crate) fn rfc3339(at: Millis) -> String {
    date(at).to_iso_string().into()
}

/// Reads a date of HTTP (RFC 9110, 5.6.7) or of RFC 3339; anything else is none.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    let millis = Date::parse(text);
    millis.is_finite().then_some(Millis(millis as i64))
}

const DAY_MS: i64 = 86_400_000;

/// Reads a date of RFC 3339 (5.6) alone, in its one form: what the platform takes for a day later, or for a zone
/// that is not named, would be another time than was meant.
///
/// Letters may be lower-case. A leap second, which only ends a day of UTC, is the first second of the next day here.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Millis> {
    let text = text.to_ascii_uppercase();
    if text.get(16..19) == Some(":60") {
        let before = format!("{}:59{}", text.get(..16)?, text.get(19..)?);
        let next = parse_rfc3339(&before).map(|at| at.plus_seconds(1));
        return next.filter(|at| at.0.rem_euclid(DAY_MS) < 1000);
    }
    let text = text.as_str();
    let (day, time) = text.split_at_checked(10)?;
    let is_of_calendar = parse(day).is_some_and(|at| rfc3339(at).starts_with(day));
    let zone = time.get(9..)?.trim_start_matches(|char: char| char == '.' || char.is_ascii_digit());
    let has_zone = matches!(zone.as_bytes(), [b'Z'] | [b'+' | b'-', _, _, b':', _, _]);
    let is_in_form = is_of_calendar && time.starts_with('T') && !time.starts_with("T24") && has_zone;
    is_in_form.then(|| parse(text)).flatten()
}

fn date(at: Millis) -> Date {
    Date::new(&JsValue::from_f64(at.0 as f64))
}
