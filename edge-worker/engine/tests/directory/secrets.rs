//! Vtryon's secrets: which are remembered and for how long, and which are tried on a sample.

use serde_json::{Value, json};
use vtryon_gateway_engine::directory::secrets::keyring::{Keyring, MAX_CANDIDATES};
use vtryon_gateway_engine::directory::{endpoints, secrets};
use vtryon_webhooks::Code;
use vtryon_webhooks::diagnosis::SecretKind;
use zeroize::Zeroizing;

use crate::fixture::{DAY, Fixture, assert_refused};

/// Remembers the configured secrets, as the shell does when they are due; returns which were sealed.
fn remember(fixture: &mut Fixture) -> Vec<String> {
    let mut sealed = Vec::new();
    if fixture.memory.secrets_are_due(fixture.now) {
        for (fingerprint, is_due) in secrets::to_seal(&fixture.context()).unwrap() {
            if is_due {
                secrets::remember(&fixture.context(), &fingerprint, b"sealed").unwrap();
                sealed.push(fingerprint);
            }
        }
        secrets::forget_old(&fixture.context()).unwrap();
        fixture.memory.note_secrets(fixture.now);
    }
    sealed
}

fn fingerprints(fixture: &Fixture) -> Vec<String> {
    fixture.deployment.fingerprints()
}

fn states(fixture: &Fixture) -> Vec<(String, String)> {
    let list = serde_json::to_value(secrets::list(&fixture.context()).unwrap()).unwrap();
    let text = |view: &Value, name: &str| view[name].as_str().unwrap().to_owned();
    let views = list["secrets"].as_array().unwrap().iter();
    views.map(|view| (text(view, "fingerprint"), text(view, "state"))).collect()
}

#[test]
fn configured_secrets_are_sealed_once_in_half_an_hour() {
    let mut fixture = Fixture::with_secrets(&["whsec_b", "whsec_a"]);
    let both = fingerprints(&fixture);
    assert_eq!(remember(&mut fixture), both);
    assert_eq!(remember(&mut fixture), [""; 0]);
    fixture.pass(1799);
    fixture.memory = vtryon_gateway_engine::directory::Directory::open(&fixture.db).unwrap();
    assert_eq!(remember(&mut fixture), [""; 0], "another instance has done it");
    fixture.pass(1);
    assert!(!fixture.memory.secrets_are_due(fixture.now), "this one has seen to it");
    fixture.pass(1799);
    assert_eq!(remember(&mut fixture), both);
}

#[test]
fn a_secret_that_was_replaced_is_remembered_for_90_days() {
    let mut fixture = Fixture::with_secrets(&["whsec_a"]);
    let a = fingerprints(&fixture).remove(0);
    remember(&mut fixture);
    fixture.configure(&["whsec_b", "whsec_a"]);
    let b = fingerprints(&fixture).remove(0);
    fixture.pass(DAY);
    remember(&mut fixture);
    let mut found = states(&fixture);
    found.sort_by_key(|(_, state)| state.clone());
    assert_eq!(found, [(b.clone(), "current".to_owned()), (a.clone(), "previous".to_owned())]);

    fixture.configure(&["whsec_b"]);
    let tried = |fixture: &Fixture| {
        let retired = secrets::retired(&fixture.context()).unwrap();
        retired.into_iter().map(|known| known.fingerprint).collect::<Vec<_>>()
    };
    assert_eq!(tried(&fixture), std::slice::from_ref(&a));
    fixture.pass(90 * DAY);
    assert_eq!(tried(&fixture), std::slice::from_ref(&a));
    assert_eq!(states(&fixture).len(), 2);
    fixture.pass(1);
    assert_eq!(tried(&fixture), [""; 0]);
    assert_eq!(states(&fixture), [(b.clone(), "current".to_owned())]);
    remember(&mut fixture);
    let purged = secrets::purge(&fixture.context(), &a, None);
    assert_refused(purged, Code::NotFound, "no secret of this fingerprint is remembered", "it is deleted");
}

#[test]
fn ten_secrets_that_were_replaced_are_remembered() {
    let mut fixture = Fixture::new();
    for nth in 0..13 {
        fixture.configure(&[&format!("whsec_{nth}")]);
        fixture.pass(DAY);
        remember(&mut fixture);
    }
    assert_eq!(secrets::retired(&fixture.context()).unwrap().len(), 10);
    assert_eq!(states(&fixture).len(), 11);
    assert_eq!(states(&fixture)[0].1, "current");
}

#[test]
fn only_a_former_secret_is_deleted() {
    let mut fixture = Fixture::with_secrets(&["whsec_b", "whsec_a"]);
    let all = fingerprints(&fixture);
    remember(&mut fixture);
    for fingerprint in &all {
        let purged = secrets::purge(&fixture.context(), fingerprint, None);
        assert_refused(purged, Code::Conflict, "this secret is configured: take it out of", fingerprint);
    }
    fixture.configure(&["whsec_b"]);
    let purged = secrets::purge(&fixture.context(), &all[1], None).unwrap();
    let expected = json!({
        "fingerprint": all[1],
        "state": "former",
        "first_seen_at": "2026-01-01T00:00:00.000Z",
        "last_seen_at": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(serde_json::to_value(purged).unwrap(), expected);
    assert_eq!(states(&fixture).len(), 1);
}

fn clear() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(b"whsec_x".to_vec())
}

#[test]
fn endpoints_current_secrets_are_tried_before_previous_ones_as_long_as_there_is_room() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        let no = fixture.register(r#"{"url":"https://shop.example/hook"}"#);
        fixture.rotate(no, "").unwrap();
    }
    let mut keyring = Keyring::new([(SecretKind::Current, clear())].into_iter());
    keyring.add(SecretKind::Retired, Some(clear()));
    keyring.add(SecretKind::Retired, None);
    let tried = keyring.of_endpoints(fixture.db()).unwrap();
    assert_eq!(tried.len(), MAX_CANDIDATES - 2);
    let versions: Vec<_> = tried.iter().map(|(endpoint, secret)| (*endpoint, secret.version)).collect();
    let current = (1..=20).map(|endpoint| (endpoint, 2));
    assert_eq!(versions, current.chain((1..=3).map(|endpoint| (endpoint, 1))).collect::<Vec<_>>());
    assert_eq!((keyring.unopened, keyring.left_out), (1, 17));
    assert_eq!(keyring.candidates().len(), 2);
    assert_eq!(endpoints::all(fixture.db()).unwrap().len(), 20);
}
