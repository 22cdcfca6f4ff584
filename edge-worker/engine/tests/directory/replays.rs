//! Ranges that are delivered once more.

use serde_json::json;
use vtryon_gateway_engine::directory::replays::{self, DryRunView, ReplayView, Requested};
use vtryon_gateway_engine::directory::settings::{self, SettingsChange};
use vtryon_gateway_engine::protocol::settings::{RangeCount, Replay, ReplayProgress};
use vtryon_webhooks::Code;

use crate::fixture::{DAY, Fixture, HOUR, START, assert_refused};

const RANGE: &str = r#"{"endpoint":"ep_1"}"#;

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.register(r#"{"url":"https://shop.example/hook"}"#);
    fixture
}

/// Asks for a range and stores it; returns it with whether it is new.
fn ask(fixture: &Fixture, body: &str, key: Option<&str>, random: u64) -> (Replay, bool) {
    let key = key.map(str::to_owned);
    match replays::request(&fixture.context(), body, key, random.to_be_bytes()).unwrap() {
        Requested::Known(id) => (replays::find(fixture.db(), &id).unwrap(), false),
        Requested::New(new) => {
            fixture.commit(&SettingsChange::Replay(&new));
            (new.replay, true)
        }
        Requested::DryRun(_) => panic!("a dry run is not asked for"),
    }
}

#[test]
fn a_range_ends_now_at_the_latest() {
    let fixture = fixture();
    let (replay, _) = ask(&fixture, RANGE, None, 1);
    let id = "rpl_0000000000000001".to_owned();
    let expected = Replay { id, endpoint: 1, until: START, ..Replay::default() };
    assert_eq!(replay, expected);
    assert_eq!(replays::find(fixture.db(), &replay.id).unwrap(), expected);
    assert_eq!(settings::current(&fixture.context()).unwrap().replays, [expected]);

    let body =
        r#"{"endpoint":"ep_1","which":"all","from":"2025-12-31T00:00:00Z","until":"2026-02-01T00:00:00Z"}"#;
    let (replay, _) = ask(&fixture, body, None, 2);
    assert_eq!((replay.from, replay.until, replay.all), (START.plus_seconds(-DAY), START, true));
    let body = r#"{"endpoint":"ep_1","until":"2025-12-31T23:00:00Z"}"#;
    assert_eq!(ask(&fixture, body, None, 3).0.until, START.plus_seconds(-HOUR));
}

