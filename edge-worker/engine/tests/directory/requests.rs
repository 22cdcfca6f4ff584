//! Requests from the beginning to the answer: which steps they ask for, and what becomes of them where a step fails or
//! something comes between.

use serde_json::{Value, json};
use vtryon_gateway_engine::credentials::token::TokenForm;
use vtryon_gateway_engine::directory::alerts;
use vtryon_gateway_engine::directory::endpoints;
use vtryon_gateway_engine::directory::settings;
use vtryon_gateway_engine::directory::{Answer, NewSecret, Pushed, SealedSecret, Step, VtryonSecrets};
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::directory::conditions::UnhealthyEndpoint;
use vtryon_gateway_engine::protocol::settings::EndpointKind;
use vtryon_gateway_engine::protocol::{
    DirectoryCall, DirectoryRequest, EndpointInput, ShardRequest, SweepReport,
};
use vtryon_gateway_engine::{Context, Failure, Refusal};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::{Code, Shards};

use crate::fixture::{DAY, Fixture, assert_refused, seal};

const SHOP: &str = r#"{"url":"https://shop.example/hook"}"#;

/// What a shell does, and what it has done.
struct Shell {
    /// How many shards confirm a push, of four, and the version that one of them has in force.
    confirmed: u32,
    in_force: i64,
    /// What shard 0 answers, and what every shard does; none where one can't be asked.
    shard_zero: Option<&'static str>,
    shards: Option<&'static str>,
    /// Whether the shard that delivers alerts knows their destinations.
    stores_alerts: bool,
    /// Whether secrets can be opened at the moment.
    opens: bool,
    done: Vec<&'static str>,
}

impl Shell {
    const fn new() -> Self {
        Self {
            confirmed: 4,
            in_force: 0,
            shard_zero: Some("4"),
            shards: Some("{}"),
            stores_alerts: true,
            opens: true,
            done: Vec::new(),
        }
    }

    /// Does one step, and returns the next; an answer is the last.
    fn take(&mut self, fixture: &mut Fixture, step: Step) -> Result<Step, Failure> {
        let context = Context { db: &fixture.db, now: fixture.now, deployment: &fixture.deployment };
        let directory = &mut fixture.memory;
        let (done, next) = match step {
            Step::Answer(answer) => return Ok(Step::Answer(answer)),
            Step::AskShardZero { question, then } => {
                let fixes = matches!(question, ShardRequest::Topology);
                let done = if fixes { "fix the number of shards" } else { "ask shard 0" };
                (done, then(directory, &context, self.shard_zero.map(str::to_owned)))
            }
            Step::AskShards { then, .. } => {
                let unanswered = || Refusal::new(Code::Unavailable, "a shard does not answer");
                let answers = self.shards.map(|answer| vec![answer.to_owned(); 4]);
                ("ask the shards", then(directory, &context, answers.ok_or_else(unanswered)))
            }
            Step::Push { settings, then } => {
                let in_force = self.in_force.max(settings.version);
                let pushed = Pushed { confirmed: self.confirmed, in_force };
                ("push", then(directory, &context, pushed))
            }
            Step::StoreAlert { then, .. } => {
                ("store an alert", then(directory, &context, self.stores_alerts))
            }
            Step::ReadOrigin { url, then } => {
                let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
                ("read the origin", then(directory, &context, Some(origin)))
            }
            Step::DrawId { then } => ("draw an id", then(directory, &context, [7; 8])),
            Step::MakeToken { then } => {
                let master = MasterKey::parse(&"0f".repeat(32)).unwrap();
                ("make a token", then(directory, &context, TokenForm::new(&master).issue([7; 8], &[7; 32])))
            }
            Step::MakeSecret { version, then, .. } => {
                let secret = EndpointSecret::from_bytes([version as u8; 32]);
                let new = NewSecret { secret, sealed: format!("sealed {version}") };
                ("make a secret", then(directory, &context, new))
            }
            Step::SealHeaders { headers, then, .. } => {
                ("seal headers", then(directory, &context, seal(&headers)))
            }
            Step::SealConfigured { secrets, then } => {
                let sealed = secrets.into_iter();
                let sealed =
                    sealed.map(|(fingerprint, _)| SealedSecret { fingerprint, sealed: b"sealed".to_vec() });
                ("seal Vtryon's secrets", then(directory, &context, self.opens.then(|| sealed.collect())))
            }
            Step::TryToOpen { endpoints, then } => {
                let unreadable = self.opens.then(|| vec![None; endpoints.len()]);
                ("try to open", then(directory, &context, unreadable))
            }
            Step::OpenVtryonSecrets { former, then } => {
                let former = former.iter().map(|_| None).collect();
                let opened = VtryonSecrets { configured: Vec::new(), former };
                ("open Vtryon's secrets", then(directory, &context, opened))
            }
            Step::OpenEndpointSecrets { secrets, then } => {
                let opened = secrets.iter().map(|_| None).collect();
                ("open endpoints' secrets", then(directory, &context, opened))
            }
        };
        self.done.push(done);
        next
    }

