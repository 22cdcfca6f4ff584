//! The attempts of a shard, as far as an instance knows them: which are in progress, and which may begin.

pub(crate) mod health;
pub(crate) mod leases;
pub(crate) mod throttle;

use vtryon_webhooks::Millis;

use self::health::EndpointHealths;
use self::leases::{Lease, WorkerLeases};
use self::throttle::Throttle;
use super::rows;
use crate::protocol::delivery::{Dispatch, endpoint_of};
use crate::protocol::settings::{Endpoint, Settings};
use crate::shard::config::Config;
use crate::{Context, Result};

/// How long an endpoint cools down after a failure in a run, in seconds of machine time.
const COOL_DOWN: i64 = 5;

/// The leases of the Worker, what counts for the limits of endpoints, and what attempts have shown of them.
#[derive(Default)]
pub(crate) struct Attempts {
    pub(crate) leases: WorkerLeases,
    pub(crate) throttle: Throttle,
    pub(crate) health: EndpointHealths,
}

impl Attempts {
    /// Restores what an earlier instance has leased and learned.
    pub(crate) fn recover(context: &Context<'_>, settings: &Settings) -> Result<Self> {
        let leases = WorkerLeases::recover(context)?;
        let throttle = Throttle::recover(context, settings, &leases)?;
        Ok(Self { leases, throttle, health: EndpointHealths::load(context.db)? })
    }

    /// Notes an attempt that begins.
    pub(crate) fn begin(&mut self, context: &Context<'_>, config: &Config, dispatch: &Dispatch) {
        let endpoint = config.settings.endpoint(endpoint_of(dispatch.delivery));
        let limits = endpoint.map(|endpoint| config.limits(context, endpoint)).unwrap_or_default();
        self.throttle.begin(dispatch.delivery, dispatch.leased_until, &limits, context.now);
    }

    /// Lets an endpoint cool down after a failure.
    pub(crate) fn cool_down(&mut self, context: &Context<'_>, endpoint: i64) {
        let until = context.now.plus_millis(context.deployment.machine_seconds(COOL_DOWN));
        self.health.cool_down(endpoint, until);
    }

    /// Returns whether the first attempt of a new event is left to the alarm: the Worker has waited for this shard until it
    /// may not begin it any more; the endpoint is failing, and may hang, or may take longer than the Worker has; or it is at
    /// its limits, or others wait already, which must not be overtaken.
    pub(crate) fn must_defer(
        &self,
        context: &Context<'_>,
        config: &Config,
        endpoint: &Endpoint,
        received_at: Millis,
    ) -> Result<bool> {
        let timeout_seconds = endpoint.options.attempt.timeout_seconds;
        let lease = Lease::from_now(context.deployment, timeout_seconds, received_at);
        let is_too_late = lease.begin_before <= context.now;
        let is_slow = !leases::fits_worker(timeout_seconds);
        if is_too_late || is_slow || self.health.last_attempt_failed(endpoint.no) {
            return Ok(true);
        }
        let limits = config.limits(context, endpoint);
        if limits.is_none() {
            return Ok(false);
        }
        if self.throttle.allowed(endpoint.no, &limits, context.now) == 0 {
            return Ok(true);
        }
        // What waits has become due by the clock of a Worker.
        let now = context.now.max(received_at);
        Ok(rows::next_due(context.db, endpoint.no)?.is_some_and(|due_at| due_at <= now))
    }

    /// Returns when deliveries to an endpoint are attempted next: none where none is due at any time.
    pub(crate) fn next_at(
        &self,
        context: &Context<'_>,
        config: &Config,
        endpoint: i64,
    ) -> Result<Option<Millis>> {
        let due_at = rows::next_due(context.db, endpoint)?;
        Ok(due_at.map(|due_at| self.earliest_at(context, config, endpoint, due_at)))
    }

    /// Returns when a delivery to an endpoint can be attempted that is due at a time: once it has cooled down, and within its
    /// limits.
    pub(crate) fn earliest_at(
        &self,
        context: &Context<'_>,
        config: &Config,
        endpoint: i64,
        due_at: Millis,
    ) -> Millis {
        let due_at = self.health.after_cool_down(endpoint, due_at);
        let limits = config.settings.endpoint(endpoint).map(|found| config.limits(context, found));
        let Some(limits) = limits.filter(|limits| !limits.is_none()) else { return due_at };
        let allowed_at = self.throttle.allowed_at(endpoint, &limits, context.now);
        due_at.max(context.now).max(allowed_at.unwrap_or(context.now))
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::protocol::delivery::delivery_no;
    use crate::protocol::settings::EndpointOptions;
    use crate::shard::testing;

    const LIMITED: i64 = 1;
    const RATED: i64 = 2;
    const FREE: i64 = 3;

    /// Settings with an endpoint that takes one attempt at a time, one that takes one in a second, and one without limits.
    fn config() -> Config {
        let endpoint = |no, max_in_flight, attempts_per_second| Endpoint {
            no,
            options: EndpointOptions { max_in_flight, attempts_per_second, ..EndpointOptions::default() },
            ..Endpoint::default()
        };
        let endpoints = vec![
            endpoint(LIMITED, Some(1), None),
            endpoint(RATED, None, Some(1)),
            endpoint(FREE, None, None),
        ];
        Config { settings: Settings { endpoints, ..Settings::default() }, ..Config::default() }
    }

    #[test]
    fn an_attempt_waits_until_its_endpoint_has_cooled_down_and_for_its_limits() -> Result<()> {
        const NOW: i64 = 2000;
        const COOLED_DOWN: i64 = NOW + COOL_DOWN * 1000;
        let (db, deployment, config) = (&testing::database()?, &testing::deployment()?, &config());
        let context = &Context { db, deployment, now: Millis(NOW) };
        for (name, endpoint, begun, has_failed, due_at, expect) in [
            ("without a limit it may be overdue", FREE, None, false, 50, 50),
            ("with one it is for now", LIMITED, None, false, 50, NOW),
            ("it is not due yet", LIMITED, None, false, 9000, 9000),
            ("another one is in progress", LIMITED, Some((0, 7000)), false, 50, 7000),
            ("that has ended before it is due", LIMITED, Some((0, 7000)), false, 9000, 9000),
            ("its lease is over", LIMITED, Some((0, 1900)), false, 50, NOW),
            ("one is in progress without a limit", FREE, Some((0, 7000)), false, 50, 50),
            ("one has begun less than a second ago", RATED, Some((1900, 7000)), false, 50, 2900),
            ("one has begun earlier", RATED, Some((500, 7000)), false, 50, NOW),
            ("the endpoint cools down", FREE, None, true, 50, COOLED_DOWN),
            ("for longer than the lease", LIMITED, Some((0, 6000)), true, 50, COOLED_DOWN),
        ] {
            let mut attempts = Attempts::recover(context, &config.settings)?;
            if let (Some((at, until)), Some(found)) = (begun, config.settings.endpoint(endpoint)) {
                let (limits, delivery) = (config.limits(context, found), delivery_no(1, endpoint));
                attempts.throttle.begin(delivery, Millis(until), &limits, Millis(at));
            }
            if has_failed {
                attempts.cool_down(context, endpoint);
            }
            let earliest = attempts.earliest_at(context, config, endpoint, Millis(due_at));
            assert_eq!(earliest, Millis(expect), "{name}");
        }
        Ok(())
    }
}
