//! The directory over SQLite: what it refuses, stores and returns. Nothing here needs a platform.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "that is how a test fails"
)]

mod alerts;
mod audit;
mod documents;
mod endpoints;
mod fixture;
mod life;
#[path = "../support/recorder.rs"]
mod recorder;
mod rejections;
mod replays;
mod requests;
mod secrets;
mod settings;
mod tokens;
mod topology;
