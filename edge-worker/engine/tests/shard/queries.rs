//! What is read of a shard.

mod listings;
mod metrics;
mod stalled;
