//! The vectors, run natively by `cargo test`, and in Node and a browser by `wasm-pack test`.

#![allow(clippy::panic, reason = "that is how a test fails")]

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Reports all that differs; a file with fewer vectors than it ever had is not accepted either.
fn hold((count, differing): (usize, Vec<String>), least: usize) {
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
    assert!(count >= least, "only {count} vectors, there were {least}");
}

#[test]
fn secrets() {
    hold(vtryon_webhooks_tests::check_secrets(), 111);
}

#[test]
fn signatures() {
    hold(vtryon_webhooks_tests::check_signatures(), 250);
}

#[test]
fn standard_webhooks() {
    hold(vtryon_webhooks_tests::check_standard_webhooks(), 137);
}

#[test]
fn events() {
    hold(vtryon_webhooks_tests::check_events(), 105);
}

#[test]
fn lifecycles() {
    hold(vtryon_webhooks_tests::check_lifecycles(), 34);
}

#[test]
fn shards() {
    hold(vtryon_webhooks_tests::check_shards(), 22);
}

#[test]
fn retries() {
    hold(vtryon_webhooks_tests::check_retries(), 63);
}

#[test]
fn health() {
    hold(vtryon_webhooks_tests::check_health(), 30);
}

#[test]
fn endpoints() {
    hold(vtryon_webhooks_tests::check_endpoints(), 220);
}

#[test]
fn deliveries() {
    hold(vtryon_webhooks_tests::check_deliveries(), 33);
}

#[test]
fn diagnoses() {
    hold(vtryon_webhooks_tests::check_diagnoses(), 106);
}
