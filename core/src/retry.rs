//! When a delivery that failed is tried again, and what an endpoint's answer means for it.
//!
//! The schedule is that of Vtryon's guide: at most 5 retries over 24 hours, with exponential backoff. The
//! guide does not spell the steps, so they are ours. Nothing is random: the jitter comes from what is
//! delivered, so a schedule can be told beforehand and looked at afterwards.

use crate::digest::Digest;
use crate::millis::Millis;

/// How many retries follow the first attempt, at most.
pub const MAX_RETRIES: u32 = 5;

/// How long after the first attempt an endpoint may put off a retry, in milliseconds: 24 hours.
pub const WINDOW: i64 = 24 * 60 * 60 * 1000;

/// The pause before the first retry, in milliseconds; each further one is five times as long.
const FIRST_PAUSE: i64 = 110_000;

/// Returns the pause before retry 1 to [`MAX_RETRIES`] without jitter, in milliseconds: 110 s, 550 s,
/// 46 min, 3.8 h, 19.1 h, together 23.9 h. There is no other retry.
pub const fn nominal(retry: u32) -> Option<i64> {
    if retry == 0 || retry > MAX_RETRIES {
        return None;
    }
    Some(FIRST_PAUSE * 5_i64.pow(retry - 1))
}

/// Returns the pause before a retry, in milliseconds: the nominal one less up to a tenth.
///
/// `subject` is the digest that the event is stored by, of its task's id or of a body that can't be read.
/// The jitter spreads what failed together. It is the first 8 bytes, big-endian, of SHA-256 over the
/// subject and the retry's number (4 bytes, big-endian), modulo a tenth and one.
pub fn pause(subject: &Digest, retry: u32) -> Option<i64> {
    let nominal = nominal(retry)?;
    let seed = [&subject.as_bytes()[..], &retry.to_be_bytes()].concat();
    // At most a tenth, which fits.
    let jitter = Digest::of(&seed).head() % (nominal / 10 + 1) as u64;
    Some(nominal - jitter as i64)
}

/// Returns when to try again after attempt number `attempt` failed; 1 is the first attempt. After the last
/// one there is no further: the delivery is a dead letter.
///
/// `retry_after` is what the endpoint asks for, in milliseconds from `attempted_at`. Where it is later than
/// the schedule it is honoured, but not beyond [`WINDOW`] from the first attempt; it never hastens a retry.
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
    let planned = attempted_at.plus_millis(pause(subject, attempt)?);
    let asked = retry_after.map(|pause| attempted_at.plus_millis(pause).min(first_at.plus_millis(WINDOW)));
    Some(asked.map_or(planned, |asked| asked.max(planned)))
}

/// What the status of an endpoint's answer says of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The endpoint has it.
    Delivered,
    /// The endpoint says that it is there no more (RFC 9110, 15.5.11).
    Gone,
    /// The endpoint does not accept the signature.
    Unauthorized,
    /// Anything else, redirects too: they are never followed.
    Refused,
}

impl Reply {
    /// Reads the status of an answer.
    pub const fn of(status: u16) -> Self {
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

/// Reads the header `retry-after` in its form of seconds (RFC 9110, 10.2.3), in milliseconds and at most
/// [`WINDOW`]. Its form of a date, which takes a clock, is none.
pub fn retry_after(value: &str) -> Option<i64> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than an i64 holds are more than the window too.
    let seconds = value.parse::<i64>().unwrap_or(WINDOW);
    Some(seconds.saturating_mul(1000).min(WINDOW))
}
