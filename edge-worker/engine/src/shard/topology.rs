//! The number of shards is fixed at the first event: a task must be found where it was stored.

use super::Shard;
use crate::database::Database;
use crate::protocol::{Call, ShardRequest};
use crate::{Error, Result, json, meta};

/// The names in `meta` of the number of all shards, and of this shard's own number: its alarm has no caller that
/// names it.
const SHARDS: &str = "shards";
const OWN: &str = "shard";

/// The number of a shard and of all shards, once they have been stored and read.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Topology {
    shard: Option<u32>,
    shards: Option<u32>,
}

/// Whether a caller means the deployment that a shard is part of; the message says that it has another number of shards.
pub type Admission = std::result::Result<(), String>;

/// What a shard needs to admit a caller.
pub enum Admit {
    Decided(Admission),
    /// Only shard 0 knows: its answer to this request goes to [`Shard::admit_by_first`].
    AskFirst(ShardRequest),
}

impl Topology {
    /// Reads the numbers that are stored.
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        let read = |name| Ok::<_, Error>(meta::get(db, name)?.and_then(|number| u32::try_from(number).ok()));
        Ok(Self { shard: read(OWN)?, shards: read(SHARDS)? })
    }

    /// Compares a caller's number of shards with the stored one, and stores this shard's own number.
    fn compare(&mut self, db: &dyn Database, call: &Call, recorded: u32) -> Result<Admission> {
        if self.shard.is_none() {
            meta::set(db, OWN, call.shard.into())?;
            self.shard = Some(call.shard);
        }
        if recorded == call.shards {
            return Ok(Ok(()));
        }
        Ok(Err(format!("SHARDS is {}, but this deployment was made with {recorded}", call.shards)))
    }

    fn record(&mut self, db: &dyn Database, call: &Call, count: u32) -> Result<Admission> {
        meta::set(db, SHARDS, count.into())?;
        self.shards = Some(count);
        self.compare(db, call, count)
    }
}

impl Shard {
    /// Compares the caller's number of shards with that of this deployment.
    ///
    /// A new shard takes the number from shard 0, which takes it from the first event of the deployment. So a Worker
    /// with another number finds no empty shard that would accept it.
    ///
    /// # Errors
    /// A fault of the database.
    pub(crate) fn check_topology(&mut self, db: &dyn Database, call: &Call) -> Result<Admit> {
        Ok(match (self.topology.shards, is_first_use(&call.request)) {
            (Some(recorded), _) => Admit::Decided(self.topology.compare(db, call, recorded)?),
            (None, true) if call.shard == 0 => Admit::Decided(self.topology.record(db, call, call.shards)?),
            (None, true) => Admit::AskFirst(ShardRequest::Topology),
            // A query stores no number, and finds nothing.
            (None, false) if call.shard == 0 => Admit::Decided(Ok(())),
            (None, false) => Admit::AskFirst(ShardRequest::VerifyShardCount),
        })
    }

    /// Decides by the answer of shard 0: its JSON, or the message with which it has refused the caller.
    ///
    /// # Errors
    /// A fault of the database, and a refusal where the number would have been stored.
    pub fn admit_by_first(
        &mut self,
        db: &dyn Database,
        call: &Call,
        answer: std::result::Result<Option<String>, String>,
    ) -> Result<Admission> {
        match (is_first_use(&call.request), answer) {
            (false, answer) => Ok(answer.map(drop)),
            (true, Ok(Some(count))) => {
                let count = json::read(&count)?;
                self.topology.record(db, call, count)
            }
            (true, Ok(None) | Err(_)) => Err("shard 0 refuses this number of shards".into()),
        }
    }

    /// Returns the number of this shard.
    ///
    /// # Errors
    /// It does not know its number before the first call.
    pub fn number(&self) -> Result<u32> {
        self.topology.shard.ok_or_else(|| "a shard does not know its number yet".into())
    }

    /// Returns the number of all shards, once one of them has stored something.
    pub(crate) fn count(&self) -> Result<u32> {
        self.topology.shards.ok_or_else(|| "the number of shards is not known yet".into())
    }
}

