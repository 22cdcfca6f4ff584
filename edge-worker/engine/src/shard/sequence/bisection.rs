//! Finds where a time begins among numbers that were given in the order of arrival, but for the little that clocks differ.

use std::ops::Range;

use vtryon_webhooks::Millis;

use crate::Result;

/// Returns the first number of a range whose time is `at` or later; the end of the range where there is none. Numbers may
/// be missing: `next` finds the first entry from a number on, and returns its number and time.
pub(crate) fn first_at(
    range: Range<i64>,
    at: Millis,
    next: impl Fn(i64) -> Result<Option<(i64, i64)>>,
) -> Result<i64> {
    let Range { start: mut low, end: mut high } = range;
    while low < high {
        let middle = low + (high - low) / 2;
        match next(middle)? {
            Some((no, time)) if time < at.0 => low = no + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_of_a_time_or_later() -> Result<()> {
        let entries = [(2, 10), (3, 10), (7, 20), (8, 30)];
        let next = |no| Ok(entries.iter().copied().find(|(entry, _)| *entry >= no));
        for (range, at, first) in [
            (1..9, 5, 1),
            (1..9, 11, 4),
            (1..9, 20, 4),
            (1..9, 21, 8),
            (1..9, 31, 9),
            (3..9, 10, 3),
            (5..5, 10, 5),
        ] {
            assert_eq!(first_at(range.clone(), Millis(at), next)?, first, "{at} in {range:?}");
        }
        Ok(())
    }
}
