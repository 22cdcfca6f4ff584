//! Violations of invariants: a run ends with the first one.

use std::panic::panic_any;

/// An invariant that does not hold, and what was found instead.
#[derive(Clone, Debug)]
pub struct Violation {
    pub invariant: &'static str,
    pub found: String,
}

/// Ends the run with a violation.
pub fn violated(invariant: &'static str, found: String) -> ! {
    panic_any(Violation { invariant, found })
}

/// Ends the run unless a condition holds. The invariant comes second, then what was found, as for `format!`.
macro_rules! ensure {
    ($condition:expr, $invariant:expr, $($found:tt)+) => {
        if !$condition {
            $crate::violation::violated($invariant, format!($($found)+));
        }
    };
}

pub(crate) use ensure;
