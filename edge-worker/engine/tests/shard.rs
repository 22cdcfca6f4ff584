//! A shard over SQLite: what it decides, stores and asks for. Nothing here needs a platform.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "that is how a test fails"
)]

#[path = "shard/alerts.rs"]
mod alerts;
#[path = "shard/compiled.rs"]
mod compiled;
#[path = "shard/conditions.rs"]
mod conditions;
#[path = "shard/documents.rs"]
mod documents;
#[path = "shard/erasure.rs"]
mod erasure;
#[path = "shard/health.rs"]
mod health;
#[path = "shard/import.rs"]
mod import;
#[path = "shard/imported_erasures.rs"]
mod imported_erasures;
#[path = "shard/leases.rs"]
mod leases;
#[path = "shard/life.rs"]
mod life;
#[path = "shard/limits.rs"]
mod limits;
#[path = "shard/live.rs"]
mod live;
#[path = "shard/log.rs"]
mod log;
#[path = "shard/metrics.rs"]
mod metrics;
#[path = "shard/order.rs"]
mod order;
#[path = "shard/paused.rs"]
mod paused;
#[path = "shard/plans.rs"]
mod plans;
#[path = "shard/quarantine.rs"]
mod quarantine;
#[path = "shard/queries.rs"]
mod queries;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "shard/replays.rs"]
mod replays;
#[path = "shard/retention.rs"]
mod retention;
#[path = "shard/schedule.rs"]
mod schedule;
#[path = "shard/stalled.rs"]
mod stalled;
#[path = "shard/statements.rs"]
mod statements;
#[path = "shard/store.rs"]
mod store;
#[path = "shard/support.rs"]
mod support;
#[path = "shard/tombstones.rs"]
mod tombstones;