/// Returns whether a request fixes the number of shards where none is stored.
const fn is_first_use(request: &ShardRequest) -> bool {
    match request {
        ShardRequest::StoreEvent(_)
        | ShardRequest::Import(_)
        | ShardRequest::StoreAlert(_)
        | ShardRequest::Topology
        | ShardRequest::Configure(_) => true,
        ShardRequest::Task { .. }
        | ShardRequest::Result { .. }
        | ShardRequest::Tasks { .. }
        | ShardRequest::Quarantine { .. }
        | ShardRequest::Report
        | ShardRequest::Delivery { .. }
        | ShardRequest::Deliveries { .. }
        | ShardRequest::Replay { .. }
        | ShardRequest::CountRange(_)
        | ShardRequest::Progress { .. }
        | ShardRequest::Health { .. }
        | ShardRequest::Metrics
        | ShardRequest::VerifyShardCount
        | ShardRequest::Sweep
        | ShardRequest::Subscribe(_)
        | ShardRequest::Stats { .. } => false,
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::protocol::settings::Settings;
    use crate::sqlite::Sqlite;

    fn database() -> Result<Sqlite> {
        let db = Sqlite::in_memory()?;
        meta::migrate(&db, &[])?;
        Ok(db)
    }

    fn call(shard: u32, shards: u32, request: ShardRequest) -> Call {
        Call { shard, shards, reports: Vec::new(), request }
    }

    fn write() -> ShardRequest {
        ShardRequest::Configure(Settings::default())
    }

    /// Describes how a shard decides on a caller.
    fn decision(admit: Admit) -> String {
        match admit {
            Admit::Decided(Ok(())) => "admitted".to_owned(),
            Admit::Decided(Err(mismatch)) => mismatch,
            Admit::AskFirst(question) => format!("asks {}", json::to_string(&question)),
        }
    }

    #[test]
    fn shard_0_takes_the_number_from_the_first_call_that_stores_something() -> Result<()> {
        let db = &database()?;
        let mut shard = Shard::default();
        assert_eq!(decision(shard.check_topology(db, &call(0, 4, ShardRequest::Metrics))?), "admitted");
        assert!(shard.count().is_err(), "a query stores no number");
        assert_eq!(decision(shard.check_topology(db, &call(0, 8, write()))?), "admitted");
        let mismatch = "SHARDS is 4, but this deployment was made with 8";
        for request in [write(), ShardRequest::Metrics] {
            assert_eq!(decision(shard.check_topology(db, &call(0, 4, request))?), mismatch);
        }
        let restarted = Topology::load(db)?;
        assert_eq!((restarted.shard, restarted.shards), (Some(0), Some(8)));
        Ok(())
    }

    #[test]
    fn another_shard_asks_shard_0_until_it_knows_the_number() -> Result<()> {
        let db = &database()?;
        let mut shard = Shard::default();
        let (query, store) = (call(3, 8, ShardRequest::Metrics), call(3, 8, write()));
        assert_eq!(decision(shard.check_topology(db, &query)?), r#"asks "verify_shard_count""#);
        assert_eq!(shard.admit_by_first(db, &query, Err("mismatch".to_owned()))?, Err("mismatch".to_owned()));
        assert_eq!(shard.admit_by_first(db, &query, Ok(None))?, Ok(()));
        assert!(shard.count().is_err(), "a query stores no number");

        assert_eq!(decision(shard.check_topology(db, &store)?), r#"asks "topology""#);
        assert!(shard.admit_by_first(db, &store, Err("mismatch".to_owned())).is_err());
        assert!(shard.admit_by_first(db, &store, Ok(None)).is_err());
        assert_eq!(shard.admit_by_first(db, &store, Ok(Some("8".to_owned())))?, Ok(()));
        assert_eq!((shard.number()?, shard.count()?), (3, 8));
        assert_eq!(decision(shard.check_topology(db, &query)?), "admitted");
        Ok(())
    }
}
