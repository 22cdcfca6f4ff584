//! The one place that reads the clock. Everywhere else time is an argument.

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

/// Returns how many times faster the clock runs than this machine. Only the tests' build has a fast clock.
pub(crate) fn scale() -> i64 {
    faults::clock_scale()
}

/// Returns so many seconds of machine time in milliseconds of the clock.
pub(crate) fn machine_seconds(seconds: i64) -> i64 {
    machine_millis(seconds * 1000)
}

/// Returns so many milliseconds of machine time in those of the clock.
pub(crate) fn machine_millis(millis: i64) -> i64 {
    millis * scale()
}

/// Returns how long it is from one point in time to another, in time of this machine.
pub(crate) fn between(from: Millis, to: Millis) -> Duration {
    let millis = faults::unscaled(to).0.saturating_sub(faults::unscaled(from).0);
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Returns a point in time as the platform's alarms take it.
pub(crate) fn alarm_date(at: Millis) -> Date {
    Date::new(&JsValue::from_f64(faults::unscaled(at).0 as f64))
}