    /// Takes steps until one is the answer.
    fn finish(&mut self, fixture: &mut Fixture, mut step: Step) -> Result<Answer, Failure> {
        loop {
            if let Step::Answer(answer) = step {
                return Ok(answer);
            }
            step = self.take(fixture, step)?;
        }
    }

    fn answer(&mut self, fixture: &mut Fixture, request: DirectoryRequest) -> Result<Answer, Failure> {
        let step = begin(fixture, request)?;
        self.finish(fixture, step)
    }
}

fn begin(fixture: &mut Fixture, request: DirectoryRequest) -> Result<Step, Failure> {
    let context = Context { db: &fixture.db, now: fixture.now, deployment: &fixture.deployment };
    fixture.memory.request(&context, DirectoryCall { request, audited: None })
}

fn create(body: &str) -> DirectoryRequest {
    DirectoryRequest::Create { kind: EndpointKind::Tasks, input: input(body) }
}

fn change(endpoint: i64, body: &str) -> DirectoryRequest {
    DirectoryRequest::Change { kind: EndpointKind::Tasks, endpoint, change: input(body) }
}

fn rotate(endpoint: i64) -> DirectoryRequest {
    DirectoryRequest::Rotate { kind: EndpointKind::Tasks, endpoint, input: String::new() }
}

fn get(endpoint: i64) -> DirectoryRequest {
    DirectoryRequest::Get { kind: EndpointKind::Tasks, endpoint }
}

fn input(body: &str) -> EndpointInput {
    EndpointInput { body: body.to_owned(), own_origin: "https://gateway.example".to_owned() }
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.json).unwrap()
}

/// A directory that has answered before.
fn fixture() -> (Fixture, Shell) {
    let (mut fixture, mut shell) = (Fixture::new(), Shell::new());
    shell.answer(&mut fixture, DirectoryRequest::Secrets).unwrap();
    assert_eq!(shell.done, ["ask shard 0", "seal Vtryon's secrets"], "before the first request");
    shell.done.clear();
    (fixture, shell)
}

