//! The limits of endpoints: how many attempts are in progress, and how many have begun lately.
//!
//! Both are known to the instance alone. A new one finds the attempts that are still leased, but not when those that have
//! ended began: within the first span of a rate it may let as many begin again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use vtryon_webhooks::Millis;

use super::leases::{self, WorkerLeases};
use crate::protocol::delivery::{Dispatch, endpoint_of};
use crate::protocol::settings::Settings;
use crate::protocol::settings::limits::Limits;
use crate::shard::deliveries::rows;
use crate::{Context, Result};

/// How many requests a run of the alarm may send before it begins no further attempt: the platform lets an invocation send
/// 50 to other servers, on its free plan (<https://developers.cloudflare.com/workers/platform/limits/#subrequests>).
const MAX_REQUESTS_OF_RUN: usize = 45;

/// The attempts of each endpoint.
#[derive(Default)]
pub(crate) struct Throttle {
    /// Those in progress: when their leases end, and their deliveries.
    in_flight: BTreeMap<i64, BTreeSet<(Millis, i64)>>,
    /// When the last ones began, in order of time; of endpoints with a rate.
    begun: BTreeMap<i64, VecDeque<Millis>>,
    /// How many requests the attempts of the current run of the alarm may have sent.
    requests_of_run: usize,
}

impl Throttle {
    /// Restores what an earlier instance has leased.
    pub(crate) fn recover(context: &Context<'_>, settings: &Settings, leases: &WorkerLeases) -> Result<Self> {
        let mut throttle = Self::default();
        for (delivery, end) in leases.all() {
            throttle.insert(delivery, end);
        }
        throttle.find_leased(context, settings)?;
        Ok(throttle)
    }

    /// Finds the attempts at endpoints with a limit that an earlier instance has leased to itself.
    pub(crate) fn find_leased(&mut self, context: &Context<'_>, settings: &Settings) -> Result<()> {
        let ends = (context.now, leases::all_over_at(context.deployment, context.now));
        let limited = settings.active().filter(|endpoint| endpoint.options.max_in_flight.is_some());
        for endpoint in limited {
            for (delivery, end) in rows::leased_to_shard(context.db, endpoint.no, ends)? {
                self.insert(delivery, end);
            }
        }
        Ok(())
    }

    fn insert(&mut self, delivery: i64, end: Millis) {
        self.in_flight.entry(endpoint_of(delivery)).or_default().insert((end, delivery));
    }

    /// Notes an attempt that begins under a lease. `limits` are those of its endpoint.
    pub(crate) fn begin(&mut self, delivery: i64, leased_until: Millis, limits: &Limits, now: Millis) {
        let endpoint = endpoint_of(delivery);
        let in_flight = self.in_flight.entry(endpoint).or_default();
        in_flight.insert((leased_until, delivery));
        while in_flight.first().is_some_and(|(end, _)| *end <= now) {
            in_flight.pop_first();
        }
        let Some(rate) = limits.rate else { return };
        let begun = self.begun.entry(endpoint).or_default();
        begun.insert(begun.partition_point(|at| *at <= now), now);
        begun.drain(..begun.len().saturating_sub(rate.attempts));
    }

    /// Notes that a run of the alarm begins.
    pub(crate) const fn begin_run(&mut self) {
        self.requests_of_run = 0;
    }

    /// Notes an attempt of the run: a receiver that refuses one signature is sent the next.
    pub(crate) fn count_in_run(&mut self, dispatch: &Dispatch) {
        self.requests_of_run += dispatch.secrets.len().max(1);
    }

    /// Returns how many attempts the run may still begin, at most.
    pub(crate) const fn left_in_run(&self) -> usize {
        MAX_REQUESTS_OF_RUN.saturating_sub(self.requests_of_run)
    }

    /// Notes that an attempt is over.
    pub(crate) fn end(&mut self, delivery: i64, leased_until: Millis) {
        if let Some(in_flight) = self.in_flight.get_mut(&endpoint_of(delivery)) {
            in_flight.remove(&(leased_until, delivery));
        }
    }

    /// Returns how many attempts are in progress.
    pub(crate) fn count_in_flight(&self, endpoint: i64, now: Millis) -> usize {
        self.in_flight(endpoint, now).count()
    }

    /// Returns how many attempts may begin now.
    pub(crate) fn allowed(&self, endpoint: i64, limits: &Limits, now: Millis) -> usize {
        let in_flight =
            limits.max_in_flight.map(|limit| limit.saturating_sub(self.count_in_flight(endpoint, now)));
        let rate = limits.rate.map(|rate| {
            let since = now.plus_millis(-rate.span_ms);
            let begun = self.begun(endpoint).filter(|at| *at > since);
            rate.attempts.saturating_sub(begun.count())
        });
        in_flight.into_iter().chain(rate).min().unwrap_or(usize::MAX)
    }

    /// Returns when the next attempt may begin: `None` is now. It may be earlier, where an attempt in progress ends.
    pub(crate) fn allowed_at(&self, endpoint: i64, limits: &Limits, now: Millis) -> Option<Millis> {
        let in_flight = limits.max_in_flight.and_then(|limit| {
            let count = self.count_in_flight(endpoint, now);
            self.in_flight(endpoint, now).nth(count.checked_sub(limit)?)
        });
        let rate = limits.rate.and_then(|rate| {
            let first = self.begun(endpoint).rev().nth(rate.attempts.checked_sub(1)?)?;
            Some(first.plus_millis(rate.span_ms))
        });
        in_flight.max(rate)
    }

