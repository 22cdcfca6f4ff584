//! The attempts that a shard makes itself: retries, replays, and first attempts that the Worker did not make.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply;
use worker::{Delay, console_error};

use super::deliveries::{self, Delivery};
use super::ordering::PendingDelivery;
use super::record_attempt::dead_letter;
use super::{TaskShard, events, leases, ordering};
use crate::config::Config;
use crate::delivery;
use crate::platform::clock;
use crate::protocol::delivery::{Dispatch, seq_of};
use crate::protocol::settings::Endpoint;

/// How long a run goes on beginning attempts, in seconds of this machine.
const RUN: i64 = 20;

/// How often a run looks for newly due deliveries while attempts are in progress.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// How many connections a run has, and each endpoint of them: the platform allows six.
const CONNECTIONS: usize = 6;
const PER_ENDPOINT: usize = 2;

/// How long an endpoint is paused after a failure in a run, in seconds of this machine.
const COOL_DOWN: i64 = 5;

/// How many due deliveries are looked at for one that can go.
const WINDOW: i64 = 16;

/// How many deliveries of a deleted endpoint are dead-lettered in one run.
const DEAD_LETTERS: i64 = 200;

impl TaskShard {
    /// Makes the attempts that are due, and those that become due meanwhile: an endpoint that hangs must not
    /// delay the others until its timeout.
    pub(super) async fn deliver_due(&self, config: &Config, shard: u32) -> worker::Result<()> {
        let started = clock::now();
        let mut running = FuturesUnordered::new();
        let mut draining: Vec<i64> = Vec::new();
        loop {
            for endpoint in self.pick_endpoints(started, &draining)? {
                draining.push(endpoint.no);
                running.push(async move {
                    if let Err(error) = self.drain_endpoint(config, shard, &endpoint, started).await {
                        console_error!("deliveries: {error}");
                        self.cool_down(endpoint.no);
                    }
                    endpoint.no
                });
            }
            if running.is_empty() {
                return Ok(());
            }
            let look = Delay::from(LOOK);
            if let Either::Left((Some(endpoint), _)) = select(running.next(), look).await
                && let Some(place) = draining.iter().position(|draining| *draining == endpoint)
            {
                draining.swap_remove(place);
            }
        }
    }

    /// Assigns connections to endpoints with due deliveries. Healthy endpoints come first, and failing ones
    /// never get the last connections.
    fn pick_endpoints(&self, started: Millis, draining: &[i64]) -> worker::Result<Vec<Endpoint>> {
        let now = clock::now();
        let mut picked = Vec::new();
        if now >= started.plus_millis(clock::span(RUN)) {
            return Ok(picked);
        }
        let settings = self.settings();
        let enabled = settings.endpoints.iter().filter(|endpoint| endpoint.enabled);
        let mut candidates = Vec::new();
        for endpoint in enabled.filter(|endpoint| !self.is_cooling_down(endpoint.no, now)) {
            let due_at = deliveries::next_due(&self.state.storage().sql(), endpoint.no)?;
            if due_at.is_some_and(|due_at| due_at <= now) {
                candidates.push((self.health(endpoint.no)?.failing_since.is_some(), endpoint));
            }
        }
        candidates.sort_by_key(|(is_failing, _)| *is_failing);
        for (is_failing, endpoint) in candidates {
            let (share, connections) =
                if is_failing { (1, CONNECTIONS - PER_ENDPOINT) } else { (PER_ENDPOINT, CONNECTIONS) };
            let has = draining.iter().filter(|draining| **draining == endpoint.no).count();
            let free = connections.saturating_sub(draining.len() + picked.len());
            picked.extend(std::iter::repeat_n(endpoint.clone(), share.saturating_sub(has).min(free)));
        }
        Ok(picked)
    }

