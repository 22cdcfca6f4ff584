//! The one place that reads the clock and writes times down. Everywhere else time is an argument.

use js_sys::Date;
use vtryon_webhooks::Millis;
use wasm_bindgen::JsValue;

use crate::faults;

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

fn date(at: Millis) -> Date {
    Date::new(&JsValue::from_f64(at.0 as f64))
}
