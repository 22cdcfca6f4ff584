use super::*;
use crate::protocol::settings::Settings;
use crate::protocol::topology::placement::Placement;
use crate::storage::sqlite::Sqlite;
use crate::text::json;

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
    ShardRequest::Configure(json::to_raw(&Settings::default()))
}

fn mismatch() -> TopologyMismatch {
    TopologyMismatch("mismatch".to_owned())
}

/// Describes how a shard decides on a caller.
fn decision(check: TopologyCheck) -> String {
    match check {
        TopologyCheck::Done(Ok(())) => "admitted".to_owned(),
        TopologyCheck::Done(Err(TopologyMismatch(message))) => message,
        TopologyCheck::AskShardZero(question) => format!("asks {}", json::to_string(&question)),
        TopologyCheck::AskAnchor(question) => format!("asks the anchor {}", json::to_string(&question)),
    }
}

#[test]
fn shard_0_takes_the_number_from_the_first_call_that_stores_something() -> Result<()> {
    let db = &database()?;
    let mut topology = KnownTopology::default();
    assert_eq!(decision(topology.check(db, &call(0, 4, ShardRequest::Metrics))?), "admitted");
    assert!(topology.count().is_err(), "a query stores no number");
    assert_eq!(decision(topology.check(db, &call(0, 8, write()))?), "admitted");
    let mismatch = "SHARDS is 4, but this deployment was made with 8";
    for request in [write(), ShardRequest::Metrics] {
        assert_eq!(decision(topology.check(db, &call(0, 4, request))?), mismatch);
    }
    let restarted = KnownTopology::load(db)?;
    assert_eq!((restarted.shard, restarted.recorded), (Some(0), Some(call(0, 8, write()).topology())));
    Ok(())
}

/// Shard 0 of a jurisdiction, or the anchor.
struct First {
    db: Sqlite,
    topology: KnownTopology,
}

impl First {
    fn new() -> Result<Self> {
        Ok(Self { db: database()?, topology: KnownTopology::default() })
    }

    fn check(&mut self, call: &Call) -> Result<String> {
        Ok(decision(self.topology.check(&self.db, call)?))
    }

    /// Lets a call be admitted by the answer of the anchor.
    fn finish_check(&mut self, anchor: &mut Self, call: &Call) -> Result<Result<(), TopologyMismatch>> {
        let TopologyCheck::AskAnchor(request) = self.topology.check(&self.db, call)? else {
            return Err("the anchor was not asked".into());
        };
        let answer = fixes_topology(&request).then(|| call.shards.to_string());
        let asked =
            Call { shard: 0, shards: call.shards, placement: call.placement, reports: Vec::new(), request };
        let answer = match anchor.topology.check(&anchor.db, &asked)? {
            TopologyCheck::Done(checked) => checked.map(|()| answer),
            TopologyCheck::AskShardZero(_) | TopologyCheck::AskAnchor(_) => {
                return Err("the anchor asks nobody".into());
            }
        };
        self.topology.finish_check(&self.db, call, answer)
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
            assert_eq!(first.finish_check(&mut anchor, &query)?, Ok(()), "a query fixes nothing");
            assert!(anchor.topology.count().is_err() && first.topology.count().is_err());
            let store = call_in(made, 0, 4, write());
            assert_eq!(first.finish_check(&mut anchor, &store)?, Ok(()));
            assert_eq!(first.check(&query)?, "admitted");
            let restarted = KnownTopology::load(&first.db)?;
            assert_eq!(restarted.recorded, Some(store.topology()));
        }
        // In another jurisdiction all objects are new ones, but for the anchor.
        let query = call_in(changed, 0, 4, ShardRequest::Metrics);
        let store = call_in(changed, 0, 4, write());
        if changed.is_empty() {
            assert_eq!((anchor.check(&query)?, anchor.check(&store)?), (says.to_owned(), says.to_owned()));
        } else {
            assert_eq!(other.finish_check(&mut anchor, &query)?, Err(TopologyMismatch(says.to_owned())));
            assert_eq!(other.finish_check(&mut anchor, &store)?, Err(TopologyMismatch(says.to_owned())));
            assert!(other.topology.count().is_err(), "nothing is recorded");
        }
    }
    Ok(())
}

#[test]
fn another_shard_asks_shard_0_until_it_knows_the_number() -> Result<()> {
    let db = &database()?;
    let mut topology = KnownTopology::default();
    let (query, store) = (call(3, 8, ShardRequest::Metrics), call(3, 8, write()));
    assert_eq!(decision(topology.check(db, &query)?), r#"asks "verify_shard_count""#);
    assert_eq!(topology.finish_check(db, &query, Err(mismatch()))?, Err(mismatch()));
    assert_eq!(topology.finish_check(db, &query, Ok(None))?, Ok(()));
    assert!(topology.count().is_err(), "a query stores no number");

    assert_eq!(decision(topology.check(db, &store)?), r#"asks "topology""#);
    assert_eq!(topology.finish_check(db, &store, Err(mismatch()))?, Err(mismatch()));
    assert!(topology.finish_check(db, &store, Ok(None)).is_err());
    assert_eq!(topology.finish_check(db, &store, Ok(Some("8".to_owned())))?, Ok(()));
    assert_eq!((topology.number()?, topology.count()?), (3, 8));
    assert_eq!(decision(topology.check(db, &query)?), "admitted");
    Ok(())
}
