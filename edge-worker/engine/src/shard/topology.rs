//! The number of shards and their placement are fixed at the first event: a task must be found where it was stored.
//!
//! In another jurisdiction all objects are others, and would be empty. So shard 0 of a jurisdiction asks the anchor, which
//! is shard 0 outside of any: there the number and the placement are recorded, and nothing else.

use super::Shard;
use crate::database::Database;
use crate::protocol::placement::Placement;
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
    placement: Placement,
}

/// Whether a caller means the deployment that a shard is part of; the message says that it has another number of shards, or
/// another placement.
pub type Admission = std::result::Result<(), String>;

/// What a shard needs to admit a caller.
pub enum Admit {
    Decided(Admission),
    /// Only shard 0 knows: its answer to this request goes to [`Shard::admit_by_first`].
    AskFirst(ShardRequest),
    /// Only the anchor does: shard 0 outside of any jurisdiction.
    AskAnchor(ShardRequest),
}

impl Topology {
    /// Reads the numbers that are stored.
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        let read = |name| Ok::<_, Error>(meta::get(db, name)?.and_then(|number| u32::try_from(number).ok()));
        Ok(Self { shard: read(OWN)?, shards: read(SHARDS)?, placement: Placement::load(db)? })
    }

    /// Compares a caller's number of shards and placement with the stored ones, and stores this shard's own number.
    fn compare(&mut self, db: &dyn Database, call: &Call, recorded: u32) -> Result<Admission> {
        if self.shard.is_none() {
            meta::set(db, OWN, call.shard.into())?;
            self.shard = Some(call.shard);
        }
        if recorded != call.shards {
            return Ok(Err(format!(
                "SHARDS is {}, but this deployment was made with {recorded}",
                call.shards
            )));
        }
        Ok(call.placement.mismatch(self.placement).map_or(Ok(()), Err))
    }

    fn record(&mut self, db: &dyn Database, call: &Call, count: u32) -> Result<Admission> {
        meta::set(db, SHARDS, count.into())?;
        call.placement.record(db)?;
        (self.shards, self.placement) = (Some(count), call.placement);
        self.compare(db, call, count)
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
        if let Some(recorded) = self.topology.shards {
            return Ok(Admit::Decided(self.topology.compare(db, call, recorded)?));
        }
        let is_anchor = matches!(call.request, ShardRequest::Anchor | ShardRequest::VerifyAnchor)
            || (call.shard == 0 && call.placement.jurisdiction().is_none());
        Ok(match (is_anchor, call.shard == 0, is_first_use) {
            (true, _, true) => Admit::Decided(self.topology.record(db, call, call.shards)?),
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
            // Shard 0 passes on what the anchor says.
            (true, Err(mismatch)) if call.shard == 0 => Ok(Err(mismatch)),
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

    /// Returns the same with the number of all shards. Before the first call, when there are no settings either, it is
    /// the only one.
    pub(crate) fn place(&self) -> (u32, u32) {
        let Topology { shard, shards, .. } = &self.topology;
        shard.zip(*shards).unwrap_or((0, 1))
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
        call_in("", shard, shards, request)
    }

    fn call_in(jurisdiction: &str, shard: u32, shards: u32, request: ShardRequest) -> Call {
        let placement = Placement::parse(jurisdiction, "").unwrap_or_default();
        Call { shard, shards, placement, reports: Vec::new(), request }
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
            Admit::AskAnchor(question) => format!("asks the anchor {}", json::to_string(&question)),
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

    /// Shard 0 of a jurisdiction, or the anchor.
    struct First {
        db: Sqlite,
        shard: Shard,
    }

    impl First {
        fn new() -> Result<Self> {
            Ok(Self { db: database()?, shard: Shard::default() })
        }

        fn check(&mut self, call: &Call) -> Result<String> {
            Ok(decision(self.shard.check_topology(&self.db, call)?))
        }

        /// Lets a call be admitted by the answer of the anchor.
        fn admit_by(&mut self, anchor: &mut Self, call: &Call) -> Result<Admission> {
            let Admit::AskAnchor(request) = self.shard.check_topology(&self.db, call)? else {
                return Err("the anchor was not asked".into());
            };
            let answer = is_first_use(&request).then(|| call.shards.to_string());
            let asked = Call {
                shard: 0,
                shards: call.shards,
                placement: call.placement,
                reports: Vec::new(),
                request,
            };
            let answer = match anchor.shard.check_topology(&anchor.db, &asked)? {
                Admit::Decided(admission) => admission.map(|()| answer),
                Admit::AskFirst(_) | Admit::AskAnchor(_) => return Err("the anchor asks nobody".into()),
            };
            self.shard.admit_by_first(&self.db, call, answer)
        }
    }

    #[test]
    fn the_placement_is_fixed_by_the_anchor_whatever_it_was_and_becomes() -> Result<()> {
        for (made, changed, says) in [
            ("eu", "us", "JURISDICTION is us, but this deployment was made with eu"),
            ("", "eu", "JURISDICTION is eu, but this deployment was made with none"),
            ("eu", "", "JURISDICTION is not set, but this deployment was made with eu"),
        ] {
            let (mut anchor, mut first, mut other) = (First::new()?, First::new()?, First::new()?);
            if made.is_empty() {
                assert_eq!(anchor.check(&call_in(made, 0, 4, write()))?, "admitted");
            } else {
                let query = call_in(made, 0, 4, ShardRequest::Metrics);
                assert_eq!(first.admit_by(&mut anchor, &query)?, Ok(()), "a query fixes nothing");
                assert!(anchor.shard.count().is_err() && first.shard.count().is_err());
                let store = call_in(made, 0, 4, write());
                assert_eq!(first.admit_by(&mut anchor, &store)?, Ok(()));
                assert_eq!(first.check(&query)?, "admitted");
                let restarted = Topology::load(&first.db)?;
                assert_eq!((restarted.shards, restarted.placement), (Some(4), store.placement));
            }
            // In another jurisdiction all objects are new ones, but for the anchor.
            let query = call_in(changed, 0, 4, ShardRequest::Metrics);
            let store = call_in(changed, 0, 4, write());
            if changed.is_empty() {
                assert_eq!(
                    (anchor.check(&query)?, anchor.check(&store)?),
                    (says.to_owned(), says.to_owned())
                );
            } else {
                assert_eq!(other.admit_by(&mut anchor, &query)?, Err(says.to_owned()));
                assert_eq!(other.admit_by(&mut anchor, &store)?, Err(says.to_owned()));
                assert!(other.shard.count().is_err(), "nothing is recorded");
            }
        }
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
