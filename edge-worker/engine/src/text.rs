//! Forms of text: JSON, times, and what others sent, as it is stored and shown.

pub mod excerpt;
pub mod json;
pub mod time;

use std::fmt::Display;
use std::str::FromStr;

/// Reads a number in its one spelling: no sign, no zeros in front.
pub fn number<T: FromStr + Display>(text: &str) -> Option<T> {
    let number: T = text.parse().ok()?;
    (number.to_string() == text && !text.starts_with('-')).then_some(number)
}
