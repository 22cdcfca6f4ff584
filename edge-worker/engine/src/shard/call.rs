//! Answers calls: a request and the bytes of a body in, JSON out.

use serde::Serialize;
use vtryon_webhooks::Millis;

use super::deliveries::replays;
use super::queries::{self, DeliveryFilter};
use super::{Shard, TopologyCheck};
use crate::protocol::metrics::Counts;
use crate::protocol::stats::Stats;
use crate::protocol::topology::TopologyMismatch;
use crate::protocol::{Call, ShardRequest};
use crate::storage::database::Database;
use crate::text::json;
use crate::{Context, Result};

impl Shard {
    /// Prepares the shard for a call: checks whether the caller means this deployment, and repairs the alarm.
    ///
    /// # Errors
    /// A fault of the database.
    pub fn begin_call(&mut self, context: &Context<'_>, call: &Call) -> Result<TopologyCheck> {
        self.repair_alarm(context);
        self.config.topology.check(context.db, call)
    }

    /// Decides on a call by the answer of shard 0 or of the anchor: its JSON, or why it has refused the caller.
    ///
    /// # Errors
    /// A fault of the database, and an answer without a number where it would have been stored.
    pub fn finish_topology_check(
        &mut self,
        db: &dyn Database,
        call: &Call,
        answer: Result<Option<String>, TopologyMismatch>,
    ) -> Result<Result<(), TopologyMismatch>> {
        self.config.topology.finish_check(db, call, answer)
    }

    /// Records the reports of a call that was admitted, executes its request and returns the answer as JSON; `None` where
    /// the requested thing does not exist. `body` is the body of an event.
    ///
    /// A report that can't be recorded does not fail the request: its delivery is attempted again.
    ///
    /// # Errors
    /// A fault of the database, and a subscription: it is opened by [`Shard::subscribe`].
    pub fn call(&mut self, context: &Context<'_>, call: Call, body: &[u8]) -> Result<Option<String>> {
        let Call { shard, shards, reports, request, .. } = call;
        let db = context.db;
        for report in &reports {
            let recorded = self.record_attempt(context, report);
            self.log.fault(recorded.err());
        }
        Ok(match request {
            ShardRequest::StoreEvent(incoming) => {
                self.commits.note(incoming.last_commit_ms);
                encode(Some(self.store_event(context, &incoming, body)?.result))
            }
            ShardRequest::Import(events) => encode(Some(self.import(context, &events, body)?)),
            ShardRequest::StoreAlert(alert) => encode(self.store_alert(context, &alert, body)?),
            ShardRequest::ReportAttempts => encode(Some(())),
            ShardRequest::Task { task_id } => encode(queries::task(db, &self.duplicates, &task_id)?),
            ShardRequest::Result { task_id } => encode(queries::result(db, &task_id)?),
            ShardRequest::Tasks { before, filter, limit } => {
                encode(Some(queries::tasks(db, &self.duplicates, before, &filter, limit)?))
            }
            ShardRequest::Quarantine { before, limit } => {
                encode(Some(queries::quarantine(db, before, limit)?))
            }
            ShardRequest::Topology | ShardRequest::Anchor => encode(Some(shards)),
            ShardRequest::Configure(settings) => encode(Some(self.configure(context, &settings)?)),
            ShardRequest::DeliveryBody { no } => encode(queries::delivery_body(db, no)?),
            ShardRequest::Delivery { no } => encode(queries::delivery(db, shard, no)?),
            ShardRequest::Deliveries { before, endpoint, state, task_id, digest, limit } => {
                let (task_id, digest) = (task_id.as_deref(), digest.as_deref());
                let filter = DeliveryFilter { endpoint, state, task_id, digest };
                encode(Some(queries::deliveries(db, shard, before, &filter, limit)?))
            }
            ShardRequest::Erase { task_id } => encode(self.erase(context, &task_id)?),
            ShardRequest::Replay { no } => {
                let exists = self.replay(context, no)?;
                encode(if exists { queries::delivery(db, shard, no)? } else { None })
            }
            ShardRequest::CountRange(replay) => {
                let settings = &self.config.settings;
                encode(Some(replays::count_range(db, settings, &replay, self.last_seq)?))
            }
            ShardRequest::Progress { id } => encode(Some(replays::progress(db, &id)?.unwrap_or_default())),
            ShardRequest::Health { endpoint } => encode(Some(self.attempts.health.of_shard(endpoint))),
            ShardRequest::Metrics => {
                self.totals.catch_up(db, &self.config.settings, self.next_seq(), &self.attempts.leases)?;
                encode(Some(self.counts(context)?))
            }
            ShardRequest::Stats { from, endpoint } => encode(Some(self.stats(context, from, endpoint)?)),
            ShardRequest::VerifyShardCount => encode(self.config.topology.count().ok()),
            ShardRequest::VerifyAnchor => encode(Some(())),
            ShardRequest::Sweep => {
                self.reset_alarm(context);
                encode(Some(queries::sweep(context, self.config.settings.version)?))
            }
            ShardRequest::Subscribe(_) => {
                return Err("a subscription is opened by a request of its own".into());
            }
        })
    }

    /// Returns what can be counted without reading every row.
    ///
    /// # Errors
    /// A fault of the database.
    pub fn counts(&self, context: &Context<'_>) -> Result<Counts> {
        let totals = self.totals.read(context.db, &self.config.settings, self.next_seq())?;
        let due_at = self.next_due(context)?;
        Ok(Counts {
            queued_broadcasts: self.audience.queued as u64,
            alarm_lag_ms: due_at.map_or(0, |due_at| (context.now.0 - due_at.0).max(0)),
            ..queries::counts(context, &self.config.settings, &self.attempts.leases, totals)?
        })
    }

    /// Counts what was received from a time on, and what there is to do for an endpoint.
    fn stats(&self, context: &Context<'_>, from: Millis, endpoint: Option<i64>) -> Result<Stats> {
        let mut stats = queries::stats(context, self.last_seq, from, endpoint)?;
        self.commits.add_to(&mut stats);
        if let Some(endpoint) = endpoint {
            stats.load.in_flight = self.attempts.throttle.count_in_flight(endpoint, context.now) as u64;
        }
        Ok(stats)
    }
}

/// Serializes an answer as JSON.
fn encode(value: Option<impl Serialize>) -> Option<String> {
    value.map(|value| json::to_string(&value))
}
