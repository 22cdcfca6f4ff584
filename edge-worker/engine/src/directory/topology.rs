//! Whether the directory is that of the deployment.
//!
//! In another jurisdiction it is another one, and empty. So a directory asks shard 0, which asks the anchor in its turn,
//! until it has recorded the number of shards and the placement.

use vtryon_webhooks::Code;

use crate::protocol::ShardRequest;
use crate::protocol::topology::{Topology, TopologyMismatch};
use crate::storage::database::Database;
use crate::text::json;
use crate::{Failure, Refusal, Result};

/// What the directory is asked for.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// Nothing that fixes the number of shards and the placement.
    Any,
    /// To store an endpoint, a replay or a token, which fixes both.
    Change,
}

/// Compares what is configured with what is recorded. Where nothing is, returns the question to shard 0, whose answer goes
/// to [`record`].
///
/// # Errors
/// A refusal of another number of shards or another placement: the wrong shards would be configured.
pub fn check(
    db: &dyn Database,
    configured: Topology,
    purpose: Purpose,
) -> Result<Option<ShardRequest>, Failure> {
    match (Topology::load(db)?, purpose) {
        (Some(recorded), _) => match configured.compare(recorded) {
            Ok(()) => Ok(None),
            Err(TopologyMismatch(message)) => Err(Refusal::new(Code::Unavailable, message).into()),
        },
        (None, Purpose::Any) => Ok(Some(ShardRequest::VerifyShardCount)),
        (None, Purpose::Change) => Ok(Some(ShardRequest::Topology)),
    }
}

/// Records what is configured, where shard 0 answers that it is fixed.
pub fn record(db: &dyn Database, configured: Topology, answer: Option<&str>) -> Result<()> {
    let fixed: Option<u32> = answer.map(json::read).transpose()?.flatten();
    match fixed {
        Some(_) => configured.record(db),
        None => Ok(()),
    }
}
