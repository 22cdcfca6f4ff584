//! The one place that reads the clock and writes times down. Everywhere else time is an argument.

use js_sys::Date;
use serde::{Deserialize, Serialize};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(pub(crate) i64);

impl Millis {
    /// Reads the clock. On Workers it stands still while a request computes, and moves with I/O.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn now() -> Self {
        Self(Date::now() as i64)
    }

    pub(crate) const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Returns the time as the platform's alarms take it.
    pub(crate) fn to_date(self) -> Date {
        Date::new(&wasm_bindgen::JsValue::from_f64(self.0 as f64))
    }

    /// Writes the time down as RFC 3339 says, in UTC with milliseconds.
    pub(crate) fn to_rfc3339(self) -> String {
        self.to_date().to_iso_string().into()
    }
}
