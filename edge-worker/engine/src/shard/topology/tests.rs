use super::*;
use crate::protocol::placement::Placement;
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
    let restarted = KnownTopology::load(db)?;
    assert_eq!((restarted.shard, restarted.recorded), (Some(0), Some(call(0, 8, write()).topology())));
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
        let asked =
            Call { shard: 0, shards: call.shards, placement: call.placement, reports: Vec::new(), request };
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
            let restarted = KnownTopology::load(&first.db)?;
            assert_eq!(restarted.recorded, Some(store.topology()));
        }
        // In another jurisdiction all objects are new ones, but for the anchor.
        let query = call_in(changed, 0, 4, ShardRequest::Metrics);
        let store = call_in(changed, 0, 4, write());
        if changed.is_empty() {
            assert_eq!((anchor.check(&query)?, anchor.check(&store)?), (says.to_owned(), says.to_owned()));
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
    assert_eq!(shard.admit_by_first(db, &store, Err("mismatch".to_owned()))?, Err("mismatch".to_owned()));
    assert!(shard.admit_by_first(db, &store, Ok(None)).is_err());
    assert_eq!(shard.admit_by_first(db, &store, Ok(Some("8".to_owned())))?, Ok(()));
    assert_eq!((shard.number()?, shard.count()?), (3, 8));
    assert_eq!(decision(shard.check_topology(db, &query)?), "admitted");
    Ok(())
}
