//! The number of shards and their placement are fixed: a task must be found where it was stored.
//!
//! In another jurisdiction all objects are others, and would be empty. So shard 0 of a jurisdiction asks the anchor, which
//! is shard 0 outside of any: there the number and the placement are recorded, and nothing else.

use crate::Result;
use crate::protocol::live::cursor::{StreamCursor, StreamPosition};
use crate::protocol::topology::{Topology, TopologyMismatch};
use crate::protocol::{Call, ShardRequest};
use crate::storage::database::Database;
use crate::storage::meta;
use crate::text::json;

/// The name in `meta` of this shard's own number: its alarm has no caller that names it.
const OWN: &str = "shard";

/// The number of a shard, and the topology of the deployment, once they have been stored and read.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct KnownTopology {
    shard: Option<u32>,
    recorded: Option<Topology>,
}

/// The number of a shard, and the number of all shards.
#[derive(Clone, Copy)]
pub(crate) struct ShardIndex {
    pub(crate) shard: u32,
    pub(crate) shards: u32,
}

impl ShardIndex {
    /// The only shard.
    pub(crate) const ONLY: Self = Self { shard: 0, shards: 1 };

    /// Returns the id of the message with a sequence number: a cursor.
    pub(crate) fn cursor(self, seq: i64) -> String {
        StreamCursor::at(self.shards, self.shard, StreamPosition::After(seq)).to_string()
    }
}

/// Whether a caller means this deployment, as far as a shard knows.
pub enum TopologyCheck {
    Done(Result<(), TopologyMismatch>),
    /// Only shard 0 knows: its answer to this request goes to [`crate::shard::Shard::finish_topology_check`].
    AskShardZero(ShardRequest),
    /// Only the anchor does: shard 0 outside of any jurisdiction.
    AskAnchor(ShardRequest),
}

impl KnownTopology {
    /// Reads what is stored.
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        let shard = meta::get(db, OWN)?.and_then(|number| u32::try_from(number).ok());
        Ok(Self { shard, recorded: Topology::load(db)? })
    }

    /// Compares a caller's topology with the recorded one, and stores this shard's own number.
    fn compare(
        &mut self,
        db: &dyn Database,
        call: &Call,
        recorded: Topology,
    ) -> Result<Result<(), TopologyMismatch>> {
        if self.shard.is_none() {
            meta::set(db, OWN, call.shard.into())?;
            self.shard = Some(call.shard);
        }
        Ok(call.topology().compare(recorded))
    }

    fn record(
        &mut self,
        db: &dyn Database,
        call: &Call,
        topology: Topology,
    ) -> Result<Result<(), TopologyMismatch>> {
        topology.record(db)?;
        self.recorded = Some(topology);
        self.compare(db, call, topology)
    }

    /// Compares the caller's number of shards and placement with those of this deployment.
    ///
    /// A new shard takes the number from shard 0, which takes it from the first event of the deployment, or in a
    /// jurisdiction from the anchor, which does. So a Worker with another number or placement finds no empty shard that
    /// would accept it.
    ///
    /// # Errors
    /// A fault of the database.
    pub(crate) fn check(&mut self, db: &dyn Database, call: &Call) -> Result<TopologyCheck> {
        if let Some(recorded) = self.recorded {
            return Ok(TopologyCheck::Done(self.compare(db, call, recorded)?));
        }
        let is_anchor = matches!(call.request, ShardRequest::Anchor | ShardRequest::VerifyAnchor)
            || (call.shard == 0 && call.placement.jurisdiction().is_none());
        Ok(match (is_anchor, call.shard == 0, fixes_topology(&call.request)) {
            (true, _, true) => TopologyCheck::Done(self.record(db, call, call.topology())?),
            // A query stores no number, and finds nothing.
            (true, _, false) => TopologyCheck::Done(Ok(())),
            (false, true, true) => TopologyCheck::AskAnchor(ShardRequest::Anchor),
            (false, true, false) => TopologyCheck::AskAnchor(ShardRequest::VerifyAnchor),
            (false, false, true) => TopologyCheck::AskShardZero(ShardRequest::Topology),
            (false, false, false) => TopologyCheck::AskShardZero(ShardRequest::VerifyShardCount),
        })
    }

    /// Decides by the answer of shard 0 or of the anchor: its JSON, or why it has refused the caller.
    ///
    /// # Errors
    /// A fault of the database, and an answer without a number where it would have been stored.
    pub(crate) fn finish_check(
        &mut self,
        db: &dyn Database,
        call: &Call,
        answer: Result<Option<String>, TopologyMismatch>,
    ) -> Result<Result<(), TopologyMismatch>> {
        match (fixes_topology(&call.request), answer) {
            (false, answer) => Ok(answer.map(drop)),
            (true, Ok(Some(count))) => {
                let shards = json::read(&count)?;
                self.record(db, call, Topology { shards, ..call.topology() })
            }
            (true, Err(mismatch)) => Ok(Err(mismatch)),
            (true, Ok(None)) => Err("shard 0 does not name the number of shards".into()),
        }
    }

    /// Returns the number of this shard.
    ///
    /// # Errors
    /// It does not know its number before the first call.
    pub(crate) fn number(&self) -> Result<u32> {
        self.shard.ok_or_else(|| "a shard does not know its number yet".into())
    }

    /// Returns the number of this shard, and how many there are.
    pub(crate) fn index(&self) -> Result<ShardIndex> {
        Ok(ShardIndex { shard: self.number()?, shards: self.count()? })
    }

    /// Returns the number of all shards, once one of them has stored something.
    pub(crate) fn count(&self) -> Result<u32> {
        let recorded = self.recorded.ok_or("the number of shards is not known yet")?;
        Ok(recorded.shards)
    }
}

/// Returns whether a request fixes the number of shards where none is stored.
const fn fixes_topology(request: &ShardRequest) -> bool {
    match request {
        ShardRequest::StoreEvent(_)
        | ShardRequest::Import(_)
        | ShardRequest::StoreAlert(_)
        | ShardRequest::Topology
        | ShardRequest::Anchor
        | ShardRequest::Configure(_) => true,
        ShardRequest::Task { .. }
        | ShardRequest::Result { .. }
        | ShardRequest::Tasks { .. }
        | ShardRequest::Quarantine { .. }
        | ShardRequest::ReportAttempts
        | ShardRequest::Delivery { .. }
        | ShardRequest::DeliveryBody { .. }
        | ShardRequest::Deliveries { .. }
        | ShardRequest::Erase { .. }
        | ShardRequest::Replay { .. }
        | ShardRequest::CountRange(_)
        | ShardRequest::Progress { .. }
        | ShardRequest::Health { .. }
        | ShardRequest::Metrics
        | ShardRequest::VerifyShardCount
        | ShardRequest::VerifyAnchor
        | ShardRequest::Sweep
        | ShardRequest::Subscribe(_)
        | ShardRequest::Stats { .. } => false,
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
