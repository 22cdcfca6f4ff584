//! The number of shards and their placement are fixed: a task must be found where it was stored.
//!
//! In another jurisdiction all objects are others, and would be empty. So shard 0 of a jurisdiction asks the anchor, which
//! is shard 0 outside of any: there the number and the placement are recorded, and nothing else.

use super::Shard;
use crate::database::Database;
use crate::protocol::topology::{Admission, Topology};
use crate::protocol::{Call, ShardRequest};
use crate::{Result, json, meta};

/// The name in `meta` of this shard's own number: its alarm has no caller that names it.
const OWN: &str = "shard";

/// The number of a shard, and the topology of the deployment, once they have been stored and read.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct KnownTopology {
    shard: Option<u32>,
    recorded: Option<Topology>,
}

/// What a shard needs to admit a caller.
pub enum Admit {
    Decided(Admission),
    /// Only shard 0 knows: its answer to this request goes to [`Shard::admit_by_first`].
    AskFirst(ShardRequest),
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
    fn compare(&mut self, db: &dyn Database, call: &Call, recorded: Topology) -> Result<Admission> {
        if self.shard.is_none() {
            meta::set(db, OWN, call.shard.into())?;
            self.shard = Some(call.shard);
        }
        Ok(call.topology().compare(recorded))
    }

    fn record(&mut self, db: &dyn Database, call: &Call, topology: Topology) -> Result<Admission> {
        topology.record(db)?;
        self.recorded = Some(topology);
        self.compare(db, call, topology)
    }
}

impl Shard {
    /// Compares the caller's number of shards and placement with those of this deployment.
    ///
    /// A new shard takes the number from shard 0, which takes it from the first event of the deployment, or in a
    /// jurisdiction from the anchor, which does. So a Worker with another number or placement finds no empty shard that
    /// would accept it.
    ///
    /// # Errors
    /// A fault of the database.
    pub(crate) fn check_topology(&mut self, db: &dyn Database, call: &Call) -> Result<Admit> {
        let is_first_use = is_first_use(&call.request);
        if let Some(recorded) = self.topology.recorded {
            return Ok(Admit::Decided(self.topology.compare(db, call, recorded)?));
        }
        let is_anchor = matches!(call.request, ShardRequest::Anchor | ShardRequest::VerifyAnchor)
            || (call.shard == 0 && call.placement.jurisdiction().is_none());
        Ok(match (is_anchor, call.shard == 0, is_first_use) {
            (true, _, true) => Admit::Decided(self.topology.record(db, call, call.topology())?),
            // A query stores no number, and finds nothing.
            (true, _, false) => Admit::Decided(Ok(())),
            (false, true, true) => Admit::AskAnchor(ShardRequest::Anchor),
            (false, true, false) => Admit::AskAnchor(ShardRequest::VerifyAnchor),
            (false, false, true) => Admit::AskFirst(ShardRequest::Topology),
            (false, false, false) => Admit::AskFirst(ShardRequest::VerifyShardCount),
        })
    }

    /// Decides by the answer of shard 0 or of the anchor: its JSON, or the message with which it has refused the caller.
    ///
    /// # Errors
    /// A fault of the database, and an answer without a number where it would have been stored.
    pub fn admit_by_first(
        &mut self,
        db: &dyn Database,
        call: &Call,
        answer: Result<Option<String>, String>,
    ) -> Result<Admission> {
        match (is_first_use(&call.request), answer) {
            (false, answer) => Ok(answer.map(drop)),
            (true, Ok(Some(count))) => {
                let shards = json::read(&count)?;
                self.topology.record(db, call, Topology { shards, ..call.topology() })
            }
            (true, Err(mismatch)) => Ok(Err(mismatch)),
            (true, Ok(None)) => Err("shard 0 does not name the number of shards".into()),
        }
    }

    /// Returns the number of this shard.
    ///
    /// # Errors
    /// It does not know its number before the first call.
    pub fn number(&self) -> Result<u32> {
        self.topology.shard.ok_or_else(|| "a shard does not know its number yet".into())
    }

    /// Returns the same with the number of all shards. Before the first call, when there are no settings either, it is
    /// the only one.
    pub(crate) fn place(&self) -> (u32, u32) {
        let KnownTopology { shard, recorded } = &self.topology;
        shard.zip(recorded.map(|topology| topology.shards)).unwrap_or((0, 1))
    }

    /// Returns the number of all shards, once one of them has stored something.
    pub(crate) fn count(&self) -> Result<u32> {
        let recorded = self.topology.recorded.ok_or("the number of shards is not known yet")?;
        Ok(recorded.shards)
    }
}

/// Returns whether a request fixes the number of shards where none is stored.
const fn is_first_use(request: &ShardRequest) -> bool {
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
        | ShardRequest::Report
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
