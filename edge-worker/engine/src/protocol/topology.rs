//! The number of shards of a deployment, and where its objects lie. Both are fixed by the first event, endpoint or token:
//! what was stored must be found again.

pub mod placement;

use self::placement::Placement;
use crate::Result;
use crate::storage::database::Database;
use crate::storage::meta;

/// The name in `meta` of the number of all shards.
const SHARDS: &str = "shards";

/// What is configured, or what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// How many shards there are.
    pub shards: u32,
    pub placement: Placement,
}

/// Why a caller does not mean the deployment that an object is part of: it has another number of shards, or another
/// placement. The message says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyMismatch(pub String);

impl Topology {
    /// Reads what was recorded, if anything was.
    pub(crate) fn load(db: &dyn Database) -> Result<Option<Self>> {
        let shards = meta::get(db, SHARDS)?.and_then(|number| u32::try_from(number).ok());
        let placement = Placement::load(db)?;
        Ok(shards.map(|shards| Self { shards, placement }))
    }

    /// Records what is configured.
    pub(crate) fn record(self, db: &dyn Database) -> Result<()> {
        meta::set(db, SHARDS, self.shards.into())?;
        self.placement.record(db)
    }

    /// Compares what is configured with what was recorded.
    pub(crate) fn compare(self, recorded: Self) -> Result<(), TopologyMismatch> {
        let Self { shards, placement } = self;
        if recorded.shards != shards {
            let made_with = recorded.shards;
            let message = format!("SHARDS is {shards}, but this deployment was made with {made_with}");
            return Err(TopologyMismatch(message));
        }
        placement.mismatch(recorded.placement).map_or(Ok(()), |message| Err(TopologyMismatch(message)))
    }
}
