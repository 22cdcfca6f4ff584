//! Compiles valgrind's macros into a function that Rust can call.

fn main() {
    println!("cargo::rerun-if-changed=src/valgrind.c");
    #[cfg(feature = "valgrind")]
    cc::Build::new().file("src/valgrind.c").compile("valgrind-requests");
}
