//! Changes as versions of the settings, and what the shards have confirmed.

use vtryon_gateway_engine::directory;
use vtryon_gateway_engine::directory::settings::{self, Applied, Change};
use vtryon_gateway_engine::protocol::placement::Placement;
use vtryon_webhooks::{Code, Shards};

use crate::fixture::{DAY, Fixture, assert_refused, shards};

const SHOP: &str = r#"{"url":"https://shop.example/hook"}"#;
const ALL: Applied = Applied { applied: 4, shards: 4 };
const SOME: Applied = Applied { applied: 3, shards: 4 };

#[test]
fn every_change_is_a_version_that_all_shards_are_to_confirm() {
    let fixture = Fixture::new();
    let db = fixture.db();
    let version = || settings::current(&fixture.context()).unwrap().version;
    let alarm = || directory::alarm(db, fixture.now, 1, None).unwrap();
    assert_eq!((version(), alarm()), (0, None), "nothing to confirm");
    let no = fixture.register(SHOP);
    let again = Some(fixture.now.plus_seconds(5));
    assert_eq!((version(), alarm()), (1, again));
    settings::confirm(db, 1, SOME).unwrap();
    assert_eq!(alarm(), again, "not all have confirmed");
    settings::confirm(db, 1, ALL).unwrap();
    assert_eq!(alarm(), None);
    fixture.change(no, SHOP).unwrap();
    fixture.change(no, SHOP).unwrap();
    settings::confirm(db, 2, ALL).unwrap();
    assert_eq!((version(), alarm()), (3, again), "an earlier version was confirmed");
    settings::confirm(db, 3, ALL).unwrap();
    settings::confirm(db, 2, ALL).unwrap();
    assert!(!settings::has_unconfirmed(db).unwrap(), "a late confirmation takes nothing back");
    let fast = directory::alarm(db, fixture.now, 60, None).unwrap();
    assert_eq!(fast, None);
    fixture.commit(&Change::Delete { endpoint: no });
    let fast = directory::alarm(db, fixture.now, 60, None).unwrap();
    assert_eq!(fast, Some(fixture.now.plus_seconds(300)), "5 seconds of the machine");
}

#[test]
fn a_directory_that_was_restored_overtakes_the_shards() {
    let fixture = Fixture::new();
    let db = fixture.db();
    fixture.register(SHOP);
    settings::confirm(db, 1, ALL).unwrap();
    let version = || settings::current(&fixture.context()).unwrap().version;
    for (in_force, is_behind, after) in [(0, false, 1), (1, false, 1), (7, true, 8), (8, false, 8)] {
        assert_eq!(settings::overtake(db, in_force).unwrap(), is_behind, "{in_force} is in force");
        assert_eq!(version(), after, "{in_force} is in force");
    }
    assert!(settings::has_unconfirmed(db).unwrap(), "it is pushed again");
}

#[test]
fn a_pending_alarm_is_never_set_for_later() {
    let fixture = Fixture::new();
    let now = fixture.now;
    fixture.register(SHOP);
    let again = now.plus_seconds(5);
    for (pending, set, why) in [
        (None, Some(again), "there is none"),
        (Some(now.plus_seconds(1)), None, "it comes earlier"),
        (Some(again), None, "it comes then"),
        (Some(now.plus_seconds(6)), Some(again), "it comes later"),
        (Some(now.plus_seconds(-30)), None, "it is late"),
        (Some(now.plus_seconds(-31)), Some(again), "it was lost"),
    ] {
        assert_eq!(directory::alarm(fixture.db(), now, 1, pending).unwrap(), set, "{why}");
    }
}

#[test]
fn the_settings_name_deleted_endpoints_for_30_days() {
    let mut fixture = Fixture::new();
    let (first, second) = (fixture.register(SHOP), fixture.register(SHOP));
    fixture.commit(&Change::Delete { endpoint: first });
    let of = |fixture: &Fixture| {
        let settings = settings::current(&fixture.context()).unwrap();
        (settings.endpoints.iter().map(|endpoint| endpoint.no).collect::<Vec<_>>(), settings.deleted)
    };
    assert_eq!(of(&fixture), (vec![second], vec![first]));
    fixture.pass(30 * DAY);
    assert_eq!(of(&fixture), (vec![second], vec![first]));
    fixture.pass(1);
    assert_eq!(of(&fixture), (vec![second], vec![]));
}

#[test]
fn the_number_of_shards_is_recorded_with_the_first_change() {
    let fixture = Fixture::new();
    let db = fixture.db();
    let others = (Shards::new(5).unwrap(), Placement::default());
    assert!(!settings::has_topology(db).unwrap());
    settings::check_topology(db, others).unwrap();
    fixture.register(SHOP);
    assert!(settings::has_topology(db).unwrap());
    settings::check_topology(db, shards()).unwrap();
    let checked = settings::check_topology(db, others);
    let words = "SHARDS is 5, but this deployment was made with 4";
    assert_refused(checked, Code::Unavailable, words, "another number");
    let elsewhere = (shards().0, Placement::parse("eu", "weur").unwrap());
    let words = "JURISDICTION is eu, but this deployment was made with none";
    assert_refused(settings::check_topology(db, elsewhere), Code::Unavailable, words, "another placement");
}

#[test]
fn the_placement_is_recorded_with_the_first_change() {
    let fixture = Fixture::new();
    let record = fixture.find(fixture.register(SHOP));
    let placed = Fixture::new();
    let (number, hinted) = (shards().0, Placement::parse("", "weur").unwrap());
    settings::commit(&placed.context(), (number, hinted), &Change::Put(&record), None).unwrap();
    settings::check_topology(placed.db(), (number, hinted)).unwrap();
    let words = "LOCATION_HINT is not set, but this deployment was made with weur";
    assert_refused(settings::check_topology(placed.db(), shards()), Code::Unavailable, words, "no hint");
}
