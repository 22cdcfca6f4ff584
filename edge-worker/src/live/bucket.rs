//! Token buckets: how often something may be done at once, and per second.

use vtryon_webhooks::Millis;

/// What a live socket's client may send: so many messages at once, and so many more per second. Each message that it
/// is sent allows one more, since it may acknowledge each. A window of [`SEND_WINDOW`](vtryon_gateway_engine::protocol::live::SEND_WINDOW) bytes holds
/// fewer messages than may be sent at once.
pub(super) const MESSAGES: BucketRate = BucketRate { burst: 512, per_second: 20 };

/// How often something may be done.
#[derive(Clone, Copy)]
pub(super) struct BucketRate {
    /// How often at once.
    pub(super) burst: u32,
    /// How often per second from then on.
    pub(super) per_second: u32,
}

/// A token bucket: how often something may still be done.
pub(super) struct Bucket {
    tokens: u32,
    refilled_at: Millis,
}

impl Bucket {
    pub(super) const fn full(rate: BucketRate, now: Millis) -> Self {
        Self { tokens: rate.burst, refilled_at: now }
    }

    /// Takes a token; returns `false` where there is none.
    pub(super) fn take(&mut self, rate: BucketRate, now: Millis) -> bool {
        self.refill(rate, now);
        let Some(left) = self.tokens.checked_sub(1) else { return false };
        self.tokens = left;
        true
    }

    /// Adds a token, where there is room for one.
    pub(super) fn add(&mut self, rate: BucketRate) {
        self.tokens = rate.burst.min(self.tokens.saturating_add(1));
    }

    /// Returns whether it is as if it had never been used.
    pub(super) fn is_full(&mut self, rate: BucketRate, now: Millis) -> bool {
        self.refill(rate, now);
        self.tokens >= rate.burst
    }

    /// Adds the tokens of the time that has passed. A clock that went back adds none, and is gone by from then on.
    fn refill(&mut self, rate: BucketRate, now: Millis) {
        let per_second = i64::from(rate.per_second);
        let passed = now.0.saturating_sub(self.refilled_at.0);
        if passed < 0 {
            self.refilled_at = now;
            return;
        }
        let earned = passed.saturating_mul(per_second) / 1000;
        // What is left of a token counts for the next one.
        self.refilled_at = self.refilled_at.plus_millis(earned.saturating_mul(1000) / per_second.max(1));
        let tokens = i64::from(self.tokens).saturating_add(earned).min(i64::from(rate.burst));
        self.tokens = u32::try_from(tokens).unwrap_or(rate.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: BucketRate = BucketRate { burst: 3, per_second: 2 };

    #[test]
    fn so_many_at_once_and_so_many_per_second() {
        let mut bucket = Bucket::full(RATE, Millis(0));
        // milliseconds since 1970, whether there is a token then
        let rows = [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (499, false),
            (500, true),
            (500, false),
            (999, false),
            (1_000, true),
            (1_000, false),
            // A long pause saves up no more than the burst.
            (90_000, true),
            (90_000, true),
            (90_000, true),
            (90_000, false),
            // The clock went back, and goes on from there.
            (10_000, false),
            (10_500, true),
            (10_500, false),
        ];
        for (nth, (now, expected)) in rows.into_iter().enumerate() {
            assert_eq!(bucket.take(RATE, Millis(now)), expected, "row {nth}, at {now}");
        }
    }

    #[test]
    fn parts_of_a_token_are_not_lost() {
        let mut bucket = Bucket::full(RATE, Millis(0));
        let taken = (0..=10_000).filter(|now| bucket.take(RATE, Millis(*now))).count();
        assert_eq!(taken, 3 + 20);
    }

    #[test]
    fn tokens_are_added_up_to_the_burst() {
        let mut bucket = Bucket::full(RATE, Millis(0));
        bucket.add(RATE);
        assert_eq!((0..9).filter(|_| bucket.take(RATE, Millis(0))).count(), 3);
        assert!(!bucket.is_full(RATE, Millis(1_499)));
        bucket.add(RATE);
        assert!(bucket.is_full(RATE, Millis(1_500)));
    }
}
