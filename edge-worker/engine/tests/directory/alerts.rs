//! Alerts: what is a cause of one, who is told of it and how often, and what a message says.

use serde_json::{Value as Json, json};
use vtryon_gateway_engine::directory::alerts::{self, Cause, Phase};
use vtryon_gateway_engine::directory::secrets::keyring::Keyring;
use vtryon_gateway_engine::directory::settings::{self, Applied, SettingsChange};
use vtryon_gateway_engine::directory::{self, Directory, endpoints, rejections};
use vtryon_gateway_engine::protocol::SweepReport;
use vtryon_gateway_engine::protocol::directory::conditions::{Condition, ConditionKind, ConditionReport};
use vtryon_gateway_engine::protocol::settings::{AlertFormat, EndpointKind};
use vtryon_webhooks::diagnosis::SecretKind;
use vtryon_webhooks::{Code, Millis};
use zeroize::Zeroizing;

use crate::fixture::{DAY, Fixture, HOUR, assert_refused};
use crate::rejections::{SECRET, misconfigured, noise, rejection};
use crate::tokens::{create_by, new_token};

const SHOP: &str = r#"{"url":"https://shop.example/hook?key=abc"}"#;
const OPS: &str = r#"{"url":"https://ops.example/alerts"}"#;

impl Fixture {
    /// Registers an alert destination, and returns its number.
    fn destination_of_alerts(&self, body: &str) -> i64 {
        self.register_of(EndpointKind::Alerts, body)
    }

    /// Reports a condition as a shard does that has the current settings.
    fn meet(&self, kind: ConditionKind, endpoint: i64) {
        self.meet_by(settings::version(self.db()).unwrap(), kind.as_str(), endpoint);
    }

    fn meet_by(&self, settings_version: i64, kind: &str, endpoint: i64) {
        let condition = Condition { kind: kind.to_owned(), endpoint, count: 1, at: self.now };
        let report = ConditionReport { settings_version, conditions: vec![condition] };
        alerts::report(&self.context(), &report).unwrap();
    }

    /// Sends what is due, and returns the names of the events.
    fn send(&self) -> Vec<String> {
        self.messages().into_iter().map(|(event, _)| event).collect()
    }

    /// Sends what is due: the name and the body of each part.
    fn messages(&self) -> Vec<(String, Json)> {
        let mut sent = Vec::new();
        for message in alerts::queue(&self.context()).unwrap() {
            let bodies = message.parts.iter().map(|part| serde_json::from_str(&part.body).unwrap());
            sent.extend(bodies.map(|body| (message.event.clone(), body)));
            alerts::confirm(self.db(), &message).unwrap();
        }
        sent
    }

    /// Returns when the alarm is wanted, in seconds from now, once all shards have the settings.
    fn alarm_in(&self) -> Option<i64> {
        let version = settings::current(&self.context()).unwrap().version;
        settings::confirm(self.db(), version, Applied { applied: 4, shards: 4 }).unwrap();
        self.alarm(1).map(|at| (at.0 - self.now.0) / 1000)
    }
}

/// A directory with an endpoint and a destination, which has been told of the endpoint.
fn fixture() -> (Fixture, i64) {
    let fixture = Fixture::new();
    fixture.destination_of_alerts(OPS);
    let shop = fixture.register(SHOP);
    assert_eq!(fixture.send(), [CREATED]);
    (fixture, shop)
}

#[test]
fn a_new_token_is_told_once_an_hour() {
    let (mut fixture, _) = fixture();
    for nth in 1..=2 {
        let body = r#"{"name":"ci","scope":"admin"}"#;
        create_by(&fixture, body, &new_token(nth), None).unwrap();
        let sent: &[&str] = if nth == 1 { &["gateway.token_created"] } else { &[] };
        assert_eq!(fixture.send(), sent, "token {nth}");
    }
    fixture.now = fixture.now.plus_seconds(HOUR);
    let [(event, body)] = &fixture.messages()[..] else { panic!("one message") };
    assert_eq!((&**event, &body["data"]["count"]), ("gateway.token_created", &json!(1)));
    assert!(create_by(&fixture, "{}", &new_token(3), None).is_err());
    assert_eq!(fixture.send(), [""; 0], "what is refused is no cause");
}

