//! Measures by the method of dudect whether verification takes longer for one class of inputs than for another.
//! `check-timing.mjs` runs it, and judges the statistic t of each measurement.
//!
//! Each function has two classes that an attacker would like to tell apart, in random order. Those that begin with
//! `leak_` are the controls: they must be told apart.

use std::hint::black_box;

use base64ct::{Base64, Encoding};
use dudect_bencher::rand::RngExt;
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier};
use vtryon_webhooks::{Millis, Secret, Signature, Verifier};

const SAMPLES: usize = 500_000;
const BODY: &[u8] = br#"{"event":"generation.status_changed","task_id":"task_123","status":"queued"}"#;
const SECRET: &[u8; 32] = b"the secret of this measurement..";
const AT: i64 = 1_780_000_000;

/// Times `run` for inputs of two classes in random order. All inputs are made before, and each is copied to the same place
/// and prepared there: a branch on the class just before, or another address, would change the time by itself.
fn compare<I: Copy, T, R>(
    runner: &mut CtRunner,
    rng: &mut BenchRng,
    mut input: impl FnMut(Class, &mut BenchRng) -> I,
    prepare: impl Fn(I) -> T,
    run: impl Fn(&T) -> R,
) {
    let inputs: Vec<(Class, I)> = (0..SAMPLES)
        .map(|_| {
            let class = if rng.random() { Class::Left } else { Class::Right };
            (class, input(class, rng))
        })
        .collect();
    for (class, input) in inputs {
        let prepared = prepare(black_box(input));
        runner.run_one(class, || black_box(run(black_box(&prepared))));
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().into()
}

/// A signature whose first byte (left) or last byte (right) is wrong. A comparison that stops early takes longer for the
/// second, and lets an attacker find a signature byte by byte.
fn nearly(mut right: [u8; 32], class: Class, rng: &mut BenchRng) -> [u8; 32] {
    let at = if matches!(class, Class::Left) { 0 } else { 31 };
    right[at] ^= rng.random_range(1..=255_u8);
    right
}

fn signature(bytes: [u8; 32]) -> Signature {
    Signature::parse(hex::encode(bytes).as_bytes()).unwrap()
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes).unwrap()
}

fn verify_wrong_byte(runner: &mut CtRunner, rng: &mut BenchRng) {
    let verifier = Verifier::new([secret(SECRET)]).unwrap();
    let right = mac(SECRET, BODY);
    let input = |class, rng: &mut _| nearly(right, class, rng);
    compare(runner, rng, input, signature, |signature| verifier.verify(BODY, signature).is_ok());
}

/// The same secret always (left), or another one each time (right).
fn verify_secret(runner: &mut CtRunner, rng: &mut BenchRng) {
    let wrong = signature([0xab; 32]);
    let input = |class, rng: &mut BenchRng| {
        let other = rng.random::<[u8; 32]>().map(|byte| b'a' + byte % 16);
        if matches!(class, Class::Left) { *SECRET } else { other }
    };
    let prepare = |bytes: [u8; 32]| Verifier::new([secret(&bytes)]).unwrap();
    compare(runner, rng, input, prepare, |verifier| verifier.verify(BODY, &wrong).is_ok());
}

fn verify_hashed_wrong_byte(runner: &mut CtRunner, rng: &mut BenchRng) {
    let prepared = secret(SECRET);
    let inner = [Sha256::new().chain_update(prepared.inner_pad()).chain_update(BODY).finalize().into()];
    let verifier = Verifier::new([prepared]).unwrap();
    let right = mac(SECRET, BODY);
    let input = |class, rng: &mut _| nearly(right, class, rng);
    compare(runner, rng, input, signature, |signature| {
        verifier.verify_hashed(BODY, &inner, signature).is_ok()
    });
}

fn standard_webhooks_wrong_byte(runner: &mut CtRunner, rng: &mut BenchRng) {
    let text = EndpointSecret::from_bytes(*SECRET).reveal();
    let verifier = MessageVerifier::new([secret(text.as_bytes())]).unwrap();
    let timestamp = AT.to_string();
    let right = mac(SECRET, &[format!("evt_1.{timestamp}.").as_bytes(), BODY].concat());
    let input = |class, rng: &mut _| nearly(right, class, rng);
    let prepare = |bytes: [u8; 32]| {
        let value = format!("v1,{}", Base64::encode_string(&bytes));
        MessageHeaders::parse(b"evt_1", timestamp.as_bytes(), value.as_bytes()).unwrap()
    };
    compare(runner, rng, input, prepare, |headers| verifier.verify(BODY, headers, Millis(AT * 1000)).is_ok());
}

fn token_wrong_byte(runner: &mut CtRunner, rng: &mut BenchRng) {
    let token = secret(SECRET);
    let input = |class, rng: &mut _| nearly(*SECRET, class, rng);
    compare(runner, rng, input, |claim| claim, |claim| token.matches(claim));
}

/// Control: the same as `verify_wrong_byte`, but the comparison stops at the first difference.
fn leak_early_exit(runner: &mut CtRunner, rng: &mut BenchRng) {
    let key = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    let right = mac(SECRET, BODY);
    let input = |class, rng: &mut _| nearly(right, class, rng);
    compare(
        runner,
        rng,
        input,
        |claim| claim,
        |claim| {
            let mac = key.clone().chain_update(BODY).finalize().into_bytes();
            mac.iter().zip(claim).all(|(one, other)| black_box(*one) == *other)
        },
    );
}

ctbench_main!(
    leak_early_exit,
    verify_wrong_byte,
    verify_secret,
    verify_hashed_wrong_byte,
    standard_webhooks_wrong_byte,
    token_wrong_byte
);
