//! Violations of invariants: a run ends with the first one.

use std::panic::panic_any;

/// The invariants, in one line each: planted faults are counted by them.
const INVARIANTS: &[u8] = include_bytes!("invariants.txt");

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

/// Returns whether an invariant is a line of the list.
pub const fn is_listed(invariant: &str) -> bool {
    let invariant = invariant.as_bytes();
    let (mut at, mut length, mut is_same) = (0, 0, true);
    while at < INVARIANTS.len() {
        if INVARIANTS[at] == b'\n' {
            if is_same && length == invariant.len() {
                return true;
            }
            (length, is_same) = (0, true);
        } else {
            is_same = is_same && length < invariant.len() && INVARIANTS[at] == invariant[length];
            length += 1;
        }
        at += 1;
    }
    false
}

/// Returns the text of an invariant. One that is not listed does not compile.
macro_rules! invariant {
    ($text:expr) => {
        const {
            assert!($crate::violation::is_listed($text), "it is not in invariants.txt");
            $text
        }
    };
}

/// Ends the run unless a condition holds. The invariant comes second, then what was found, as for `format!`.
macro_rules! ensure {
    ($condition:expr, $invariant:expr, $($found:tt)+) => {
        if !$condition {
            let invariant = $crate::violation::invariant!($invariant);
            $crate::violation::violated(invariant, format!($($found)+));
        }
    };
}

pub(crate) use {ensure, invariant};
