//! Whose directory it is: what shard 0 is asked, what is recorded of its answer, and what is refused from then on.

use vtryon_gateway_engine::directory::topology::{self, Purpose};
use vtryon_gateway_engine::protocol::topology::Topology;
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::Code;

use crate::fixture::{Fixture, assert_refused};

pub fn topology_of(shards: u32, jurisdiction: &str, location_hint: &str) -> Topology {
    Topology { shards, placement: Placement::parse(jurisdiction, location_hint).unwrap() }
}

/// Returns what shard 0 is asked; nothing where the directory knows enough.
fn question(fixture: &Fixture, configured: Topology, purpose: Purpose) -> Option<String> {
    let question = topology::check(fixture.db(), configured, purpose).unwrap();
    question.map(|question| json::to_string(&question))
}

#[test]
fn shard_0_is_asked_until_it_says_that_the_number_is_fixed() {
    let fixture = Fixture::new();
    let own = topology_of(4, "eu", "weur");
    let asked = |purpose| question(&fixture, own, purpose);
    // Nothing is stored in the deployment; a shard of an earlier version does not say whether anything is.
    for answer in [None, Some("null")] {
        assert_eq!(asked(Purpose::Any).as_deref(), Some(r#""verify_shard_count""#));
        assert_eq!(asked(Purpose::Change).as_deref(), Some(r#""topology""#));
        topology::record(fixture.db(), own, answer).unwrap();
    }
    assert!(topology::record(fixture.db(), own, Some("{}")).is_err());
    topology::record(fixture.db(), own, Some("4")).unwrap();
    for purpose in [Purpose::Any, Purpose::Change] {
        assert_eq!(asked(purpose), None);
    }
}

#[test]
fn another_number_and_another_placement_are_refused_once_they_are_recorded() {
    let rows = [
        (topology_of(4, "", ""), topology_of(5, "", ""), "SHARDS is 5, but this deployment was made with 4"),
        (
            topology_of(4, "", ""),
            topology_of(4, "eu", "weur"),
            "JURISDICTION is eu, but this deployment was made with none",
        ),
        (
            topology_of(4, "", "weur"),
            topology_of(4, "", ""),
            "LOCATION_HINT is not set, but this deployment was made with weur",
        ),
    ];
    for (made, changed, words) in rows {
        let fixture = Fixture::new();
        topology::record(fixture.db(), made, Some("4")).unwrap();
        for purpose in [Purpose::Any, Purpose::Change] {
            let checked = topology::check(fixture.db(), changed, purpose);
            assert_refused(checked, Code::Unavailable, words, changed);
            assert_eq!(question(&fixture, made, purpose), None);
        }
    }
}
