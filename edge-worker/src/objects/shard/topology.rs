//! The number of shards is fixed at the first event: a task must be found where it was stored.

use super::TaskShard;
use crate::json;
use crate::platform::migrations;
use crate::protocol::{Call, ShardRequest, shard_client};
use vtryon_webhooks::Shards;

/// The name under which a shard records the number of all shards.
const RECORD: &str = "shards";

/// The name in `meta` of a shard's own number: its alarm has no caller that names it.
const OWN: &str = "shard";

impl TaskShard {
    /// Returns the number of this shard.
    pub(super) fn shard(&self) -> worker::Result<u32> {
        if self.memory.shard.get().is_none() {
            self.memory.shard.set(migrations::meta(&self.state.storage().sql(), OWN)?);
        }
        let shard = self.memory.shard.get().and_then(|shard| u32::try_from(shard).ok());
        shard.ok_or_else(|| worker::Error::from("a shard does not know its number yet"))
    }

    /// Returns the number of all shards, once one of them has stored something.
    pub(super) fn count(&self) -> worker::Result<i64> {
        if self.memory.shards.get().is_none() {
            self.memory.shards.set(migrations::meta(&self.state.storage().sql(), RECORD)?);
        }
        self.memory.shards.get().ok_or_else(|| worker::Error::from("the number of shards is not known yet"))
    }

    /// Compares the caller's number of shards with that of this deployment; returns a message where they
    /// differ.
    ///
    /// A new shard takes the number from shard 0, which takes it from the first event of the deployment. So a
    /// Worker with another number finds no empty shard that would accept it.
    pub(super) async fn check_topology(&self, call: &Call) -> worker::Result<Result<(), String>> {
        let sql = self.state.storage().sql();
        let known = match self.memory.shards.get() {
            Some(known) => Some(known),
            None => migrations::meta(&sql, RECORD)?,
        };
        let recorded = match (known, &call.request) {
            (Some(recorded), _) => recorded,
            // A query stores no number, and finds nothing.
            (
                None,
                ShardRequest::Task { .. }
                | ShardRequest::Result { .. }
                | ShardRequest::Tasks { .. }
                | ShardRequest::Quarantine { .. }
                | ShardRequest::Report(_)
                | ShardRequest::Delivery { .. }
                | ShardRequest::Deliveries { .. }
                | ShardRequest::Replay { .. }
                | ShardRequest::Progress { .. }
                | ShardRequest::Health { .. }
                | ShardRequest::Metrics
                | ShardRequest::VerifyShardCount
                | ShardRequest::Sweep
                | ShardRequest::Subscribe(_)
                | ShardRequest::Stats { .. },
            ) => return self.check_with_first(call).await,
            (None, ShardRequest::StoreEvent(_) | ShardRequest::Topology | ShardRequest::Configure(_)) => {
                let first = self.first_count(call).await?;
                migrations::set_meta(&sql, RECORD, first)?;
                first
            }
        };
        self.memory.shards.set(Some(recorded));
        if self.shard().is_err() {
            migrations::set_meta(&sql, OWN, call.shard.into())?;
        }
        if recorded == i64::from(call.shards) {
            return Ok(Ok(()));
        }
        Ok(Err(format!("SHARDS is {}, but this deployment was made with {recorded}", call.shards)))
    }

    /// Compares the caller's number of shards with that of shard 0, where that has one.
    async fn check_with_first(&self, call: &Call) -> worker::Result<Result<(), String>> {
        if call.shard == 0 {
            return Ok(Ok(()));
        }
        let Some(shards) = Shards::new(call.shards) else { return Err("no shards".into()) };
        let answer = shard_client::call(&self.env, shards, 0, ShardRequest::VerifyShardCount, &[]).await;
        Ok(answer.map(drop).map_err(|refusal| refusal.message().to_owned()))
    }

    async fn first_count(&self, call: &Call) -> worker::Result<i64> {
        if call.shard == 0 {
            return Ok(call.shards.into());
        }
        let Some(shards) = Shards::new(call.shards) else { return Err("no shards".into()) };
        let answer = shard_client::call(&self.env, shards, 0, ShardRequest::Topology, &[]).await;
        match answer {
            Ok(Some(count)) => json::read(&count),
            Ok(None) | Err(_) => Err("shard 0 refuses this number of shards".into()),
        }
    }
}
