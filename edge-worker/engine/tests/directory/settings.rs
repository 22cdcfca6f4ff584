//! Changes as versions of the settings, and what the shards have confirmed.

use vtryon_gateway_engine::directory::Directory;
use vtryon_gateway_engine::directory::settings::{self, Applied, SettingsChange};
use vtryon_webhooks::Millis;

use crate::fixture::{DAY, Fixture};

const SHOP: &str = r#"{"url":"https://shop.example/hook"}"#;
const ALL: Applied = Applied { applied: 4, shards: 4 };
const SOME: Applied = Applied { applied: 3, shards: 4 };

#[test]
fn every_change_is_a_version_that_all_shards_are_to_confirm() {
    let fixture = Fixture::new();
    let db = fixture.db();
    let version = || settings::current(&fixture.context()).unwrap().version;
    let alarm = || fixture.alarm(1);
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
    assert_eq!(fixture.alarm(60), None);
    fixture.commit(&SettingsChange::Delete { endpoint: no });
    assert_eq!(fixture.alarm(60), Some(fixture.now.plus_seconds(300)), "5 seconds of the machine");
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
        let mut memory = Directory::open(fixture.db()).unwrap();
        let mut alarm_at = |now| {
            memory.set_alarm(fixture.db(), now, 1).unwrap();
            memory.take_effects().alarm
        };
        assert_eq!(pending.and_then(|at: Millis| alarm_at(at.plus_seconds(-5))), pending, "{why}");
        assert_eq!(alarm_at(now), set, "{why}");
        let ended = memory.end_alarm(fixture.db(), now, 1).unwrap();
        assert!(ended.is_some(), "at the end of a run it is set in any case: {why}");
    }
}

#[test]
fn the_settings_name_deleted_endpoints_for_30_days() {
    let mut fixture = Fixture::new();
    let (first, second) = (fixture.register(SHOP), fixture.register(SHOP));
    fixture.commit(&SettingsChange::Delete { endpoint: first });
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
