//! A shard over SQLite: what it decides, stores and asks for. Nothing here needs a platform.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "that is how a test fails"
)]

mod conditions;
mod deliveries;
mod documents;
mod events;
mod full;
mod life;
mod live;
mod log;
mod queries;
#[path = "../support/recorder.rs"]
mod recorder;
mod retention;
mod sql;
mod support;