#[test]
fn the_steps_of_each_request_are_taken_in_their_order() {
    let (mut fixture, mut shell) = fixture();
    let range = r#"{"endpoint":"ep_1","which":"all"}"#.to_owned();
    let dry_run = r#"{"endpoint":"ep_1","which":"all","dry_run":true}"#.to_owned();
    let token = r#"{"name":"ci","scope":"read"}"#.to_owned();
    let (kind, endpoint) = (EndpointKind::Tasks, 1);
    let id = || format!("rpl_{}", "07".repeat(8));
    let rows: [(DirectoryRequest, u16, &[&str]); 13] = [
        (create(SHOP), 201, &["read the origin", "make a secret", "seal headers", "push", "try to open"]),
        (get(1), 200, &["try to open"]),
        (DirectoryRequest::List { kind }, 200, &["try to open"]),
        (change(1, r#"{"enabled":true}"#), 200, &["seal headers", "push", "try to open"]),
        (change(1, SHOP), 200, &["read the origin", "seal headers", "push", "try to open"]),
        (rotate(1), 200, &["make a secret", "push", "try to open"]),
        (DirectoryRequest::Retire { kind, endpoint }, 200, &["push", "try to open"]),
        (DirectoryRequest::Replay { input: dry_run, key: None }, 200, &["draw an id", "ask the shards"]),
        (
            DirectoryRequest::Replay { input: range, key: None },
            202,
            &["draw an id", "push", "ask the shards"],
        ),
        (DirectoryRequest::CancelReplay { id: id() }, 200, &["push", "ask the shards"]),
        (DirectoryRequest::CancelReplay { id: id() }, 200, &["ask the shards"]),
        (DirectoryRequest::CreateToken { input: token }, 201, &["make a token"]),
        (DirectoryRequest::Delete { kind, endpoint }, 200, &["push", "try to open"]),
    ];
    for (at, (request, status, steps)) in rows.into_iter().enumerate() {
        shell.shards = Some(r#"{"matched":1}"#);
        let answer = shell.answer(&mut fixture, request).unwrap();
        assert_eq!((answer.status, &shell.done[..]), (status, steps), "row {at}: {}", answer.json);
        shell.done.clear();
    }
}

#[test]
fn whether_the_directory_is_that_of_the_deployment_is_asked_before_a_request_and_before_its_change() {
    let (mut fixture, mut shell) = (Fixture::new(), Shell::new());
    shell.shard_zero = None;
    shell.answer(&mut fixture, create(SHOP)).unwrap();
    let expected =
        ["ask shard 0", "seal Vtryon's secrets", "read the origin", "make a secret", "seal headers"];
    assert_eq!(shell.done, [&expected[..], &["fix the number of shards", "push", "try to open"]].concat());
    shell.done.clear();
    let token = DirectoryRequest::CreateToken { input: r#"{"name":"ci","scope":"read"}"#.to_owned() };
    shell.answer(&mut fixture, token).unwrap();
    assert_eq!(shell.done, ["ask shard 0", "make a token", "fix the number of shards"]);
    shell.done.clear();
    assert_refused(shell.answer(&mut fixture, change(1, "[]")), Code::InvalidRequest, "object", "refused");
    assert_eq!(shell.done, ["ask shard 0"], "what is refused fixes nothing");
}

#[test]
fn another_deployment_is_refused_and_the_log_says_why() {
    let (mut fixture, mut shell) = fixture();
    fixture.deployment.shards = Shards::new(5).unwrap();
    for request in [get(1), create(SHOP), DirectoryRequest::Tokens] {
        let refused = shell.answer(&mut fixture, request);
        assert_refused(refused, Code::Unavailable, "this deployment was made with 4", "5 shards");
        let faults = fixture.memory.take_effects().faults;
        assert!(faults.iter().any(|fault| fault.to_string().contains("made with 4")), "{faults:?}");
    }
    assert_eq!(shell.done, [""; 0]);
}

#[test]
fn a_change_sets_the_alarm_before_it_is_pushed_and_is_answered_202_until_all_have_confirmed() {
    let (mut fixture, mut shell) = fixture();
    shell.confirmed = 3;
    let mut step = begin(&mut fixture, create(SHOP)).unwrap();
    while !matches!(step, Step::Push { .. }) {
        assert_eq!(fixture.memory.take_effects().alarm, None, "nothing is stored yet");
        step = shell.take(&mut fixture, step).unwrap();
    }
    assert_eq!(fixture.memory.take_effects().alarm, Some(fixture.now.plus_seconds(5)));
    let answer = shell.finish(&mut fixture, step).unwrap();
    let secret = EndpointSecret::from_bytes([1; 32]).reveal();
    let shown = json_of(&answer);
    assert_eq!((answer.status, &shown["applied"], &shown["shards"]), (202, &json!(3), &json!(4)));
    assert_eq!(shown["secret"], json!(*secret), "it is shown this once");
    assert!(settings::has_unconfirmed(fixture.db()).unwrap());

    shell.confirmed = 4;
    let context = Context { db: &fixture.db, now: fixture.now, deployment: &fixture.deployment };
    fixture.memory.begin_alarm();
    let run = fixture.memory.run_alarm(&context).unwrap();
    shell.finish(&mut fixture, run).unwrap();
    assert!(!settings::has_unconfirmed(fixture.db()).unwrap());
}

#[test]
fn a_restored_directory_pushes_again_where_a_shard_has_newer_settings() {
    let (mut fixture, mut shell) = fixture();
    shell.in_force = 10;
    let answer = shell.answer(&mut fixture, create(SHOP)).unwrap();
    assert_eq!((answer.status, &json_of(&answer)["applied"]), (202, &json!(0)));
    assert_eq!(settings::version(fixture.db()).unwrap(), 11);
    let faults = fixture.memory.take_effects().faults;
    assert!(faults.iter().any(|fault| fault.to_string().contains("it was restored")), "{faults:?}");
}

#[test]
fn the_hourly_sweep_finds_settings_that_a_restored_directory_or_a_restored_shard_does_not_have() {
    // The settings are version 2, which all shards have confirmed. What the shards have at the sweep, the version then, and
    // whether it is pushed again.
    for (oldest, newest, version, is_pushed) in [
        (Some(2), Some(2), 2, false),
        (None, None, 2, false),
        (Some(7), Some(7), 8, true),
        (Some(0), Some(2), 2, true),
        (Some(1), Some(7), 8, true),
    ] {
        let (mut fixture, mut shell) = fixture();
        shell.answer(&mut fixture, create(SHOP)).unwrap();
        shell.answer(&mut fixture, create(SHOP)).unwrap();
        fixture.memory.take_effects();
        fixture.memory.begin_alarm();
        shell.done.clear();
        let report =
            SweepReport { oldest_settings: oldest, newest_settings: newest, ..SweepReport::default() };
        shell.answer(&mut fixture, DirectoryRequest::Sweep(report)).unwrap();
        let (effects, again) = (fixture.memory.take_effects(), fixture.now.plus_seconds(5));
        assert_eq!(settings::version(fixture.db()).unwrap(), version, "{report:?}");
        // Each of the five versions that were forgotten may have been an endpoint.
        let next = if version > 2 { 8 } else { 3 };
        assert_eq!(endpoints::take_number(fixture.db()).unwrap(), next, "{report:?}");
        assert_eq!(effects.alarm, is_pushed.then_some(again), "{report:?}");
        assert_eq!(effects.faults.len(), usize::from(version > 2), "{report:?}: {:?}", effects.faults);
        let context = Context { db: &fixture.db, now: fixture.now, deployment: &fixture.deployment };
        let run = fixture.memory.run_alarm(&context).unwrap();
        shell.finish(&mut fixture, run).unwrap();
        assert_eq!(shell.done, if is_pushed { &["push"][..] } else { &[] }, "{report:?}");
    }
}

#[test]
fn what_comes_between_the_steps_of_a_request_is_seen() {
    let (mut fixture, mut shell) = fixture();
    for _ in 0..19 {
        shell.answer(&mut fixture, create(SHOP)).unwrap();
    }
    let slow = begin(&mut fixture, create(SHOP)).unwrap();
    let slow = shell.take(&mut fixture, slow).unwrap();
    assert!(matches!(slow, Step::MakeSecret { .. }), "it was drafted");
    shell.answer(&mut fixture, create(SHOP)).unwrap();
    let refused = shell.finish(&mut fixture, slow);
    assert_refused(refused, Code::Conflict, "there are 20 endpoints", "another took the last place");

    let slow = begin(&mut fixture, rotate(1)).unwrap();
    shell.answer(&mut fixture, rotate(1)).unwrap();
    let refused = shell.finish(&mut fixture, slow);
    assert_refused(refused, Code::Conflict, "is being rotated by another request", "another was faster");

    let (same, other) = ("https://shop.example/moved", "https://other.example/hook");
    for (url, body, is_taken) in [
        (same, r#"{"headers":{"x-api-key":"of shop"},"auth":null}"#, true),
        (other, r#"{"headers":{"x-api-key":"of shop"}}"#, false),
        (other, r#"{"auth":{"type":"bearer","token":"of-shop"}}"#, false),
        (other, r#"{"url":"https://shop.example/hook","headers":{"x-api-key":"of shop"}}"#, true),
    ] {
        let moved = |url: &str| change(1, &json!({ "url": url, "headers": null, "auth": null }).to_string());
        shell.answer(&mut fixture, moved("https://shop.example/hook")).unwrap();
        let slow = begin(&mut fixture, change(1, body)).unwrap();
        shell.answer(&mut fixture, moved(url)).unwrap();
        let changed = shell.finish(&mut fixture, slow);
        if is_taken {
            assert_eq!(changed.unwrap().status, 200, "{body}");
        } else {
            assert_refused(changed, Code::Conflict, "another origin by another request", body);
        }
    }

    let slow = begin(&mut fixture, change(1, r#"{"paused":true}"#)).unwrap();
    shell.answer(&mut fixture, DirectoryRequest::Delete { kind: EndpointKind::Tasks, endpoint: 1 }).unwrap();
    assert_refused(shell.finish(&mut fixture, slow), Code::NotFound, "no endpoint of this id", "deleted");
}

#[test]
fn what_comes_between_while_shard_0_is_asked_is_seen() {
    type Request = fn() -> DirectoryRequest;
    let range = || {
        let input = r#"{"endpoint":"ep_1","which":"all"}"#.to_owned();
        DirectoryRequest::Replay { input, key: Some("a key".to_owned()) }
    };
    let (pause, delete) = (
        || change(1, r#"{"paused":true}"#),
        || DirectoryRequest::Delete { kind: EndpointKind::Tasks, endpoint: 1 },
    );
    let cancel = || DirectoryRequest::CancelReplay { id: format!("rpl_{}", "07".repeat(8)) };
    // A request, what others do while it is stopped, how often, and how it is answered then.
    type Row = (&'static str, Request, Request, usize, Result<u16, &'static str>);
    let rows: [Row; 6] = [
        ("the last place is taken", || create(SHOP), || create(SHOP), 19, Err("there are 20 endpoints")),
        ("its secret was rotated", || rotate(1), || rotate(1), 1, Err("rotated by another request")),
        ("it was deleted", pause, delete, 1, Err("no endpoint of this id")),
        ("its endpoint was deleted", range, delete, 1, Err("no endpoint of this id")),
        ("the same range was begun", range, range, 1, Ok(202)),
        ("it was cancelled", cancel, cancel, 1, Ok(200)),
    ];
    for (why, request, other, times, answered) in rows {
        let (mut fixture, mut shell) = (Fixture::new(), Shell::new());
        shell.shard_zero = None;
        shell.answer(&mut fixture, create(SHOP)).unwrap();
        if matches!(request(), DirectoryRequest::CancelReplay { .. }) {
            shell.answer(&mut fixture, range()).unwrap();
        }
        let mut slow = begin(&mut fixture, request()).unwrap();
        while !matches!(slow, Step::AskShardZero { question: ShardRequest::Topology, .. }) {
            slow = shell.take(&mut fixture, slow).unwrap();
        }
        for _ in 0..times {
            shell.answer(&mut fixture, other()).unwrap();
        }
        let version = settings::version(fixture.db()).unwrap();
        match (shell.finish(&mut fixture, slow), answered) {
            (Ok(answer), Ok(status)) => assert_eq!(answer.status, status, "{why}"),
            (Err(Failure::Refused(refusal)), Err(words)) => {
                assert!(refusal.message.contains(words), "{why}: {}", refusal.message)
            }
            (answer, _) => panic!("{why}: {:?}", answer.map(|answer| answer.json)),
        }
        assert_eq!(settings::version(fixture.db()).unwrap(), version, "{why}: nothing more is stored");
    }
}

#[test]
fn a_range_is_begun_and_cancelled_while_a_shard_can_not_be_asked() {
    let (mut fixture, mut shell) = fixture();
    shell.answer(&mut fixture, create(SHOP)).unwrap();
    let range = |key: &str, dry_run: bool| DirectoryRequest::Replay {
        input: json!({ "endpoint": "ep_1", "dry_run": dry_run, "which": "all" }).to_string(),
        key: Some(key.to_owned()),
    };
    let id = || format!("rpl_{}", "07".repeat(8));
    shell.shards = None;
    for (request, cancelled) in [
        (range("a", false), false),
        (range("a", false), false),
        (DirectoryRequest::CancelReplay { id: id() }, true),
        (DirectoryRequest::CancelReplay { id: id() }, true),
    ] {
        let answer = shell.answer(&mut fixture, request).unwrap();
        let shown = json_of(&answer);
        assert_eq!((answer.status, &shown["done"]), (202, &json!(false)), "{shown}");
        assert_eq!((&shown["replay_id"], &shown["cancelled"]), (&json!(id()), &json!(cancelled)), "{shown}");
    }
    for request in [range("b", true), DirectoryRequest::Progress { id: id() }] {
        let refused = shell.answer(&mut fixture, request);
        assert_refused(refused, Code::Unavailable, "a shard does not answer", "what only shards know");
    }
}

#[test]
fn a_token_is_found_though_its_use_can_not_be_noted() {
    let (mut fixture, mut shell) = fixture();
    let token = DirectoryRequest::CreateToken { input: r#"{"name":"ci","scope":"read"}"#.to_owned() };
    let id = json_of(&shell.answer(&mut fixture, token).unwrap())["id"].as_str().unwrap().to_owned();
    let full = "CREATE TRIGGER full BEFORE UPDATE ON tokens BEGIN SELECT RAISE(ABORT, 'full'); END";
    fixture.sqlite().run(full, &[]).unwrap();
    fixture.memory.take_effects();
    let found = shell.answer(&mut fixture, DirectoryRequest::FindToken { id }).unwrap();
    assert_eq!(json_of(&found)["name"], "ci");
    let faults = fixture.memory.take_effects().faults;
    assert!(faults[0].to_string().contains("the use of a token is not noted"), "{faults:?}");
}

#[test]
fn secrets_that_can_not_be_opened_fail_a_look_and_no_change() {
    let (mut fixture, mut shell) = fixture();
    shell.opens = false;
    assert_eq!(shell.answer(&mut fixture, create(SHOP)).unwrap().status, 201);
    assert_eq!(shell.answer(&mut fixture, rotate(1)).unwrap().status, 200);
    for request in [get(1), DirectoryRequest::List { kind: EndpointKind::Tasks }] {
        assert!(matches!(shell.answer(&mut fixture, request), Err(Failure::Fault(_))));
    }
    fixture.pass(DAY);
    for _ in 0..2 {
        shell.done.clear();
        shell.answer(&mut fixture, DirectoryRequest::Secrets).unwrap();
        assert_eq!(shell.done, ["seal Vtryon's secrets"], "each request tries again");
    }
}

#[test]
fn an_endpoint_of_the_other_kind_is_not_found() {
    let (mut fixture, mut shell) = fixture();
    let no = fixture.register_of(EndpointKind::Alerts, SHOP);
    for request in [get(no), change(no, "{}"), rotate(no)] {
        let refused = shell.answer(&mut fixture, request);
        assert_refused(refused, Code::NotFound, "no endpoint of this id", no);
    }
    assert_eq!(shell.done, [""; 0]);
}

#[test]
fn shards_are_asked_for_the_health_of_an_endpoint_only_where_it_matters() {
    let failing = r#"{"failing_since":1,"succeeded_at":null,"consecutive_410":0}"#;
    let healthy = r#"{"failing_since":null,"succeeded_at":1767225600000,"consecutive_410":0}"#;
    // The last field is how many changes came since the settings of the shard that reports.
    let rows: [(&str, &str, bool, &[&str], i64); 5] = [
        ("gone", healthy, true, &["push"], 0),
        ("failing", failing, true, &["ask the shards", "push"], 0),
        ("failing", failing, false, &[], 1),
        ("failing", healthy, false, &["ask the shards"], 0),
        ("a newer reason", failing, false, &[], 0),
    ];
    for (reason, shards, is_disabled, steps, changes) in rows {
        let (mut fixture, mut shell) = fixture();
        shell.shards = Some(shards);
        shell.answer(&mut fixture, create(SHOP)).unwrap();
        shell.done.clear();
        let settings_version = settings::version(fixture.db()).unwrap() - changes;
        let unhealthy = UnhealthyEndpoint { endpoint: 1, reason: reason.to_owned(), settings_version };
        shell.answer(&mut fixture, DirectoryRequest::ReportUnhealthy(unhealthy)).unwrap();
        assert_eq!(!fixture.find(1).endpoint.options.enabled, is_disabled, "{reason}");
        assert_eq!(fixture.memory.take_effects().log.len(), usize::from(is_disabled), "{reason}");
        assert_eq!(shell.done, steps, "{reason}");
        if is_disabled {
            let settings_version = settings::version(fixture.db()).unwrap();
            let again = UnhealthyEndpoint { endpoint: 1, reason: "failing".to_owned(), settings_version };
            shell.answer(&mut fixture, DirectoryRequest::ReportUnhealthy(again)).unwrap();
            assert_eq!(shell.done, steps, "{reason}: it is disabled already");
        }
    }
}

#[test]
fn the_alarm_sends_an_alert_until_a_shard_has_stored_it() {
    let (mut fixture, mut shell) = fixture();
    fixture.register_of(EndpointKind::Alerts, r#"{"url":"https://ops.example/alerts"}"#);
    let token = DirectoryRequest::CreateToken { input: r#"{"name":"ci","scope":"admin"}"#.to_owned() };
    shell.answer(&mut fixture, token).unwrap();
    for (stores_alerts, steps) in
        [(false, &["push", "store an alert"][..]), (true, &["store an alert"]), (true, &[])]
    {
        shell.done.clear();
        shell.stores_alerts = stores_alerts;
        let context = Context { db: &fixture.db, now: fixture.now, deployment: &fixture.deployment };
        fixture.memory.begin_alarm();
        let run = fixture.memory.run_alarm(&context).unwrap();
        let done = shell.finish(&mut fixture, run);
        assert_eq!((done.is_ok(), &shell.done[..]), (stores_alerts, steps));
    }
    assert!(alerts::queue(&fixture.context()).unwrap().is_empty());
}