    /// Makes one attempt after the other, until none is due, one fails, or the run is over.
    async fn drain_endpoint(
        &self,
        config: &Config,
        shard: u32,
        endpoint: &Endpoint,
        started: Millis,
    ) -> worker::Result<()> {
        loop {
            let now = clock::now();
            if now >= started.plus_millis(clock::span(RUN)) || self.is_cooling_down(endpoint.no, now) {
                return Ok(());
            }
            let Some((dispatch, body)) = self.begin(endpoint, now)? else { return Ok(()) };
            let Some(report) = delivery::attempt(config, shard, &dispatch, &body).await else {
                return Ok(());
            };
            let status = report.made.as_ref().and_then(|attempt| attempt.status);
            if status.map(Reply::of) != Some(Reply::Delivered) {
                self.cool_down(endpoint.no);
            }
            self.record_attempt(&report, clock::now())?;
        }
    }

    /// Returns the next delivery that can be attempted. First it stores when the alarm looks at the delivery
    /// again, should this run die.
    fn begin(&self, endpoint: &Endpoint, now: Millis) -> worker::Result<Option<(Dispatch, Vec<u8>)>> {
        let sql = self.state.storage().sql();
        for delivery in deliveries::due(&sql, endpoint.no, now, WINDOW)? {
            let ahead = leases::over_at(now);
            let before = self.blocking_delivery(&delivery)?;
            let until =
                before.as_ref().and_then(|before| before.due_at).map_or(ahead, |due_at| due_at.max(ahead));
            deliveries::reschedule(&sql, delivery.no, until)?;
            if self.is_leased(delivery.no, now) || before.is_some() {
                continue;
            }
            let seq = seq_of(delivery.no);
            let (Some(stored), Some(body)) = (events::find_deliverable(&sql, seq)?, events::body(&sql, seq)?)
            else {
                dead_letter(&sql, &delivery, now, "pruned")?;
                continue;
            };
            self.lease(delivery.no, now);
            let dispatch = Dispatch {
                delivery: delivery.no,
                url: endpoint.url.clone(),
                secrets: endpoint.secrets_at(now),
                webhook_id: stored.identity().webhook_id(),
                outcome: stored.outcome,
                replay_count: delivery.replay_count,
                attempt: delivery.failed_attempts + 1,
                lease_until: leases::granted_at(now),
            };
            return Ok(Some((dispatch, body)));
        }
        Ok(None)
    }

    /// Returns the delivery that has to arrive before this one, if there is one. Its end makes this one due.
    fn blocking_delivery(&self, delivery: &Delivery) -> worker::Result<Option<PendingDelivery>> {
        if delivery.replay_count > 0 {
            return Ok(None);
        }
        let pending = ordering::of_delivery(&self.state.storage().sql(), delivery.no)?;
        Ok(pending.into_iter().next().filter(|first| first.no < delivery.no))
    }

    /// Dead-letters deliveries to deleted endpoints, a limited number in each run.
    pub(super) fn dead_letter_deleted_endpoints(&self, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        for endpoint in &self.settings().deleted {
            for delivery in deliveries::pending(&sql, *endpoint, DEAD_LETTERS)? {
                dead_letter(&sql, &delivery, now, "endpoint_deleted")?;
            }
        }
        Ok(())
    }

    /// Pauses an endpoint after a failure.
    fn cool_down(&self, endpoint: i64) {
        let until = clock::now().plus_millis(clock::span(COOL_DOWN));
        self.memory.cooling_down.borrow_mut().insert(endpoint, until);
    }

    pub(super) fn is_cooling_down(&self, endpoint: i64, now: Millis) -> bool {
        self.memory.cooling_down.borrow().get(&endpoint).is_some_and(|until| now < *until)
    }

    /// Returns when deliveries to an endpoint are attempted next: when the first is due, after its cool-down.
    pub(super) fn next_attempt_at(&self, endpoint: i64) -> worker::Result<Option<Millis>> {
        let due_at = deliveries::next_due(&self.state.storage().sql(), endpoint)?;
        let cooled_down_at = self.memory.cooling_down.borrow().get(&endpoint).copied();
        Ok(due_at.map(|due_at| cooled_down_at.map_or(due_at, |cooled_down_at| due_at.max(cooled_down_at))))
    }
}
