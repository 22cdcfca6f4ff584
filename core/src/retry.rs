//! Schedules retries of failed deliveries and classifies the answers of endpoints.
//!
//! The limits are those of Vtryon's guide: at most 5 retries over 24 hours, with exponential backoff. The guide does not
//! specify the steps; they are chosen here. A `retry-after` makes the schedule longer, by up to 24 hours: each delay
//! counts from the attempt before. Nothing is random: the jitter is derived from the delivered event, so a schedule can
//! be computed in advance and checked afterwards.

use crate::digest::Digest;
use crate::millis::Millis;

/// The maximum number of retries after the first attempt.
pub const MAX_RETRIES: u32 = 5;

/// How long after the first attempt `retry-after` may defer a retry: 24 hours, in milliseconds.
pub const WINDOW: i64 = 24 * 60 * 60 * 1000;

/// The delay before the first retry, in milliseconds. Each further delay is five times as long.
const FIRST_PAUSE: i64 = 110_000;

/// Returns the delay before retry 1 to [`MAX_RETRIES`] without jitter, in milliseconds: 110 s, 550 s, 46 min, 3.8 h,
/// 19.1 h, 23.9 h in total. Returns `None` for any other number.
pub const fn nominal(retry: u32) -> Option<i64> {
    if retry == 0 || retry > MAX_RETRIES {
        return None;
    }
    Some(FIRST_PAUSE * 5_i64.pow(retry - 1))
}

/// Returns the delay before a retry, in milliseconds: the nominal delay minus a jitter of up to a tenth.
///
/// `subject` is the digest of the task's id, or of the body if it is not a readable event. The jitter spreads the
/// retries of deliveries that failed together. It is the first 8 bytes, big-endian, of SHA-256 over the subject and the
/// retry's number (4 bytes, big-endian), modulo a tenth of the nominal delay plus one.
pub fn delay(subject: &Digest, retry: u32) -> Option<i64> {
    let nominal = nominal(retry)?;
    let seed = [&subject.as_bytes()[..], &retry.to_be_bytes()].concat();
    // At most a tenth of the nominal delay, which fits into an i64.
    let jitter = Digest::of(&seed).head() % (nominal / 10 + 1) as u64;
    Some(nominal - jitter as i64)
}

/// Returns when to retry after attempt number `attempt` failed; 1 is the first attempt. Returns `None` after the last
/// attempt: the delivery becomes a dead letter.
///
/// `retry_after` is the delay that the endpoint asked for, in milliseconds from `attempted_at`. It can make a retry
/// later, up to [`WINDOW`] from the first attempt, but never earlier.
///
/// ```
/// use vtryon_webhooks::{Digest, Millis, retry};
/// let subject = Digest::of(b"task_123");
/// let next = retry::next(&subject, 1, Millis(0), Millis(0), Some(600_000));
/// assert_eq!(next, Some(Millis(600_000)));
/// assert_eq!(retry::next(&subject, 6, Millis(0), Millis(0), None), None);
/// ```
pub fn next(
    subject: &Digest,
    attempt: u32,
    first_at: Millis,
    attempted_at: Millis,
    retry_after: Option<i64>,
) -> Option<Millis> {
    let planned = attempted_at.plus_millis(delay(subject, attempt)?);
    let asked = retry_after.map(|pause| attempted_at.plus_millis(pause).min(first_at.plus_millis(WINDOW)));
    Some(asked.map_or(planned, |asked| asked.max(planned)))
}

/// What the HTTP status of an endpoint's answer means for a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The endpoint accepted it (2xx).
    Delivered,
    /// The endpoint no longer exists (410; RFC 9110, 15.5.11).
    Gone,
    /// The endpoint refused the signature (401, 403).
    Unauthorized,
    /// Any other status. Redirects are included, because they are never followed.
    Refused,
}

impl Reply {
    /// Classifies a status.
    pub const fn from_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            401 | 403 => Self::Unauthorized,
            _ => Self::Refused,
        }
    }

    /// Returns the name, in `snake_case`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Unauthorized => "unauthorized",
            Self::Refused => "refused",
        }
    }
}

/// Parses the header `retry-after` in seconds (RFC 9110, 10.2.3). Returns milliseconds, at most [`WINDOW`]. Returns
/// `None` for the form of a date, which needs a clock.
pub fn retry_after(value: &str) -> Option<i64> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number that does not fit into an i64 is beyond the window too.
    let seconds = value.parse::<i64>().unwrap_or(WINDOW);
    Some(seconds.saturating_mul(1000).min(WINDOW))
}
