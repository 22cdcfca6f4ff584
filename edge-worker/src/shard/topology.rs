//! The number of shards is fixed at the first event: a task must be found where it was stored.

use super::{TaskShard, schema};
use crate::stub;
use crate::wire::{Ask, Call};
use vtryon_webhooks::Shards;

/// The name under which a shard records the number of all shards.
const RECORD: &str = "shards";

impl TaskShard {
    /// Holds a call to the topology that this deployment was made with, or says how they differ.
    ///
    /// A new shard takes the number from shard 0, whose own is that of the first event of the deployment: so
    /// a Worker with another number finds no empty shard that would believe it.
    pub(super) async fn check_topology(&self, call: &Call) -> worker::Result<Result<(), String>> {
        let sql = self.state.storage().sql();
        let known = match self.memory.shards.get() {
            Some(known) => Some(known),
            None => schema::meta(&sql, RECORD)?,
        };
        let recorded = match (known, &call.ask) {
            (Some(recorded), _) => recorded,
            // To look for something fixes nothing, and finds nothing.
            (None, Ask::Task { .. } | Ask::Result { .. } | Ask::Tasks { .. } | Ask::Quarantine { .. }) => {
                return Ok(Ok(()));
            }
            (None, Ask::Keep(_) | Ask::Topology) => {
                let first = self.first_count(call).await?;
                schema::set_meta(&sql, RECORD, first)?;
                first
            }
        };
        self.memory.shards.set(Some(recorded));
        if recorded == i64::from(call.shards) {
            return Ok(Ok(()));
        }
        Ok(Err(format!("SHARDS is {}, but this deployment was made with {recorded}", call.shards)))
    }

    async fn first_count(&self, call: &Call) -> worker::Result<i64> {
        if call.shard == 0 {
            return Ok(call.shards.into());
        }
        let Some(shards) = Shards::new(call.shards) else { return Err("no shards".into()) };
        let answer = stub::ask(&self.env, shards, 0, Ask::Topology, &[]).await;
        match answer {
            Ok(Some(count)) => Ok(serde_json::from_str(&count)?),
            Ok(None) | Err(_) => Err("shard 0 refuses this number of shards".into()),
        }
    }
}
