//! Verifies with a secret that valgrind holds for undefined. Memcheck then reports every branch and every address that
//! depends on it: what an attacker could measure. `check-flow.mjs` runs it, and says what may be reported.
//!
//! Usage: `secret-flow CASE`. The cases that begin with `leak-` are the controls: they must be reported.

use std::hint::black_box;
use std::process::ExitCode;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier};
use vtryon_webhooks::{Millis, Secret, Signature, Verifier};

use valgrind::{is_running, public, secret, without_reports};

const BODY: &[u8] = br#"{"event":"generation.status_changed","task_id":"task_123","status":"queued"}"#;
const CURRENT: &[u8] = b"whsec_bmluZXR5LWZpdmUgYnl0ZXMgb2Ygc2VjcmV0cw==";
const PREVIOUS: &[u8] = b"whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlIGV4YW1wbGU=";
const AT: i64 = 1_780_000_000;

fn main() -> ExitCode {
    if !is_running() {
        eprintln!("run it under valgrind: make secret-flow");
        return ExitCode::FAILURE;
    }
    match std::env::args().nth(1).as_deref() {
        Some("verify") => verify(),
        Some("verify-hashed") => verify_hashed(),
        Some("standard-webhooks") => standard_webhooks(),
        Some("token") => token(),
        Some("leak-token-result") => leak_token_result(),
        Some("leak-early-exit") => leak_early_exit(),
        Some("leak-table") => leak_table(),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

/// Vtryon's signature, against the current and the previous secret: wrong, by the first, by the second.
fn verify() {
    let verifier = without_reports(|| Verifier::new([unknown(CURRENT), unknown(PREVIOUS)])).unwrap();
    for signature in [wrong(), sign(CURRENT), sign(PREVIOUS)] {
        black_box(verifier.verify(BODY, &signature)).ok();
    }
}

/// The same where the host has hashed.
fn verify_hashed() {
    let current = unknown(CURRENT);
    let inner = without_reports(|| {
        Sha256::new().chain_update(current.inner_pad()).chain_update(BODY).finalize().into()
    });
    let verifier = without_reports(|| Verifier::new([current])).unwrap();
    for signature in [wrong(), sign(CURRENT)] {
        black_box(verifier.verify_hashed(BODY, &[inner], &signature)).ok();
    }
}

/// The gateway's signature, as a backend verifies it.
fn standard_webhooks() {
    let by = |key: [u8; 32]| EndpointSecret::from_bytes(key).signer().standard("evt_1", AT, BODY);
    let key = [7; 32];
    let (right, wrong) = (by(key), by([8; 32]));
    let text = EndpointSecret::from_bytes(key).reveal();
    let verifier = without_reports(|| MessageVerifier::new([unknown(text.as_bytes())])).unwrap();
    for signature in [right, wrong] {
        let headers =
            MessageHeaders::parse(b"evt_1", AT.to_string().as_bytes(), signature.as_bytes()).unwrap();
        black_box(verifier.verify(BODY, &headers, Millis(AT * 1000))).ok();
    }
}

/// A bearer token, such as the admin token.
fn token() {
    let token = unknown(CURRENT);
    for claim in [CURRENT, PREVIOUS, b"short"] {
        black_box(public(token.matches(claim)));
    }
}

/// Control: branches on the result of the comparison, without making it public. It shows that the result depends on the
/// secret for valgrind.
fn leak_token_result() {
    if unknown(CURRENT).matches(CURRENT) {
        black_box(CURRENT);
    }
}

/// Control: compares byte by byte, and stops at the first difference.
fn leak_early_exit() {
    let mut bytes = CURRENT.to_vec();
    secret(&mut bytes);
    let mac = Hmac::<Sha256>::new_from_slice(&bytes).unwrap().chain_update(BODY).finalize().into_bytes();
    black_box(mac.iter().zip([0; 32]).position(|(one, other)| *one != other));
}

/// Control: encodes the signature by a table, at positions that depend on it.
fn leak_table() {
    let key = without_reports(|| unknown(CURRENT).key());
    black_box(Signature::sign(&key, BODY).to_hex());
}

/// A secret that valgrind holds for undefined. `Secret::new` looks at its characters, to refuse quotes and blanks; that
/// is done once, when the secret is configured.
fn unknown(text: &[u8]) -> Secret {
    let mut bytes = text.to_vec();
    secret(&mut bytes);
    without_reports(|| Secret::new(bytes)).unwrap()
}

/// The signature that a request would have.
fn sign(text: &[u8]) -> Signature {
    Signature::sign(&Secret::new(text).unwrap().key(), BODY)
}

fn wrong() -> Signature {
    Signature::parse("ab".repeat(32).as_bytes()).unwrap()
}

/// Valgrind's requests.
#[allow(unsafe_code)]
mod valgrind {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        safe fn under_valgrind() -> c_int;
        safe fn disable_reports();
        safe fn enable_reports();
        fn mark_undefined(bytes: *const c_void, length: usize);
        fn mark_defined(bytes: *const c_void, length: usize);
    }

    pub(crate) fn is_running() -> bool {
        under_valgrind() != 0
    }

    /// From here on, the bytes and all that is computed from them are undefined to valgrind.
    pub(crate) fn secret(bytes: &mut [u8]) {
        // SAFETY: valgrind notes it in a memory of its own; the bytes stay as they are.
        unsafe { mark_undefined(bytes.as_ptr().cast(), bytes.len()) }
    }

    /// Makes a result public, so that the program may branch on it.
    pub(crate) fn public<T>(value: T) -> T {
        // SAFETY: as above.
        unsafe { mark_defined((&raw const value).cast(), size_of::<T>()) }
        value
    }

    /// Runs what may look at the secret.
    pub(crate) fn without_reports<T>(run: impl FnOnce() -> T) -> T {
        disable_reports();
        let value = run();
        enable_reports();
        value
    }
}
