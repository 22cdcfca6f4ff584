//! What the gateway counts for `GET /api/metrics`: by shard, added up over all of them, and as text.

mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply;

/// The bounds of the buckets that attempts are sorted into by how long they took, in milliseconds. Above the last one
/// there is one more bucket.
pub const BOUNDS_MS: [i64; 7] = [100, 250, 500, 1000, 2500, 5000, 10_000];

/// What is counted, of one shard or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub open_tasks: i64,
    pub quarantined: i64,
    /// By the number of each registered endpoint.
    #[serde(with = "pairs")]
    pub endpoints: BTreeMap<i64, EndpointCounts>,
    /// Of endpoints that are deleted.
    pub deleted: EndpointCounts,
    pub totals: Totals,
    pub queued_broadcasts: u64,
    /// By how many milliseconds the work of the alarm is late.
    pub alarm_lag_ms: i64,
    /// What all shards store, and the one that stores most.
    pub storage_bytes: u64,
    pub largest_shard_bytes: u64,
}

/// The deliveries of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointCounts {
    pub is_active: bool,
    pub pending: i64,
    pub dead: i64,
    /// Since when the oldest of the pending deliveries is pending.
    pub oldest_pending: Option<Millis>,
}

/// What only ever grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Stored events, by name and outcome.
    #[serde(with = "pairs")]
    pub events: BTreeMap<(String, String), i64>,
    /// Attempts, by the number of their endpoint.
    #[serde(with = "pairs")]
    pub attempts: BTreeMap<i64, AttemptTotals>,
}

/// What became of an attempt, as metrics and the log name it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The endpoint took it, by a status from 200 to 299.
    Delivered,
    /// It was answered in another way.
    Refused,
    /// It was not answered: a timeout, a failed connection, a URL that is refused.
    Unanswered,
}

impl AttemptOutcome {
    pub fn of(status: Option<u16>) -> Self {
        match status.map(Reply::from_status) {
            Some(Reply::Delivered) => Self::Delivered,
            Some(Reply::Gone | Reply::Unauthorized | Reply::Refused) => Self::Refused,
            None => Self::Unanswered,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

/// The attempts at an endpoint: how many had each outcome, and how long they took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptTotals {
    pub delivered: i64,
    pub refused: i64,
    pub unanswered: i64,
    /// How many took at most as long as each bound of [`BOUNDS_MS`], and longer than the one before it.
    pub buckets: [i64; BOUNDS_MS.len()],
    /// How long all of them took together.
    pub took_ms: i64,
}

impl Counts {
    /// Adds what another shard counts. An endpoint is active where it is in all shards.
    pub fn add(&mut self, other: Self) {
        self.open_tasks += other.open_tasks;
        self.quarantined += other.quarantined;
        for (endpoint, counts) in other.endpoints {
            let is_active = self.endpoints.get(&endpoint).is_none_or(|known| known.is_active);
            let sum = self.endpoints.entry(endpoint).or_default();
            sum.add(&counts);
            sum.is_active = is_active && counts.is_active;
        }
        self.deleted.add(&other.deleted);
        self.totals.add(&other.totals);
        self.queued_broadcasts += other.queued_broadcasts;
        self.alarm_lag_ms = self.alarm_lag_ms.max(other.alarm_lag_ms);
        self.storage_bytes += other.storage_bytes;
        self.largest_shard_bytes = self.largest_shard_bytes.max(other.largest_shard_bytes);
    }

    /// Returns the pending deliveries of all endpoints.
    pub fn pending(&self) -> i64 {
        self.endpoints.values().chain([&self.deleted]).map(|endpoint| endpoint.pending).sum()
    }

    /// Returns the dead letters of all endpoints.
    pub fn dead(&self) -> i64 {
        self.endpoints.values().chain([&self.deleted]).map(|endpoint| endpoint.dead).sum()
    }
}

impl EndpointCounts {
    /// Adds deliveries to the same endpoint.
    pub fn add(&mut self, other: &Self) {
        self.pending += other.pending;
        self.dead += other.dead;
        self.oldest_pending = [self.oldest_pending, other.oldest_pending].into_iter().flatten().min();
    }
}

impl Totals {
    pub fn add(&mut self, other: &Self) {
        for ((name, outcome), count) in &other.events {
            self.add_events(name, outcome, *count);
        }
        for (endpoint, attempts) in &other.attempts {
            self.attempts.entry(*endpoint).or_default().add(attempts);
        }
    }

    pub fn add_events(&mut self, name: &str, outcome: &str, count: i64) {
        *self.events.entry((name.to_owned(), outcome.to_owned())).or_default() += count;
    }

    /// Counts an attempt.
    pub fn add_attempt(&mut self, endpoint: i64, status: Option<u16>, took_ms: i64) {
        self.attempts.entry(endpoint).or_default().count(status, took_ms);
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.attempts.is_empty()
    }
}

impl AttemptTotals {
    /// Returns how many attempts there were.
    pub const fn count_all(&self) -> i64 {
        self.delivered + self.refused + self.unanswered
    }

    fn count(&mut self, status: Option<u16>, took_ms: i64) {
        *match AttemptOutcome::of(status) {
            AttemptOutcome::Delivered => &mut self.delivered,
            AttemptOutcome::Refused => &mut self.refused,
            AttemptOutcome::Unanswered => &mut self.unanswered,
        } += 1;
        self.took_ms += took_ms;
        let bucket = BOUNDS_MS.iter().zip(&mut self.buckets).find(|(bound, _)| took_ms <= **bound);
        if let Some((_, bucket)) = bucket {
            *bucket += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.took_ms += other.took_ms;
        for (sum, count) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += count;
        }
    }
}

/// Maps as lists of pairs: an object of JSON is a structure, to which a newer version may add a field.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