/// What happens to an endpoint, second by second, and which events are sent.
struct Story {
    name: &'static str,
    why: &'static str,
    steps: &'static [(i64, Step, &'static [&'static str])],
}

enum Step {
    Down,
    Up,
    /// A shard that missed the last change reports it.
    LateDown,
    LateUp,
    Dead,
    Disable,
    Enable,
    Pause,
    Resume,
    Move,
    /// It gets another URL at its origin.
    MovePath,
    Describe,
    Nothing,
}

const CREATED: &str = "gateway.endpoint_created";
const MOVED: &str = "gateway.endpoint_moved";
const FAILING: &str = "gateway.endpoint_failing";
const RECOVERED: &str = "gateway.endpoint_recovered";
const DISABLED: &str = "gateway.endpoint_disabled";
const ENABLED: &str = "gateway.endpoint_enabled";
const DEAD: &str = "gateway.delivery_dead";

const STORIES: [Story; 16] = [
    Story {
        name: "it fails and recovers",
        why: "both are told at once",
        steps: &[(0, Step::Down, &[FAILING]), (60, Step::Up, &[RECOVERED]), (2 * HOUR, Step::Nothing, &[])],
    },
    Story {
        name: "it fails in four shards",
        why: "one message for each cause and hour",
        steps: &[
            (0, Step::Down, &[FAILING]),
            (1, Step::Down, &[]),
            (1, Step::Down, &[]),
            (3597, Step::Nothing, &[]),
            (1, Step::Nothing, &[FAILING]),
            (2 * HOUR, Step::Nothing, &[]),
        ],
    },
    Story {
        name: "it fails, recovers and fails within the hour",
        why: "the second failure waits for the hour",
        steps: &[
            (0, Step::Down, &[FAILING]),
            (60, Step::Up, &[RECOVERED]),
            (60, Step::Down, &[]),
            (HOUR - 120, Step::Nothing, &[FAILING]),
        ],
    },
    Story {
        name: "it fails and recovers twice within the hour",
        why: "of a failure that nobody was told of, no end is told",
        steps: &[
            (0, Step::Down, &[FAILING]),
            (60, Step::Up, &[RECOVERED]),
            (60, Step::Down, &[]),
            (60, Step::Up, &[]),
            (2 * HOUR, Step::Nothing, &[]),
        ],
    },
    Story {
        name: "it recovers without having failed",
        why: "another shard has told of it",
        steps: &[(0, Step::Up, &[])],
    },
    Story {
        name: "it recovers in two shards",
        why: "it is told once",
        steps: &[(0, Step::Down, &[FAILING]), (1, Step::Up, &[RECOVERED]), (1, Step::Up, &[])],
    },
    Story {
        name: "it fails and is disabled",
        why: "its end is not told: it has not recovered",
        steps: &[
            (0, Step::Down, &[FAILING]),
            (60, Step::Disable, &[DISABLED]),
            (DAY, Step::Enable, &[ENABLED]),
            (2 * HOUR, Step::Nothing, &[]),
        ],
    },
    Story {
        name: "it fails, is paused and resumed",
        why: "shards count its failures anew, so none reports that it has recovered",
        steps: &[
            (0, Step::Down, &[FAILING]),
            (60, Step::Pause, &[]),
            (60, Step::Resume, &[]),
            (60, Step::Up, &[]),
            (HOUR, Step::Down, &[FAILING]),
        ],
    },
    Story {
        name: "it fails and gets another URL",
        why: "nothing is known of the new one",
        steps: &[(0, Step::Down, &[FAILING]), (60, Step::Move, &[MOVED]), (60, Step::Up, &[])],
    },
    Story {
        name: "it gets another URL, and a shard that does not know it yet reports the former one",
        why: "that shard forgets it then, and would not report its end",
        steps: &[
            (0, Step::Move, &[MOVED]),
            (1, Step::LateDown, &[]),
            (1, Step::Down, &[FAILING]),
            (1, Step::LateUp, &[]),
            (1, Step::Up, &[RECOVERED]),
        ],
    },
    Story {
        name: "it gets another URL minutes after it was registered",
        why: "at another origin somebody else gets what is delivered: that does not wait for the hour of the registration",
        steps: &[(600, Step::MovePath, &[]), (60, Step::Move, &[MOVED]), (2 * HOUR, Step::Move, &[])],
    },
    Story {
        name: "another of its fields is changed, and a shard that does not know it yet reports that it fails",
        why: "the shard goes on counting",
        steps: &[(0, Step::Describe, &[]), (1, Step::LateDown, &[FAILING]), (1, Step::LateUp, &[RECOVERED])],
    },
    Story {
        name: "it is paused, and attempts that were in progress fail",
        why: "nobody would be told of its end",
        steps: &[(0, Step::Pause, &[]), (1, Step::Down, &[]), (60, Step::Resume, &[])],
    },
    Story {
        name: "deliveries die",
        why: "that has no end",
        steps: &[
            (0, Step::Dead, &[DEAD]),
            (60, Step::Dead, &[]),
            (HOUR, Step::Nothing, &[DEAD]),
            (2 * HOUR, Step::Nothing, &[]),
        ],
    },
    Story {
        name: "deliveries die hours apart",
        why: "each is told",
        steps: &[(0, Step::Dead, &[DEAD]), (2 * HOUR, Step::Dead, &[DEAD])],
    },
    Story {
        name: "it fails, and a delivery dies",
        why: "two causes",
        steps: &[(0, Step::Down, &[FAILING]), (60, Step::Dead, &[DEAD])],
    },
];

#[test]
fn a_cause_is_told_once_an_hour_and_its_end_once() {
    let version = |fixture: &Fixture| settings::version(fixture.db()).unwrap();
    for Story { name, why, steps } in STORIES {
        let (mut fixture, shop) = fixture();
        for (place, (seconds, step, expected)) in steps.iter().enumerate() {
            fixture.pass(*seconds);
            match step {
                Step::Down => fixture.meet(ConditionKind::EndpointDown, shop),
                Step::Up => fixture.meet(ConditionKind::EndpointUp, shop),
                Step::LateDown => fixture.meet_by(version(&fixture) - 1, "endpoint_down", shop),
                Step::LateUp => fixture.meet_by(version(&fixture) - 1, "endpoint_up", shop),
                Step::Dead => fixture.meet(ConditionKind::DeliveryDead, shop),
                Step::Disable => drop(fixture.change(shop, r#"{"enabled":false}"#).unwrap()),
                Step::Enable => drop(fixture.change(shop, r#"{"enabled":true}"#).unwrap()),
                Step::Pause => drop(fixture.change(shop, r#"{"paused":true}"#).unwrap()),
                Step::Resume => drop(fixture.change(shop, r#"{"paused":false}"#).unwrap()),
                Step::Move => drop(fixture.change(shop, r#"{"url":"https://other.example/"}"#).unwrap()),
                Step::MovePath => {
                    drop(fixture.change(shop, r#"{"url":"https://shop.example/new"}"#).unwrap())
                }
                Step::Describe => drop(fixture.change(shop, r#"{"description":"a shop"}"#).unwrap()),
                Step::Nothing => {}
            }
            assert_eq!(fixture.send(), *expected, "{name}, step {place}: {why}");
        }
    }
}

#[test]
fn the_alarm_is_set_for_the_next_message() {
    let (mut fixture, shop) = fixture();
    assert_eq!(fixture.alarm_in(), None);
    fixture.meet(ConditionKind::EndpointDown, shop);
    assert_eq!(fixture.alarm_in(), Some(0));
    alerts::queue(&fixture.context()).unwrap();
    assert_eq!(fixture.alarm_in(), Some(5), "it is sent again until a shard has confirmed it");
    fixture.send();
    assert_eq!(fixture.alarm_in(), None);
    fixture.pass(60);
    fixture.meet(ConditionKind::EndpointDown, shop);
    assert_eq!(fixture.alarm_in(), Some(HOUR - 60));
    fixture.meet(ConditionKind::EndpointUp, shop);
    assert_eq!(fixture.alarm_in(), Some(0));
}

#[test]
fn a_message_is_made_once_and_stays_until_it_is_confirmed() {
    let (mut fixture, shop) = fixture();
    fixture.meet(ConditionKind::EndpointDown, shop);
    let first = alerts::queue(&fixture.context()).unwrap();
    fixture.memory = Directory::open(fixture.db()).unwrap();
    fixture.pass(5);
    let again = alerts::queue(&fixture.context()).unwrap();
    let [first, again] = [&first[0], &again[0]];
    assert_eq!((first.no, &first.parts[0].body), (again.no, &again.parts[0].body));
    let ids = [first, again].map(|message| message.incoming(&message.parts[0]).id);
    assert_eq!(ids[0], ids[1], "a shard recognises it");
    alerts::confirm(fixture.db(), again).unwrap();
    fixture.meet(ConditionKind::EndpointUp, shop);
    let next = alerts::queue(&fixture.context()).unwrap();
    let next = &next[0];
    assert_ne!(next.incoming(&next.parts[0]).id, ids[0], "no number is given twice");

    fixture.sqlite().run("UPDATE meta SET value = value - 1 WHERE name = 'last_alert_message'", &[]).unwrap();
    fixture.sqlite().run("DELETE FROM alert_messages", &[]).unwrap();
    fixture.pass(HOUR);
    fixture.meet(ConditionKind::DeliveryDead, shop);
    let after = &alerts::queue(&fixture.context()).unwrap()[0];
    assert_eq!(after.no, next.no, "the directory was restored");
    let ids = [after, next].map(|message| message.incoming(&message.parts[0]).id);
    assert_ne!(ids[0], ids[1], "a shard does not take it for the other one");
}

#[test]
fn a_message_says_what_has_happened_and_nothing_secret() {
    let (fixture, shop) = fixture();
    fixture
        .destination_of_alerts(r#"{"url":"https://hooks.slack.com/services/T/B/secret","format":"slack"}"#);
    fixture.meet(ConditionKind::EndpointDown, shop);
    let [(_, standard), (_, slack)] = &fixture.messages()[..] else { panic!("one part for each format") };
    let at = "2026-01-01T00:00:00.000Z";
    let expected = json!({
        "type": "gateway.endpoint_failing",
        "timestamp": at,
        "data": {
            "summary": "The last attempts at an endpoint have all failed",
            "endpoint": "ep_2",
            "host": "shop.example",
            "count": 1,
            "since": at,
            "last_at": at,
        },
    });
    assert_eq!(*standard, expected);
    let text = format!(
        "*The last attempts at an endpoint have all failed*\ngateway.endpoint_failing\nendpoint: ep_2\nhost: shop.example\nat {at}"
    );
    assert_eq!(*slack, json!({ "text": text }));
}

#[test]
fn every_event_is_written_in_both_formats() {
    for name in alerts::names() {
        assert!(alerts::is_name(&name) && name.starts_with("gateway."), "{name}");
    }
    assert_eq!(alerts::names().count(), 17);
    for (cause, other) in Cause::ALL.into_iter().zip(Cause::ALL.into_iter().skip(1)) {
        assert_ne!(cause.sentence(Phase::Opened), other.sentence(Phase::Opened));
        assert_eq!(Cause::from_name(cause.as_str()), Some(cause));
    }
    assert!(!alerts::is_name("gateway.test"), "a test is not chosen");
    let standard: Json = serde_json::from_str(&alerts::test_body(AlertFormat::Standard, Millis(0))).unwrap();
    assert_eq!(standard["type"], "gateway.test");
    let slack: Json = serde_json::from_str(&alerts::test_body(AlertFormat::Slack, Millis(0))).unwrap();
    assert_eq!(slack["text"], "*This is a test of an alert destination*\ngateway.test");
}

#[test]
fn a_destination_gets_the_events_that_it_has_chosen() {
    let fixture = Fixture::new();
    let recovered = r#"{"url":"https://a.example/","events":["gateway.endpoint_recovered"]}"#;
    let both =
        r#"{"url":"https://b.example/","events":["gateway.endpoint_failing","gateway.endpoint_recovered"]}"#;
    let (recovered, both) = (fixture.destination_of_alerts(recovered), fixture.destination_of_alerts(both));
    let off = fixture.destination_of_alerts(OPS);
    fixture.change(off, r#"{"enabled":false}"#).unwrap();
    let shop = fixture.register(SHOP);
    let sent = |kind| {
        fixture.meet(kind, shop);
        let messages = alerts::queue(&fixture.context()).unwrap();
        for message in &messages {
            alerts::confirm(fixture.db(), message).unwrap();
        }
        messages
            .into_iter()
            .flat_map(|message| message.parts)
            .flat_map(|part| part.destinations)
            .collect::<Vec<_>>()
    };
    assert_eq!(sent(ConditionKind::EndpointDown), [both]);
    assert_eq!(sent(ConditionKind::EndpointUp), [recovered, both]);
}

/// What an endpoint is met by while there is no destination, how long before there is one, and what it is sent then.
const BEFORE_THE_FIRST: [(&[ConditionKind], i64, &[&str]); 4] = [
    (&[ConditionKind::EndpointDown], 2 * DAY, &[FAILING]),
    (&[ConditionKind::EndpointDown, ConditionKind::EndpointUp], HOUR, &[CREATED]),
    (&[ConditionKind::DeliveryDead], HOUR, &[DEAD, CREATED]),
    (&[ConditionKind::DeliveryDead], DAY + 1, &[]),
];

#[test]
fn the_first_destination_is_sent_what_lasts_and_what_was_met_within_a_day() {
    for (met, passed, sent) in BEFORE_THE_FIRST {
        let mut fixture = Fixture::new();
        let shop = fixture.register(SHOP);
        for kind in met {
            fixture.meet(*kind, shop);
        }
        assert_eq!((fixture.send(), fixture.alarm_in()), (vec![], None), "{met:?}");
        fixture.pass(passed);
        alerts::sweep(&fixture.context(), SweepReport::default()).unwrap();
        fixture.destination_of_alerts(OPS);
        assert_eq!(fixture.alarm_in(), (!sent.is_empty()).then_some(0), "{met:?}");
        assert_eq!(fixture.send(), sent, "{met:?}");
    }
}

#[test]
fn nothing_is_told_of_alert_destinations() {
    let (fixture, _) = fixture();
    let ops = 1;
    assert_eq!(fixture.send(), [""; 0]);
    fixture.change(ops, r#"{"enabled":false}"#).unwrap();
    fixture.change(ops, r#"{"enabled":true}"#).unwrap();
    let other = fixture.destination_of_alerts(OPS);
    fixture.rotate(other, r#"{"overlap_hours":1}"#).unwrap();
    alerts::sweep(&fixture.context(), SweepReport::default()).unwrap();
    assert_eq!(fixture.send(), [""; 0]);
}

#[test]
fn what_is_about_a_deleted_endpoint_is_forgotten() {
    let (fixture, shop) = fixture();
    fixture.meet(ConditionKind::EndpointDown, shop);
    fixture.commit(&SettingsChange::Delete { endpoint: shop });
    fixture.meet(ConditionKind::EndpointDown, shop);
    assert_eq!(fixture.send(), [""; 0]);
    assert_eq!(alerts::list(&fixture.context()).unwrap().len(), 0);
}

#[test]
fn a_burst_of_refused_signatures_is_told_with_its_likely_mistake() {
    let (mut fixture, _) = fixture();
    let keyring = Keyring::new([(SecretKind::Current, Zeroizing::new(SECRET.to_vec()))].into_iter());
    let refuse = |fixture: &Fixture, count, code| {
        let sample =
            if code == "missing_signature" { noise(fixture.now) } else { misconfigured(fixture.now) };
        let mut reported = rejection(code, count, sample, None);
        reported.last_at = fixture.now;
        rejections::add(&fixture.context(), &[reported], Some(&keyring.candidates())).unwrap();
    };
    refuse(&fixture, 100, "body_too_large");
    refuse(&fixture, 9, "signature_mismatch");
    assert_eq!(fixture.send(), [""; 0], "fewer than 10");
    fixture.pass(HOUR + 1);
    refuse(&fixture, 9, "signature_mismatch");
    assert_eq!(fixture.send(), [""; 0], "not within an hour");
    refuse(&fixture, 1, "signature_mismatch");
    let [(event, body)] = &fixture.messages()[..] else { panic!("one message") };
    assert_eq!(event, "gateway.signatures_refused");
    assert_eq!(body["data"]["count"], 10);
    assert!(body["data"]["mistake"].is_string() && body["data"]["hint"].is_string(), "{body}");
    let text = body.to_string();
    let sample = misconfigured(fixture.now);
    assert!(!text.contains(&sample.header) && !text.contains(&sample.body), "{text}");

    let mut swept = |seconds, is_refused| {
        fixture.pass(seconds);
        if is_refused {
            refuse(&fixture, 1, "signature_mismatch");
        }
        alerts::sweep(&fixture.context(), SweepReport::default()).unwrap();
        fixture.send()
    };
    assert_eq!(swept(HOUR - 1, true), [""; 0], "told an hour ago at the earliest");
    assert_eq!(swept(HOUR, true), ["gateway.signatures_refused"], "it lasts");
    assert_eq!(swept(HOUR - 1, false), [""; 0], "an hour has not passed since the last one");
    assert_eq!(swept(1, false), ["gateway.refusals_stopped"]);
    assert_eq!(swept(HOUR, false), [""; 0]);
    assert_eq!(swept(HOUR, true), [""; 0], "a new burst begins at one");
}

#[test]
fn tasks_that_stall_are_told_once_and_that_no_further_ones_do() {
    let (mut fixture, _) = fixture();
    let mut swept = |has_stalled| {
        fixture.pass(HOUR);
        alerts::sweep(&fixture.context(), SweepReport { has_stalled, ..SweepReport::default() }).unwrap();
        fixture.send()
    };
    assert_eq!(swept(Some(false)), [""; 0]);
    assert_eq!(swept(Some(true)), ["gateway.tasks_stalled"]);
    assert_eq!(swept(Some(true)), [""; 0]);
    assert_eq!(swept(None), [""; 0], "not all shards have answered");
    assert_eq!(swept(Some(false)), ["gateway.tasks_resumed"]);
}

#[test]
fn storage_that_is_nearly_full_is_told_once_and_that_it_is_relieved() {
    let (mut fixture, _) = fixture();
    let mut swept = |is_nearly_full| {
        fixture.pass(HOUR);
        alerts::sweep(&fixture.context(), SweepReport { is_nearly_full, ..SweepReport::default() }).unwrap();
        fixture.send()
    };
    assert_eq!(swept(Some(false)), [""; 0]);
    assert_eq!(swept(Some(true)), ["gateway.storage_nearly_full"]);
    assert_eq!(swept(Some(true)), [""; 0]);
    assert_eq!(swept(None), [""; 0], "it lies between both");
    assert_eq!(swept(Some(false)), ["gateway.storage_relieved"]);
}

#[test]
fn a_rotation_is_due_six_hours_before_the_previous_secret_ends() {
    let (mut fixture, shop) = fixture();
    fixture.rotate(shop, r#"{"overlap_hours":8}"#).unwrap();
    let mut swept = |hours: i64| {
        fixture.pass(hours * HOUR);
        alerts::sweep(&fixture.context(), SweepReport::default()).unwrap();
        fixture.messages()
    };
    assert_eq!(swept(1), []);
    let [(event, body)] = &swept(1)[..] else { panic!("one message") };
    assert_eq!(event, "gateway.rotation_due");
    assert_eq!(body["data"]["expires_at"], "2026-01-01T08:00:00.000Z");
    assert_eq!(swept(1), []);
    let finished = swept(5);
    assert_eq!(finished[0].0, "gateway.rotation_finished");
}

#[test]
fn another_rotation_before_the_end_of_the_first_is_due_by_its_own_end() {
    // After how many hours a first secret is rotated again, with which overlap, when that is due, and the end that it has.
    for (rotated_at, overlap_hours, due_at, expires_at) in
        [(3, 8, 5, "2026-01-01T11:00:00.000Z"), (5, 5, 6, "2026-01-01T10:00:00.000Z")]
    {
        let (mut fixture, shop) = fixture();
        fixture.rotate(shop, r#"{"overlap_hours":8}"#).unwrap();
        for hour in 1..=12 {
            fixture.pass(HOUR);
            alerts::sweep(&fixture.context(), SweepReport::default()).unwrap();
            let sent = fixture.messages();
            let ends: Vec<_> =
                sent.iter().map(|(event, body)| (&**event, &body["data"]["expires_at"])).collect();
            let (first, second) = (json!("2026-01-01T08:00:00.000Z"), json!(expires_at));
            let expected: &[_] = match hour {
                2 => &[("gateway.rotation_due", &first)],
                _ if hour == due_at => &[("gateway.rotation_due", &second)],
                _ if hour == rotated_at + overlap_hours => &[("gateway.rotation_finished", &second)],
                _ => &[],
            };
            assert_eq!(ends, expected, "{overlap_hours} hours from {rotated_at} on, hour {hour}");
            if hour == rotated_at {
                fixture.rotate(shop, &json!({ "overlap_hours": overlap_hours }).to_string()).unwrap();
            }
        }
    }
}

#[test]
fn the_list_has_what_lasts_first_and_the_last_day() {
    let (mut fixture, shop) = fixture();
    fixture.meet(ConditionKind::EndpointDown, shop);
    fixture.pass(60);
    fixture.meet(ConditionKind::DeliveryDead, shop);
    fixture.meet(ConditionKind::EventQuarantined, 0);
    fixture.send();
    let list = |fixture: &Fixture| -> Vec<(String, bool)> {
        let list = serde_json::to_value(alerts::list(&fixture.context()).unwrap()).unwrap();
        let row = |row: &Json| (row["cause"].as_str().unwrap().to_owned(), row["open"] == true);
        list.as_array().unwrap().iter().map(row).collect()
    };
    let named = |name: &str, open| (name.to_owned(), open);
    let [failing, dead] = [named("endpoint_failing", true), named("delivery_dead", false)];
    let [unread, created] = [named("event_quarantined", false), named("endpoint_created", false)];
    assert_eq!(list(&fixture), [failing.clone(), dead, unread, created]);
    fixture.pass(2 * DAY);
    assert_eq!(list(&fixture), [failing]);
    alerts::sweep(&fixture.context(), SweepReport::default()).unwrap();
    fixture.meet(ConditionKind::EndpointUp, shop);
    fixture.send();
    fixture.pass(DAY + 1);
    assert_eq!(list(&fixture), []);
}

#[test]
fn a_condition_of_a_newer_version_is_ignored() {
    let (fixture, shop) = fixture();
    fixture.meet_by(settings::version(fixture.db()).unwrap(), "other", shop);
    assert_eq!(fixture.send(), [""; 0]);
}

#[test]
fn a_destination_is_no_endpoint_and_an_endpoint_no_destination() {
    let (fixture, shop) = fixture();
    let ops = 1;
    for (kind, no, found) in [
        (EndpointKind::Tasks, shop, true),
        (EndpointKind::Tasks, ops, false),
        (EndpointKind::Alerts, ops, true),
        (EndpointKind::Alerts, shop, false),
    ] {
        assert_eq!(endpoints::find_of_kind(fixture.db(), kind, no).is_ok(), found, "{kind:?} {no}");
        assert_eq!(endpoints::of_kind(fixture.db(), kind).unwrap().len(), 1);
    }
    let replay = directory::replays::request(&fixture.context(), r#"{"endpoint":"ep_1"}"#, None, [0; 8]);
    assert_refused(replay, Code::NotFound, "there is no endpoint of this id", "a range of events");
    for _ in 1..5 {
        fixture.destination_of_alerts(OPS);
    }
    let sixth = fixture.draft_of(EndpointKind::Alerts, OPS);
    assert_refused(sixth, Code::Conflict, "there are 5 alert destinations", "a sixth");
    fixture.register(SHOP);
}

#[test]
fn of_a_url_of_slack_only_the_origin_is_shown() {
    let fixture = Fixture::new();
    for (format, url, shown) in [
        ("slack", "https://hooks.slack.com/services/T/B/secret", "https://hooks.slack.com"),
        ("slack", "https://ops.example:8443?key=secret", "https://ops.example:8443"),
        ("slack", "https://ops.example/", "https://ops.example"),
        ("standard", "https://ops.example/alerts?of=shop", "https://ops.example/alerts?of=shop"),
    ] {
        let no = fixture.destination_of_alerts(&json!({ "url": url, "format": format }).to_string());
        let record = fixture.change(no, r#"{"description":"us"}"#).unwrap();
        assert_eq!(serde_json::to_value(record.view(fixture.now, None)).unwrap()["url"], shown);
        assert_eq!(record.endpoint.options.url, url, "all of it is called");
        let sent_back = [shown.to_owned(), format!("{shown}/")];
        for sent_back in sent_back.into_iter().filter(|sent_back| shown != url && sent_back != url) {
            let change = fixture.change(no, &json!({ "url": sent_back, "format": "standard" }).to_string());
            assert_refused(change, Code::Conflict, "`url` is only what is shown", &sent_back);
        }
        let change = json!({ "url": url, "format": "standard" }).to_string();
        assert_eq!(fixture.change(no, &change).unwrap().endpoint.options.url, url);
    }
}

#[test]
fn the_fields_of_a_destination_are_its_own() {
    let fixture = Fixture::new();
    for (body, words) in [
        (r#"{"url":"https://ops.example/","order":"all"}"#, "auth, events, format"),
        (
            r#"{"url":"https://ops.example/","events":["gateway.test"]}"#,
            "`events` has an entry that is not one of gateway.endpoint_failing",
        ),
        (r#"{"url":"https://ops.example/","format":"teams"}"#, "`format` is not one of standard, slack"),
        (r#"{"url":"https://10.0.0.1/"}"#, "url"),
        (r#"{"format":"slack"}"#, "`url` is missing"),
    ] {
        let draft = fixture.draft_of(EndpointKind::Alerts, body);
        assert_refused(draft, Code::InvalidRequest, words, body);
    }
    assert_refused(
        fixture.draft(r#"{"url":"https://shop.example/","format":"slack"}"#),
        Code::InvalidRequest,
        "none of",
        "an endpoint",
    );
    let no = fixture.destination_of_alerts(r#"{"url":"https://ops.example/","description":"us"}"#);
    let record = fixture.change(no, r#"{"events":["gateway.delivery_dead"]}"#).unwrap();
    let view = serde_json::to_value(record.view(fixture.now, None)).unwrap();
    let are_shown = |names: &[&str]| names.iter().map(|name| view.get(name).is_some()).collect::<Vec<_>>();
    assert_eq!(are_shown(&["url", "timeout_seconds", "headers", "format"]), [true; 4]);
    assert_eq!(are_shown(&["paused", "order", "statuses", "include", "max_in_flight"]), [false; 5]);
    assert_eq!(view["events"], json!(["gateway.delivery_dead"]));
}
