//! Points in time.

use serde::{Deserialize, Serialize};

/// A point in time, in milliseconds since 1970 (UTC). The core never reads a clock: time is always an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Adds milliseconds; saturates at the ends of the range.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Adds seconds; saturates at the ends of the range.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// Returns how many milliseconds are left of a span of so many that began at this time, 1 at least; `None` once it is
    /// over, and where the clock went back to before it.
    pub const fn remaining(self, length: i64, now: Self) -> Option<i64> {
        let passed = now.0.saturating_sub(self.0);
        if 0 <= passed && passed < length { Some(length - passed) } else { None }
    }
}
