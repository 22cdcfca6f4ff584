//! A shard's statistics by minute.

use serde::{Deserialize, Serialize};

/// So many of something in a minute: the minute's number, what it was, how many.
pub type Count = (u32, String, u64);

/// So many deliveries that took so long, in milliseconds at most: the minute's number, the bound, how many.
pub type LatencyBucket = (u32, i64, u64);

/// What a shard counts from its rows.
#[derive(Default, Serialize, Deserialize)]
pub struct Stats {
    /// Events by their outcome.
    #[serde(default)]
    pub events: Vec<Count>,
    /// Deliveries of these events by their state.
    #[serde(default)]
    pub deliveries: Vec<Count>,
    #[serde(default)]
    pub latency: Vec<LatencyBucket>,
    /// How long storing took as the Workers saw it, since this instance has started: bounds in milliseconds, and
    /// how often.
    #[serde(default)]
    pub commits: Vec<(i64, u64)>,
    pub slowest_commit: Option<i64>,
    /// What there is to do for the endpoint that was asked for.
    #[serde(default)]
    pub load: EndpointLoad,
    /// Whether there was more than is looked at.
    #[serde(default)]
    pub truncated: bool,
}

/// What a shard has to do for an endpoint.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointLoad {
    /// How many attempts are in progress, as far as the instance knows.
    pub in_flight: u64,
    /// How many deliveries are due and not attempted yet, as far as they are counted.
    pub due: u64,
}

/// The bounds that spans of time are sorted by, in milliseconds.
pub const BOUNDS: [i64; 18] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 600_000, 3_600_000,
    86_400_000,
];

/// Returns the bound of a span of time.
pub fn bound(millis: i64) -> i64 {
    let [.., last] = BOUNDS;
    BOUNDS.into_iter().find(|bound| millis <= *bound).unwrap_or(last)
}
