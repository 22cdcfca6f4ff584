//! The attempts of a shard, as far as an instance knows them: which are in progress, and which may begin.

use vtryon_webhooks::Millis;

use super::health::EndpointHealths;
use super::leases::{self, Leases};
use super::rows;
use super::throttle::Throttle;
use crate::protocol::delivery::{Dispatch, endpoint_of};
use crate::protocol::settings::{Endpoint, Settings};
use crate::shard::configuration::Configuration;
use crate::{Context, Result};

/// How long an endpoint is paused after a failure in a run, in seconds of machine time.
const COOL_DOWN: i64 = 5;

/// The leases of the Worker, what counts for the limits of endpoints, and what attempts have shown of them.
#[derive(Default)]
pub(crate) struct Attempts {
    pub(crate) leases: Leases,
    pub(crate) throttle: Throttle,
    pub(crate) health: EndpointHealths,
}

impl Attempts {
    /// Restores what an earlier instance has leased and learned.
    pub(crate) fn recover(context: &Context<'_>, settings: &Settings) -> Result<Self> {
        let leases = Leases::recover(context)?;
        let throttle = Throttle::recover(context, settings, &leases)?;
        Ok(Self { leases, throttle, health: EndpointHealths::load(context.db)? })
    }

    /// Notes an attempt that begins.
    pub(crate) fn begin(
        &mut self,
        context: &Context<'_>,
        configuration: &Configuration,
        dispatch: &Dispatch,
    ) {
        let endpoint = configuration.settings.endpoint(endpoint_of(dispatch.delivery));
        let limits = endpoint.map(|endpoint| configuration.limits(context.deployment, endpoint));
        self.throttle.begin(
            dispatch.delivery,
            dispatch.leased_until,
            &limits.unwrap_or_default(),
            context.now,
        );
    }

    /// Pauses an endpoint after a failure.
    pub(crate) fn cool_down(&mut self, context: &Context<'_>, endpoint: i64) {
        let until = context.now.plus_millis(context.deployment.machine_seconds(COOL_DOWN));
        self.health.cool_down(endpoint, until);
    }

    /// Returns how many attempts at an endpoint may begin now by its limits.
    pub(crate) fn allowed(
        &self,
        context: &Context<'_>,
        configuration: &Configuration,
        endpoint: &Endpoint,
    ) -> usize {
        let limits = configuration.limits(context.deployment, endpoint);
        self.throttle.allowed(endpoint.no, &limits, context.now)
    }

    /// Returns whether the first attempt of a new event is left to the alarm: the endpoint is failing, and may hang, or may
    /// take longer than the Worker has; or it is at its limits, or others wait already, which must not be overtaken.
    pub(crate) fn must_defer(
        &self,
        context: &Context<'_>,
        configuration: &Configuration,
        endpoint: &Endpoint,
        received_at: Millis,
    ) -> Result<bool> {
        let is_slow = !leases::fits_worker(endpoint.options.timeout_seconds);
        if is_slow || self.health.last_attempt_failed(endpoint.no) {
            return Ok(true);
        }
        if configuration.limits(context.deployment, endpoint).is_none() {
            return Ok(false);
        }
        if self.allowed(context, configuration, endpoint) == 0 {
            return Ok(true);
        }
        // What waits has become due by the clock of a Worker.
        let now = context.now.max(received_at);
        Ok(rows::next_due(context.db, endpoint.no)?.is_some_and(|due_at| due_at <= now))
    }

    /// Returns when deliveries to an endpoint are attempted next: when the first is due, after its pause and within its
    /// limits.
    pub(crate) fn next_at(
        &self,
        context: &Context<'_>,
        configuration: &Configuration,
        endpoint: &Endpoint,
    ) -> Result<Option<Millis>> {
        let due_at = rows::next_due(context.db, endpoint.no)?;
        Ok(due_at.map(|due_at| self.earliest_at(context, configuration, endpoint.no, due_at)))
    }

    /// Returns when the next of those to an endpoint may be attempted that wait for an attempt to end.
    pub(crate) fn waiting_at(
        &self,
        context: &Context<'_>,
        configuration: &Configuration,
        endpoint: i64,
    ) -> Result<Option<Millis>> {
        let endpoint = configuration.settings.endpoint(endpoint);
        let is_limited =
            |found: &&Endpoint| found.options.is_active() && found.options.max_in_flight.is_some();
        match endpoint.filter(is_limited) {
            Some(endpoint) => self.next_at(context, configuration, endpoint),
            None => Ok(None),
        }
    }

    /// Returns when a delivery to an endpoint can be attempted that is due at a time.
    pub(crate) fn earliest_at(
        &self,
        context: &Context<'_>,
        configuration: &Configuration,
        endpoint: i64,
        due_at: Millis,
    ) -> Millis {
        let found = configuration.settings.endpoint(endpoint);
        let allowed_at = found.and_then(|endpoint| self.allowed_at(context, configuration, endpoint));
        let due_at = self.health.after_pause(endpoint, due_at);
        allowed_at.map_or(due_at, |allowed_at| due_at.max(allowed_at))
    }

    /// Returns when the next attempt at an endpoint with limits may begin: now or later.
    fn allowed_at(
        &self,
        context: &Context<'_>,
        configuration: &Configuration,
        endpoint: &Endpoint,
    ) -> Option<Millis> {
        let limits = configuration.limits(context.deployment, endpoint);
        let at = self.throttle.allowed_at(endpoint.no, &limits, context.now);
        (!limits.is_none()).then(|| at.map_or(context.now, |at| at.max(context.now)))
    }
}
