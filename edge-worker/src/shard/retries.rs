//! The attempts that a shard makes itself: retries, replays, and whatever the Worker did not come to.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply;
use worker::{Delay, console_error};

use super::conclude::bury;
use super::deliveries::{self, Delivery};
use super::lane::Waiting;
use super::{TaskShard, events, lane, leases};
use crate::clock;
use crate::config::Config;
use crate::deliver;
use crate::wire::delivery::{Dispatch, seq_of};
use crate::wire::settings::Endpoint;

/// How long a run goes on beginning attempts, in seconds of this machine.
const RUN: i64 = 20;

/// How often it looks, while attempts are under way, for what has become due meanwhile.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// How many connections a run has, and each endpoint of them: the platform allows six.
const CONNECTIONS: usize = 6;
const PER_ENDPOINT: usize = 2;

/// How long an endpoint is left alone that has failed in a run, in seconds of this machine.
const REST: i64 = 5;

/// How many due deliveries are looked at for one that can go.
const WINDOW: i64 = 16;

/// How many deliveries of a deleted endpoint end in one run.
const BURIED: i64 = 200;

impl TaskShard {
    /// Makes the attempts that are due, and those that become due while others are under way: an endpoint
    /// that hangs must not hold up the rest until it is given up.
    pub(super) async fn deliver_due(&self, config: &Config, shard: u32) -> worker::Result<()> {
        let started = clock::now();
        let mut under_way = FuturesUnordered::new();
        let mut served: Vec<i64> = Vec::new();
        loop {
            for endpoint in self.turns(started, &served)? {
                served.push(endpoint.no);
                under_way.push(async move {
                    if let Err(error) = self.serve(config, shard, &endpoint, started).await {
                        console_error!("deliveries: {error}");
                        self.rest(endpoint.no);
                    }
                    endpoint.no
                });
            }
            if under_way.is_empty() {
                return Ok(());
            }
            let look = Delay::from(LOOK);
            if let Either::Left((Some(endpoint), _)) = select(under_way.next(), look).await
                && let Some(place) = served.iter().position(|served| *served == endpoint)
            {
                served.swap_remove(place);
            }
        }
    }

    /// Gives connections to endpoints to which something is due. Those that are well come first, and those
    /// that are failing never get the last ones.
    fn turns(&self, started: Millis, served: &[i64]) -> worker::Result<Vec<Endpoint>> {
        let now = clock::now();
        let mut turns = Vec::new();
        if now >= started.plus_millis(clock::span(RUN)) {
            return Ok(turns);
        }
        let settings = self.settings();
        let enabled = settings.endpoints.iter().filter(|endpoint| endpoint.enabled);
        let mut candidates = Vec::new();
        for endpoint in enabled.filter(|endpoint| !self.is_resting(endpoint.no, now)) {
            let due_at = deliveries::next_due(&self.state.storage().sql(), endpoint.no)?;
            if due_at.is_some_and(|due_at| due_at <= now) {
                candidates.push((self.health(endpoint.no)?.failing_since.is_some(), endpoint));
            }
        }
        candidates.sort_by_key(|(is_failing, _)| *is_failing);
        for (is_failing, endpoint) in candidates {
            let (share, connections) =
                if is_failing { (1, CONNECTIONS - PER_ENDPOINT) } else { (PER_ENDPOINT, CONNECTIONS) };
            let has = served.iter().filter(|served| **served == endpoint.no).count();
            let free = connections.saturating_sub(served.len() + turns.len());
            turns.extend(std::iter::repeat_n(endpoint.clone(), share.saturating_sub(has).min(free)));
        }
        Ok(turns)
    }

    /// Makes one attempt after the other, until none is due, one fails, or the run is over.
    async fn serve(
        &self,
        config: &Config,
        shard: u32,
        endpoint: &Endpoint,
        started: Millis,
    ) -> worker::Result<()> {
        loop {
            let now = clock::now();
            if now >= started.plus_millis(clock::span(RUN)) || self.is_resting(endpoint.no, now) {
                return Ok(());
            }
            let Some((owed, body)) = self.begin(endpoint, now)? else { return Ok(()) };
            let Some(report) = deliver::attempt(config, shard, &owed, &body).await else { return Ok(()) };
            let status = report.made.as_ref().and_then(|attempt| attempt.status);
            if status.map(Reply::of) != Some(Reply::Delivered) {
                self.rest(endpoint.no);
            }
            self.conclude(&report, clock::now())?;
        }
    }

    /// Takes the next delivery that can go, and writes ahead when somebody looks after it if this run dies.
    fn begin(&self, endpoint: &Endpoint, now: Millis) -> worker::Result<Option<(Dispatch, Vec<u8>)>> {
        let sql = self.state.storage().sql();
        for delivery in deliveries::due(&sql, endpoint.no, now, WINDOW)? {
            let ahead = leases::over_at(now);
            let before = self.one_before(&delivery)?;
            let until =
                before.as_ref().and_then(|before| before.due_at).map_or(ahead, |due_at| due_at.max(ahead));
            deliveries::put_off(&sql, delivery.no, until)?;
            if self.is_under_way(delivery.no, now) || before.is_some() {
                continue;
            }
            let seq = seq_of(delivery.no);
            let (Some(kept), Some(body)) = (events::kept(&sql, seq)?, events::body(&sql, seq)?) else {
                bury(&sql, &delivery, now, "pruned")?;
                continue;
            };
            self.lease(delivery.no, now);
            let owed = Dispatch {
                delivery: delivery.no,
                url: endpoint.url.clone(),
                secrets: endpoint.secrets_at(now),
                webhook_id: kept.identity().webhook_id(),
                outcome: kept.outcome,
                round: delivery.round,
                attempt: delivery.failed + 1,
                lease_until: leases::granted_at(now),
            };
            return Ok(Some((owed, body)));
        }
        Ok(None)
    }

    /// Returns what has to arrive before a delivery, if anything has. When it has arrived, this one is made due.
    fn one_before(&self, delivery: &Delivery) -> worker::Result<Option<Waiting>> {
        if delivery.round > 0 {
            return Ok(None);
        }
        let lane = lane::of_delivery(&self.state.storage().sql(), delivery.no)?;
        Ok(lane.into_iter().next().filter(|first| first.no < delivery.no))
    }

    /// Ends what is owed to endpoints that are no more, a part of it in each run.
    pub(super) fn bury_orphans(&self, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        for endpoint in &self.settings().deleted {
            for delivery in deliveries::owed(&sql, *endpoint, BURIED)? {
                bury(&sql, &delivery, now, "endpoint_deleted")?;
            }
        }
        Ok(())
    }

    fn rest(&self, endpoint: i64) {
        let until = clock::now().plus_millis(clock::span(REST));
        self.memory.resting.borrow_mut().insert(endpoint, until);
    }

    pub(super) fn is_resting(&self, endpoint: i64, now: Millis) -> bool {
        self.memory.resting.borrow().get(&endpoint).is_some_and(|until| now < *until)
    }

    /// Tells when an endpoint's deliveries are looked at next: when the first is due, after its rest.
    pub(super) fn next_turn(&self, endpoint: i64) -> worker::Result<Option<Millis>> {
        let due_at = deliveries::next_due(&self.state.storage().sql(), endpoint)?;
        let rested_at = self.memory.resting.borrow().get(&endpoint).copied();
        Ok(due_at.map(|due_at| rested_at.map_or(due_at, |rested_at| due_at.max(rested_at))))
    }
}
