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

    /// Records what is configured, all of it or nothing: with the number alone, the shard would refuse every caller.
    pub(crate) fn record(self, db: &dyn Database) -> Result<()> {
        db.transaction(|| {
            meta::set(db, SHARDS, self.shards.into())?;
            self.placement.record(db)
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sqlite::Sqlite;

    #[test]
    fn what_can_be_recorded_in_part_only_is_not_recorded() -> Result<()> {
        let db: &dyn Database = &Sqlite::in_memory()?;
        meta::migrate(db, &[])?;
        let placement = Placement::parse("eu", "weur").map_err(|_| "it is a placement")?;
        let topology = Topology { shards: 4, placement };
        db.run(
            "CREATE TRIGGER full BEFORE INSERT ON meta WHEN NEW.name = 'location_hint'
                BEGIN SELECT RAISE(ABORT, 'no room'); END",
            &[],
        )?;
        assert!(topology.record(db).is_err());
        assert_eq!(Topology::load(db)?, None);
        db.run("DROP TRIGGER full", &[])?;
        topology.record(db)?;
        assert_eq!(Topology::load(db)?, Some(topology));
        Ok(())
    }
}
