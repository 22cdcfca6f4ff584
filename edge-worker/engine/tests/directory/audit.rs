//! The audit trail: which changes are recorded, for how long, and how it is read.

use serde_json::{Value, json};
use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::directory::settings::{self, SettingsChange};
use vtryon_gateway_engine::directory::{audit, secrets, tokens};
use vtryon_gateway_engine::protocol::AuditedRequest;
use vtryon_webhooks::Code;

use crate::fixture::{DAY, Fixture, assert_refused};
use crate::tokens::{create_by, new_token};

fn by(actor: Actor, operation: &str) -> AuditedRequest {
    AuditedRequest { actor, operation: operation.to_owned(), address: Some("192.0.2.1".to_owned()) }
}

fn page(fixture: &Fixture, cursor: Option<&str>, limit: u32) -> Value {
    serde_json::to_value(audit::page(fixture.db(), cursor, limit).unwrap()).unwrap()
}

/// Returns the targets of a page, and its cursor.
fn targets(page: &Value) -> (Vec<&str>, Option<&str>) {
    let records = page["records"].as_array().unwrap();
    (records.iter().map(|record| record["target"].as_str().unwrap()).collect(), page["cursor"].as_str())
}

fn record(fixture: &Fixture, target: &str) {
    audit::record(
        &fixture.context(),
        Some(&by(Actor::Root, "POST /api/deliveries/{delivery_id}/replay")),
        target,
    )
    .unwrap();
}

#[test]
fn a_record_says_who_has_changed_what_when_and_from_where() {
    let fixture = Fixture::new();
    let token = Actor::Token { id: "tok_1".to_owned(), name: "ci".to_owned() };
    let rows = [
        (Actor::Root, json!({ "kind": "root" })),
        (token, json!({ "kind": "token", "id": "tok_1", "name": "ci" })),
        (
            Actor::Access { name: "a@b.example".to_owned() },
            json!({ "kind": "access", "name": "a@b.example" }),
        ),
    ];
    for (actor, shown) in rows {
        audit::record(&fixture.context(), Some(&by(actor, "PATCH /api/endpoints/{endpoint_id}")), "ep_1")
            .unwrap();
        let expected = json!({
            "at": "2026-01-01T00:00:00.000Z",
            "actor": shown,
            "operation": "PATCH /api/endpoints/{endpoint_id}",
            "target": "ep_1",
            "address": "192.0.2.1",
        });
        assert_eq!(page(&fixture, None, 1)["records"], json!([expected]));
    }
}

#[test]
fn every_change_that_the_directory_makes_is_recorded_with_its_target() {
    let fixture = Fixture::new();
    let request = by(Actor::Root, "any");
    let request = Some(&request);
    let no = fixture.register(r#"{"url":"https://shop.example/hook"}"#);
    assert_eq!(
        targets(&page(&fixture, None, 100)),
        (vec![], None),
        "nobody has asked for it through the API"
    );
    let record = fixture.find(no);
    settings::commit(&fixture.context(), &SettingsChange::Put(&record), request).unwrap();
    settings::commit(&fixture.context(), &SettingsChange::Delete { endpoint: no }, request).unwrap();
    create_by(&fixture, r#"{"name":"ci","scope":"read"}"#, &new_token(1), request).unwrap();
    tokens::revoke(&fixture.context(), &new_token(1).id, request).unwrap();
    secrets::remember(&fixture.context(), "former", b"sealed").unwrap();
    secrets::purge(&fixture.context(), "former", request).unwrap();
    let expected = vec!["former", "tok_0101010101010101", "tok_0101010101010101", "ep_1", "ep_1"];
    assert_eq!(targets(&page(&fixture, None, 100)), (expected, None));
}

#[test]
fn what_is_refused_is_not_recorded() {
    let fixture = Fixture::new();
    let request = by(Actor::Root, "any");
    assert!(create_by(&fixture, "{}", &new_token(1), Some(&request)).is_err());
    assert!(tokens::revoke(&fixture.context(), "tok_1", Some(&request)).is_err());
    assert!(secrets::purge(&fixture.context(), "unknown", Some(&request)).is_err());
    assert_eq!(targets(&page(&fixture, None, 100)), (vec![], None));
}

#[test]
fn pages_lead_from_the_latest_record_to_the_first() {
    let fixture = Fixture::new();
    for nth in 1..=5 {
        record(&fixture, &format!("{nth}"));
    }
    let first = page(&fixture, None, 2);
    assert_eq!(targets(&first), (vec!["5", "4"], Some("4")));
    record(&fixture, "6");
    let second = page(&fixture, targets(&first).1, 2);
    assert_eq!(targets(&second), (vec!["3", "2"], Some("2")));
    assert_eq!(targets(&page(&fixture, targets(&second).1, 2)), (vec!["1"], None));
    assert_eq!(targets(&page(&fixture, None, 6)).1, None, "no cursor leads to an empty page");
    for cursor in ["", "0", "x", "-1", "01", "1.5", "9000000000000000"] {
        let refused = audit::page(fixture.db(), Some(cursor), 2);
        assert_refused(refused, Code::InvalidRequest, "`cursor`", cursor);
    }
}

#[test]
fn records_are_kept_for_the_retention_and_bounded() {
    let mut fixture = Fixture::new();
    record(&fixture, "old");
    fixture.pass(30 * DAY);
    record(&fixture, "new");
    assert_eq!(targets(&page(&fixture, None, 100)).0, ["new", "old"], "30 days are the retention");
    fixture.pass(1);
    record(&fixture, "newer");
    assert_eq!(targets(&page(&fixture, None, 100)).0, ["newer", "new"]);
    fixture.pass(60 * DAY);
    audit::expire(&fixture.context()).unwrap();
    assert_eq!(targets(&page(&fixture, None, 100)).0, [""; 0], "the sweep deletes the last ones");

    for nth in 0..=audit::MAX_RECORDS {
        record(&fixture, &format!("{nth}"));
    }
    let count = fixture.sqlite().first("SELECT COUNT(*) FROM audit", &[], |row| row.int()).unwrap();
    assert_eq!(count, Some(audit::MAX_RECORDS));
}

#[test]
fn an_import_is_recorded_once_an_hour_for_each_that_imports() {
    let mut fixture = Fixture::new();
    let import = |fixture: &Fixture, actor: Actor| {
        audit::record_import(&fixture.context(), Some(&by(actor, "POST /api/import"))).unwrap();
    };
    let token = || Actor::Token { id: "tok_1".to_owned(), name: "ci".to_owned() };
    // after how many minutes, who imports, how many records there are then
    let rows = [
        (0, Actor::Root, 1),
        (59, Actor::Root, 1),
        (0, token(), 2),
        (2, Actor::Root, 3),
        (0, Actor::Root, 3),
    ];
    for (minutes, actor, records) in rows {
        fixture.now = fixture.now.plus_seconds(minutes * 60);
        import(&fixture, actor);
        let page = page(&fixture, None, 10);
        assert_eq!(targets(&page).0, vec!["events"; records]);
    }
}
