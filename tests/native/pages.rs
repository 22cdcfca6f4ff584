//! What the pages show of Rust is what is compiled.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

const PAGE: &str = include_str!("../../docs/guides/axum.md");
const EXAMPLE: &str = include_str!("../../core/examples/axum.rs");

#[test]
fn the_page_of_axum_shows_the_example() {
    let (_, rest) = PAGE.split_once("<!-- tested: axum -->\n```rust\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let (_header, example) = EXAMPLE.split_once("\n\nuse ").unwrap();
    assert_eq!(shown, format!("use {example}"));
}