    /// Returns when the leases of the attempts in progress end, the first one first.
    fn in_flight(&self, endpoint: i64, now: Millis) -> impl Iterator<Item = Millis> {
        let ends = self.in_flight.get(&endpoint).into_iter().flatten().map(|(end, _)| *end);
        ends.skip_while(move |end| *end <= now)
    }

    fn begun(&self, endpoint: i64) -> impl DoubleEndedIterator<Item = Millis> {
        self.begun.get(&endpoint).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::delivery::delivery_no;
    use crate::protocol::settings::limits::Rate;

    const ENDPOINT: i64 = 1;

    const fn at_most(max_in_flight: usize) -> Limits {
        Limits { max_in_flight: Some(max_in_flight), rate: None }
    }

    const fn rate(attempts: usize, span_ms: i64) -> Limits {
        Limits { max_in_flight: None, rate: Some(Rate { attempts, span_ms }) }
    }

    /// A throttle after attempts, each by when it began and when its lease ends, of an endpoint with limits.
    fn after(limits: &Limits, attempts: &[(i64, i64)]) -> Throttle {
        let mut throttle = Throttle::default();
        for (seq, (began, end)) in (1..).zip(attempts) {
            throttle.begin(delivery_no(seq, ENDPOINT), Millis(*end), limits, Millis(*began));
        }
        throttle
    }

    #[test]
    fn what_may_begin_follows_from_what_has_begun() {
        let both = Limits { max_in_flight: Some(2), ..rate(3, 1000) };
        for (name, limits, attempts, now, allowed, allowed_at) in [
            ("nothing is in progress", at_most(2), &[][..], 0, 2, None),
            ("one is", at_most(2), &[(0, 30)], 10, 1, None),
            ("all are: the first lease to end counts", at_most(2), &[(0, 30), (5, 20)], 10, 0, Some(20)),
            ("a lease has ended", at_most(2), &[(0, 30), (5, 20)], 20, 1, None),
            ("the limit was lowered", at_most(1), &[(0, 30), (5, 20), (6, 40)], 10, 0, Some(40)),
            ("nothing has begun", rate(2, 1000), &[], 0, 2, None),
            ("one has begun", rate(2, 1000), &[(5, 6)], 10, 1, None),
            ("as many as may", rate(2, 1000), &[(5, 6), (400, 401)], 1004, 0, Some(1005)),
            ("a span after the first", rate(2, 1000), &[(5, 6), (400, 401)], 1005, 1, Some(1005)),
            ("a span after all", rate(2, 1000), &[(5, 6), (400, 401)], 1400, 2, Some(1005)),
            ("the clock was set back", rate(2, 1000), &[(900, 901), (5, 6)], 1000, 0, Some(1005)),
            ("both limits", both, &[(0, 90), (1, 2), (3, 90)], 10, 0, Some(1000)),
            ("no limit", Limits::default(), &[(0, 90), (0, 90)], 10, usize::MAX, None),
        ] {
            let throttle = after(&limits, attempts);
            assert_eq!(throttle.allowed(ENDPOINT, &limits, Millis(now)), allowed, "{name}");
            assert_eq!(throttle.allowed_at(ENDPOINT, &limits, Millis(now)), allowed_at.map(Millis), "{name}");
            assert_eq!(
                throttle.allowed(2, &limits, Millis(now)),
                Throttle::default().allowed(2, &limits, Millis(now))
            );
        }
    }

    #[test]
    fn an_attempt_that_is_over_lets_another_one_begin_and_a_report_of_an_earlier_lease_none() {
        let mut throttle = after(&at_most(1), &[(0, 30)]);
        let delivery = delivery_no(1, ENDPOINT);
        for (name, delivery, leased_until, allowed) in [
            ("another delivery", delivery_no(2, ENDPOINT), 30, 0),
            ("an earlier lease", delivery, 20, 0),
            ("this attempt", delivery, 30, 1),
            ("once more", delivery, 30, 1),
        ] {
            throttle.end(delivery, Millis(leased_until));
            assert_eq!(throttle.allowed(ENDPOINT, &at_most(1), Millis(10)), allowed, "{name}");
        }
    }

    #[test]
    fn no_span_has_more_attempts_than_the_rate_and_none_is_left_unused() {
        for (attempts, span_ms, step) in
            [(1, 1000, 1), (3, 1000, 7), (25, 1000, 40), (1, 2667, 100), (1, 9999, 1)]
        {
            let limits = rate(attempts, span_ms);
            let (mut throttle, mut begun) = (Throttle::default(), Vec::new());
            for now in (0..20_000).step_by(step) {
                let allowed = throttle.allowed(ENDPOINT, &limits, Millis(now));
                for seq in 0..allowed as i64 {
                    throttle.begin(delivery_no(now + seq, ENDPOINT), Millis(now), &limits, Millis(now));
                    begun.push(now);
                }
            }
            let within =
                |start: i64| begun.iter().filter(|at| (start..start + span_ms).contains(*at)).count();
            assert!((0..20_000).all(|start| within(start) <= attempts), "{attempts} in {span_ms}");
            // The next look after the end of a span begins another one.
            let spans = 20_000 / (span_ms + step as i64);
            assert!(begun.len() >= attempts * spans as usize, "{} of {attempts} in {span_ms}", begun.len());
        }
    }
}