#[test]
fn a_range_that_is_none_is_refused() {
    let fixture = fixture();
    let request = |body: &str, key: Option<String>| replays::request(&fixture.context(), body, key, [0; 8]);
    for (body, code, words) in [
        ("", Code::InvalidRequest, "`endpoint` is missing"),
        (r#"{"which":"all"}"#, Code::InvalidRequest, "`endpoint` is missing"),
        (
            r#"{"endpoint":"ep_1","to":"now"}"#,
            Code::InvalidRequest,
            "none of endpoint, which, from, until, dry_run",
        ),
        (r#"{"endpoint":"ep_999"}"#, Code::NotFound, "there is no endpoint of this id"),
        (r#"{"endpoint":"ep_99999"}"#, Code::NotFound, "there is no endpoint of this id"),
        (r#"{"endpoint":"ep_100000"}"#, Code::InvalidRequest, "`endpoint` is not the id of one"),
        (r#"{"endpoint":"ep_1","which":"some"}"#, Code::InvalidRequest, "`which` is not one of dead, all"),
        (r#"{"endpoint":"ep_1","dry_run":"yes"}"#, Code::InvalidRequest, "`dry_run` is not true or false"),
        (r#"{"endpoint":"ep_999","dry_run":true}"#, Code::NotFound, "there is no endpoint of this id"),
        (
            r#"{"endpoint":"ep_1","from":"yesterday"}"#,
            Code::InvalidRequest,
            "`from` is not a time as RFC 3339",
        ),
        (r#"{"endpoint":"ep_1","from":"2026-01-01T00:00:00Z"}"#, Code::Conflict, "`from` is not before"),
    ] {
        assert_refused(request(body, None), code, words, body);
    }
    for key in ["", "a\n", "\u{e9}", &"k".repeat(256)] {
        let words = "`idempotency-key` is not 1 to 255 printable ASCII characters";
        assert_refused(request("not json", Some(key.to_owned())), Code::InvalidRequest, words, key);
    }
    fixture.change(1, r#"{"enabled":false}"#).unwrap();
    assert_refused(request(RANGE, None), Code::Conflict, "this endpoint is disabled: enable it first", "off");
    let found = replays::find(fixture.db(), "rpl_0000000000000000");
    assert_refused(found, Code::NotFound, "there is no replay of this id", "none is stored");
}

#[test]
fn the_same_key_finds_the_former_range_for_7_days() {
    let mut fixture = fixture();
    let (first, _) = ask(&fixture, RANGE, Some("a key"), 1);
    fixture.change(1, r#"{"enabled":false}"#).unwrap();
    fixture.pass(HOUR);
    let known = (first, false);
    assert_eq!(ask(&fixture, RANGE, Some("a key"), 2), known, "though it would be refused now");
    let other = replays::request(&fixture.context(), "{}", Some("a key".to_owned()), [0; 8]);
    assert_refused(other, Code::Conflict, "was used before for another request", "another body");
    fixture.change(1, r#"{"enabled":true}"#).unwrap();
    assert!(ask(&fixture, RANGE, Some("another key"), 3).1);
    fixture.pass(7 * DAY - HOUR);
    assert_eq!(ask(&fixture, RANGE, Some("a key"), 4), known, "the last moment");
    fixture.pass(1);
    assert!(replays::request(&fixture.context(), "{}", Some("a key".to_owned()), [0; 8]).is_err());
    assert!(replays::find(fixture.db(), &known.0.id).is_ok(), "what is refused deletes nothing");
    assert!(ask(&fixture, RANGE, Some("a key"), 5).1, "though no other range was begun since");
}

#[test]
fn there_are_100_ranges_in_7_days_at_most() {
    let mut fixture = fixture();
    for random in 0..100 {
        ask(&fixture, RANGE, None, random);
    }
    fixture.pass(7 * DAY);
    let words = "100 ranges were replayed in the last 7 days: no more fit";
    let request = |fixture: &Fixture| replays::request(&fixture.context(), RANGE, None, [9; 8]);
    assert_refused(request(&fixture), Code::Conflict, words, "the 101st");
    fixture.pass(1);
    request(&fixture).unwrap();
    assert_eq!(settings::current(&fixture.context()).unwrap().replays.len(), 0);
}

#[test]
fn progress_is_added_up_over_the_shards() {
    let replay = Replay { id: "rpl_1".to_owned(), endpoint: 7, all: true, until: START, ..Replay::default() };
    let shard = |matched, enqueued, delivered, failed, is_enqueued| ReplayProgress {
        matched,
        enqueued,
        delivered,
        failed,
        is_enqueued,
    };
    let view = |shards: &[ReplayProgress]| serde_json::to_value(ReplayView::new(&replay, shards)).unwrap();
    let expected = json!({
        "replay_id": "rpl_1",
        "endpoint": "ep_7",
        "which": "all",
        "from": "1970-01-01T00:00:00.000Z",
        "until": "2026-01-01T00:00:00.000Z",
        "matched": 5,
        "enqueued": 4,
        "delivered": 2,
        "failed": 1,
        "pending": 2,
        "cancelled": false,
        "done": false,
    });
    assert_eq!(view(&[shard(3, 3, 2, 1, true), shard(2, 1, 0, 0, false)]), expected);
    for (shards, pending, done, why) in [
        (vec![shard(1, 1, 1, 0, true), shard(0, 0, 0, 0, true)], 0, true, "nothing is left"),
        (vec![shard(1, 1, 1, 0, true), shard(0, 0, 0, 0, false)], 0, false, "a shard is still looking"),
        (vec![shard(1, 2, 1, 1, true)], 0, true, "more came than were there"),
        (vec![shard(1, 1, 0, 0, true)], 1, false, "one is pending"),
    ] {
        let found = view(&shards);
        assert_eq!((&found["pending"], &found["done"]), (&json!(pending), &json!(done)), "{why}");
    }
}

#[test]
fn a_dry_run_stores_nothing_not_even_its_key() {
    let fixture = fixture();
    let key = Some("a key".to_owned());
    let body = r#"{"endpoint":"ep_1","which":"all","dry_run":true}"#;
    let before = settings::current(&fixture.context()).unwrap();
    let requested = replays::request(&fixture.context(), body, key, [0; 8]).unwrap();
    let Requested::DryRun(replay) = requested else { panic!("it is not counted alone") };
    assert_eq!((replay.endpoint, replay.all, replay.until), (1, true, START));
    let after = settings::current(&fixture.context()).unwrap();
    assert_eq!((after.version, after.replays), (before.version, before.replays));
    let body = r#"{"endpoint":"ep_1","which":"all","dry_run":false}"#;
    assert!(ask(&fixture, body, Some("a key"), 1).1, "the key is free, and false is the default");

    let shard = |matched, is_truncated| RangeCount { matched, is_truncated };
    let view = DryRunView::new(&replay, &[shard(3, false), shard(10_000, true)]);
    let expected = json!({
        "dry_run": true,
        "endpoint": "ep_1",
        "which": "all",
        "from": "1970-01-01T00:00:00.000Z",
        "until": "2026-01-01T00:00:00.000Z",
        "matched": 10_003,
        "truncated": true,
    });
    assert_eq!(serde_json::to_value(view).unwrap(), expected);
}

#[test]
fn a_range_is_cancelled_once() {
    let fixture = fixture();
    let missing = replays::cancel(fixture.db(), "rpl_0000000000000000");
    assert_refused(missing, Code::NotFound, "there is no replay of this id", "none is stored");
    let (replay, _) = ask(&fixture, RANGE, Some("a key"), 1);
    let cancelled = replays::cancel(fixture.db(), &replay.id).unwrap().unwrap();
    assert_eq!(cancelled, Replay { is_cancelled: true, ..replay });
    let version = settings::current(&fixture.context()).unwrap().version;
    fixture.commit(&SettingsChange::ChangeReplay(&cancelled));
    let pushed = settings::current(&fixture.context()).unwrap();
    assert_eq!((pushed.version, &pushed.replays[..]), (version + 1, &[cancelled.clone()][..]));
    assert!(replays::cancel(fixture.db(), &cancelled.id).unwrap().is_none(), "nothing is left to change");
    assert_eq!(ask(&fixture, RANGE, Some("a key"), 2), (cancelled.clone(), false), "its key finds it still");
    assert_eq!(serde_json::to_value(ReplayView::new(&cancelled, &[])).unwrap()["cancelled"], true);
}
