//! A life in which the directory does everything that it can.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::directory::replays::{self, Requested};
use vtryon_gateway_engine::directory::secrets::keyring::Keyring;
use vtryon_gateway_engine::directory::settings::{self, Applied, SettingsChange};
use vtryon_gateway_engine::directory::topology::{self, Purpose};
use vtryon_gateway_engine::directory::{Directory, alerts, audit, endpoints, rejections, secrets, tokens};
use vtryon_gateway_engine::protocol::AuditedRequest;
use vtryon_gateway_engine::protocol::SweepReport;
use vtryon_gateway_engine::protocol::directory::conditions::{Condition, ConditionKind, ConditionReport};
use vtryon_gateway_engine::protocol::settings::EndpointKind;
use vtryon_webhooks::diagnosis::SecretKind;
use zeroize::Zeroizing;

use crate::fixture::{DAY, Fixture};
use crate::rejections::{SECRET, hashed, misconfigured, noise, rejection};
use crate::tokens::{create_by, new_token};
use crate::topology::topology_of;

const SHOP: &str = r#"{"url":"https://shop.example/hook"}"#;

fn live() -> Fixture {
    let mut fixture = Fixture::new();
    let configured = topology_of(4, "", "");
    topology::check(fixture.db(), configured, Purpose::Change).unwrap();
    topology::record(fixture.db(), configured, Some("4")).unwrap();
    endpoints::check_room(fixture.db(), EndpointKind::Tasks).unwrap();
    let (no, deleted) = (fixture.register(SHOP), fixture.register(SHOP));
    fixture.change(no, r#"{"description":"a shop"}"#).unwrap();
    fixture.rotate(no, "{}").unwrap();
    ask_for_a_range(&fixture);
    remember_secrets(&fixture);
    use_tokens(&fixture);
    reject(&mut fixture);
    alert(&mut fixture, no);
    fixture.commit(&SettingsChange::Delete { endpoint: deleted });
    let version = settings::current(&fixture.context()).unwrap().version;
    settings::confirm(fixture.db(), version, Applied { applied: 4, shards: 4 }).unwrap();
    assert!(!settings::has_unconfirmed(fixture.db()).unwrap());
    fixture.memory.set_alarm(&fixture.db, fixture.now, 1).unwrap();
    assert_eq!(endpoints::all(fixture.db()).unwrap().len(), 2);
    fixture.memory = Directory::open(fixture.db()).unwrap();
    fixture
}

fn ask_for_a_range(fixture: &Fixture) {
    let ask =
        || replays::request(&fixture.context(), r#"{"endpoint":"ep_1"}"#, Some("key".to_owned()), [1; 8]);
    let Requested::New(new) = ask().unwrap() else { panic!("known before") };
    fixture.commit(&SettingsChange::Replay(&new));
    assert!(matches!(ask().unwrap(), Requested::Known(_)));
    replays::find(fixture.db(), &new.replay.id).unwrap();
    let cancelled = replays::cancel(fixture.db(), &new.replay.id).unwrap().unwrap();
    fixture.commit(&SettingsChange::ChangeReplay(&cancelled));
}

fn remember_secrets(fixture: &Fixture) {
    for (fingerprint, _) in secrets::to_seal(&fixture.context()).unwrap() {
        secrets::remember(&fixture.context(), &fingerprint, b"sealed").unwrap();
    }
    secrets::remember(&fixture.context(), "former", b"sealed").unwrap();
    secrets::purge(&fixture.context(), "former", None).unwrap();
}

fn use_tokens(fixture: &Fixture) {
    let context = fixture.context();
    let actor = Actor::Root;
    let request = AuditedRequest { actor, operation: "POST /api/tokens".to_owned(), address: None };
    let new = new_token(1);
    let body = r#"{"name":"ci","scope":"read"}"#;
    create_by(fixture, body, &new, Some(&request)).unwrap();
    tokens::list(&context).unwrap();
    assert!(tokens::find(&context, &new.id).unwrap().is_some());
    tokens::note_use(&context, &new.id).unwrap();
    tokens::revoke(&context, &new.id, Some(&request)).unwrap();
    audit::record_import(&context, Some(&request)).unwrap();
    audit::page(fixture.db(), None, 10).unwrap();
}

fn alert(fixture: &mut Fixture, no: i64) {
    fixture.register_of(EndpointKind::Alerts, SHOP);
    let kind = ConditionKind::DeliveryDead.as_str().to_owned();
    let condition = Condition { kind, endpoint: no, count: 1, at: fixture.now };
    let report = ConditionReport { conditions: vec![condition], ..ConditionReport::default() };
    alerts::report(&fixture.context(), &report).unwrap();
    let messages = alerts::queue(&fixture.context()).unwrap();
    assert!(!messages.is_empty());
    messages.iter().for_each(|message| alerts::confirm(fixture.db(), message).unwrap());
    fixture.pass(2 * DAY);
    alerts::sweep(&fixture.context(), SweepReport { has_stalled: Some(false), ..SweepReport::default() })
        .unwrap();
    assert!(alerts::list(&fixture.context()).unwrap().is_empty());
}

fn reject(fixture: &mut Fixture) {
    let mut keyring = Keyring::new([(SecretKind::Current, Zeroizing::new(SECRET.to_vec()))].into_iter());
    assert_eq!(keyring.of_endpoints(fixture.db()).unwrap().len(), 3);
    let now = fixture.now;
    let reported = [
        rejection("signature_mismatch", 2, noise(now), Some(hashed(now))),
        rejection("signature_mismatch", 1, misconfigured(now), None),
    ];
    for (is_diagnosed, rejection) in [false, true].into_iter().zip(reported) {
        let candidates = is_diagnosed.then(|| keyring.candidates());
        rejections::add(&fixture.context(), &[rejection], candidates.as_deref()).unwrap();
    }
    assert_eq!(rejections::all(fixture.db()).unwrap().len(), 1);
    fixture.pass(2 * DAY);
    rejections::expire(fixture.db(), fixture.now).unwrap();
}

/// Returns the statements of a life.
pub fn statements_of_life() -> &'static BTreeSet<&'static str> {
    static STATEMENTS: OnceLock<BTreeSet<&str>> = OnceLock::new();
    STATEMENTS.get_or_init(|| {
        let fixture = live();
        let statements = fixture.db.statements().into_iter().collect();
        // Its end would ask for what is returned here.
        std::mem::forget(fixture);
        statements
    })
}

/// What is compared is what the other tests reach, too: each of their fixtures looks for its statements in this life.
#[test]
fn every_statement_is_recorded() {
    live().db.write("directory");
}
