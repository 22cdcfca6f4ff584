//! How many attempts an endpoint gets, at the same time and in a second. Only shards know of attempts, so each has a part
//! of a limit, and the parts add up to it.

use vtryon_webhooks::Shards;

use super::EndpointOptions;

/// How long the span is that a rate is counted by, in milliseconds.
const SECOND_MS: u32 = 1000;

/// The longest time between two attempts of a shard, in seconds: an idle instance ends after about that time, and the next
/// one does not know when the last attempt began.
const LONGEST_SPAN: u32 = 10;

/// A shard's part of the limits of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many attempts may be in progress at the same time.
    pub max_in_flight: Option<usize>,
    pub rate: Option<Rate>,
}

/// How many attempts may begin within any span of so many milliseconds of machine time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub attempts: usize,
    pub span_ms: i64,
}

impl Limits {
    /// Returns the part that a shard, of so many, has of the limits of an endpoint.
    pub fn of(options: &EndpointOptions, shard: u32, shards: u32) -> Self {
        Self {
            max_in_flight: options.max_in_flight.map(|limit| part(limit, shard, shards)),
            rate: options.attempts_per_second.map(|limit| Rate::of(limit, shard, shards)),
        }
    }

    pub const fn is_none(&self) -> bool {
        self.max_in_flight.is_none() && self.rate.is_none()
    }
}

impl Rate {
    fn of(per_second: u32, shard: u32, shards: u32) -> Self {
        if per_second >= shards {
            return Self { attempts: part(per_second, shard, shards), span_ms: SECOND_MS.into() };
        }
        // Less than one a second for each: one in a longer span.
        let span_ms = (shards * SECOND_MS).div_ceil(per_second.max(1));
        Self { attempts: 1, span_ms: span_ms.into() }
    }
}

/// Divides a limit: the parts differ by one at most and add up to it.
fn part(limit: u32, shard: u32, shards: u32) -> usize {
    let shards = shards.max(1);
    (limit / shards + u32::from(shard < limit % shards)) as usize
}

/// Returns the least `max_in_flight` that so many shards can keep: each makes one attempt at a time.
pub const fn least_in_flight(shards: Shards) -> u32 {
    shards.count()
}

/// Returns the least `attempts_per_second` that so many shards can keep: each begins one in 10 seconds.
pub const fn least_per_second(shards: Shards) -> u32 {
    shards.count().div_ceil(LONGEST_SPAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vtryon_webhooks::MAX_SHARDS;

    fn options(max_in_flight: Option<u32>, attempts_per_second: Option<u32>) -> EndpointOptions {
        EndpointOptions { max_in_flight, attempts_per_second, ..EndpointOptions::default() }
    }

    fn rate(attempts: usize, span_ms: i64) -> Option<Rate> {
        Some(Rate { attempts, span_ms })
    }

    #[test]
    fn each_shard_has_its_part() {
        for (name, max_in_flight, per_second, shard, shards, expect) in [
            ("no limit", None, None, 0, 8, Limits::default()),
            (
                "one shard has all",
                Some(7),
                Some(9),
                0,
                1,
                Limits { max_in_flight: Some(7), rate: rate(9, 1000) },
            ),
            (
                "the first ones have the rest",
                Some(10),
                Some(10),
                1,
                8,
                Limits { max_in_flight: Some(2), rate: rate(2, 1000) },
            ),
            (
                "and the others do not",
                Some(10),
                Some(10),
                2,
                8,
                Limits { max_in_flight: Some(1), rate: rate(1, 1000) },
            ),
            ("one a second each", None, Some(8), 7, 8, Limits { max_in_flight: None, rate: rate(1, 1000) }),
            (
                "less than one a second each",
                None,
                Some(3),
                7,
                8,
                Limits { max_in_flight: None, rate: rate(1, 2667) },
            ),
        ] {
            assert_eq!(Limits::of(&options(max_in_flight, per_second), shard, shards), expect, "{name}");
        }
    }

    #[test]
    fn the_parts_add_up_to_the_limit_and_differ_by_one_at_most() {
        for shards in [1, 2, 3, 8, 64, MAX_SHARDS] {
            for limit in [shards, shards + 1, 2 * shards - 1, 2 * shards, 10_000] {
                let of = |shard| Limits::of(&options(Some(limit), Some(limit)), shard, shards);
                let in_flight: Vec<usize> = (0..shards).filter_map(|shard| of(shard).max_in_flight).collect();
                let rates: Vec<Rate> = (0..shards).filter_map(|shard| of(shard).rate).collect();
                assert_eq!(in_flight.iter().sum::<usize>(), limit as usize, "{limit} of {shards}");
                assert!(in_flight.iter().max() <= in_flight.iter().min().map(|least| least + 1).as_ref());
                assert_eq!(rates.iter().map(|rate| rate.attempts).sum::<usize>(), limit as usize);
                assert!(rates.iter().all(|rate| rate.span_ms == 1000 && rate.attempts > 0));
            }
        }
    }

    #[test]
    fn slow_rates_are_kept_by_longer_spans() {
        for shards in [2, 8, 64, MAX_SHARDS].into_iter().filter_map(Shards::new) {
            let count = shards.count();
            for limit in least_per_second(shards)..count {
                let rate = Limits::of(&options(None, Some(limit)), 0, count).rate;
                let is_slow = matches!(rate, Some(Rate { attempts: 1, span_ms: 1001..=10_000 }));
                assert!(is_slow, "{limit} of {count}: {rate:?}");
                // All shards together, in attempts each thousand seconds.
                let total = rate.map(|rate| i64::from(count) * 1_000_000 / rate.span_ms);
                assert!(total <= Some(i64::from(limit) * 1000), "{limit} of {count}: {total:?}");
            }
        }
    }
}
