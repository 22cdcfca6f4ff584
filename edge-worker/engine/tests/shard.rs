//! A shard over SQLite: what it decides, stores and asks for. Nothing here needs a platform.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "that is how a test fails"
)]

#[path = "shard/live.rs"]
mod live;
#[path = "shard/plans.rs"]
mod plans;
#[path = "shard/store.rs"]
mod store;
#[path = "shard/support.rs"]
mod support;
