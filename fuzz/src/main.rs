//! libFuzzer around one target, which the variable `FUZZ_TARGET` names. `scripts/fuzz` builds and runs it.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(init: vtryon_webhooks_fuzz::write_seeds(), |input: &[u8]| {
    (vtryon_webhooks_fuzz::chosen().check)(input);
});

#[cfg(not(fuzzing))]
fn main() {
    println!("make fuzz TARGET=event SECONDS=60");
}
