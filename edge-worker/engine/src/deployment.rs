//! What is configured, and the same for every object of a deployment.

use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{Key, Millis, Shards, Verifier};

use crate::credentials::tickets::Tickets;
use crate::log::Level;
use crate::protocol::topology::Topology;
use crate::protocol::topology::placement::Placement;
use crate::storage::database::Database;
use crate::variables::RETENTION_HOURS;

/// How many sockets may be opened with tickets in a shard at the same time.
pub const MAX_TICKET_SOCKETS: usize = 5000;

/// How much an object may store: 10 GB (<https://developers.cloudflare.com/durable-objects/platform/limits/>).
pub const MAX_OBJECT_BYTES: u64 = 10_000_000_000;

/// From how much of that on a shard stores nothing new, in percent: the rest is left to what it has already.
const FULL_AT_PERCENT: u64 = 95;

/// The configuration of a deployment, as far as decisions need it.
pub struct Deployment {
    /// Vtryon's secrets, the current one first.
    pub verifier: Verifier,
    pub tickets: Tickets,
    pub shards: Shards,
    /// Where the objects lie.
    pub placement: Placement,
    /// Where endpoints may be.
    pub endpoint_urls: UrlRules,
    /// How long events are stored.
    pub retention_hours: u32,
    /// How many sockets may be opened with tickets in a shard at the same time: [`MAX_TICKET_SOCKETS`], but for tests.
    pub max_ticket_sockets: usize,
    /// How much an object may store, in bytes: [`MAX_OBJECT_BYTES`], but for tests.
    pub max_object_bytes: u64,
    /// From how many bytes on a shard stores nothing new: [`Deployment::full_at`], but for tests.
    pub full_at_bytes: u64,
    /// How many rows a page of background work has at most, as of pruning: no limit, but for tests of what pages leave to
    /// the next one.
    pub max_page: i64,
    /// How many times faster the clock runs than the machine: 1, but for tests on a real runtime.
    pub clock_scale: i64,
    /// The least level of decisions that are logged.
    pub log_level: Level,
}

/// What a decision is made from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub db: &'a dyn Database,
    pub now: Millis,
    pub deployment: &'a Deployment,
}

impl Deployment {
    /// A deployment whose other variables have their defaults, with the limits of the platform and the clock of the machine.
    pub fn new(verifier: Verifier, tickets: Tickets, shards: Shards) -> Self {
        Self {
            verifier,
            tickets,
            shards,
            placement: Placement::default(),
            endpoint_urls: UrlRules::default(),
            retention_hours: RETENTION_HOURS.default,
            max_ticket_sockets: MAX_TICKET_SOCKETS,
            max_object_bytes: MAX_OBJECT_BYTES,
            full_at_bytes: Self::full_at(MAX_OBJECT_BYTES),
            max_page: i64::MAX,
            clock_scale: 1,
            log_level: Level::default(),
        }
    }

    /// Returns from how many bytes on a shard stores nothing new, where an object may store so many.
    pub const fn full_at(max_object_bytes: u64) -> u64 {
        max_object_bytes / 100 * FULL_AT_PERCENT
    }

    /// Returns the number of shards and where they lie.
    pub const fn topology(&self) -> Topology {
        Topology { shards: self.shards.count(), placement: self.placement }
    }

    /// Returns so many seconds of machine time in milliseconds of the clock: for what depends on how fast machines and
    /// networks are, such as leases and timeouts.
    pub const fn machine_seconds(&self, seconds: i64) -> i64 {
        self.machine_millis(seconds * 1000)
    }

    /// Returns so many milliseconds of machine time in those of the clock.
    pub const fn machine_millis(&self, millis: i64) -> i64 {
        millis * self.clock_scale
    }

    /// Returns how many rows a page has: so many, or fewer in tests.
    pub(crate) fn page(&self, rows: i64) -> i64 {
        rows.min(self.max_page)
    }

    /// Returns how long events are stored, in seconds.
    pub const fn retention_seconds(&self) -> i64 {
        self.retention_hours as i64 * 3600
    }

    /// Returns the earliest time of what is still stored.
    pub const fn retained_since(&self, now: Millis) -> Millis {
        now.plus_seconds(-self.retention_seconds())
    }

    /// Returns the fingerprints of the configured secrets, the current one's first.
    pub fn fingerprints(&self) -> Vec<String> {
        self.verifier.keys().iter().map(Key::fingerprint).map(|fingerprint| fingerprint.to_string()).collect()
    }
}
