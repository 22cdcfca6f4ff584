//! Distributes tasks over shards.

use core::num::NonZeroU32;

use crate::digest::Digest;

/// The maximum number of shards of a deployment.
pub const MAX_SHARDS: u32 = 1024;

/// The number of shards that tasks are distributed over. It can't change after the first deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards(NonZeroU32);

impl Shards {
    /// Accepts a count from 1 to [`MAX_SHARDS`]; returns `None` for any other.
    pub fn new(count: u32) -> Option<Self> {
        NonZeroU32::new(count).filter(|count| count.get() <= MAX_SHARDS).map(Self)
    }

    /// Returns the count.
    pub const fn count(self) -> u32 {
        self.0.get()
    }

    /// Returns the shard of a digest: its first 8 bytes, big-endian, modulo the count.
    ///
    /// The digest is that of a task's id, or of the body if it is not a readable event. Stored tasks are found by this
    /// mapping, so a vector pins it.
    ///
    /// ```
    /// use vtryon_webhooks::{Digest, Shards};
    /// let shards = Shards::new(16).unwrap();
    /// assert_eq!(shards.shard_of(&Digest::of(b"task_123")), 6);
    /// ```
    pub fn shard_of(self, digest: &Digest) -> u32 {
        // Less than the count, so it fits into a u32.
        (digest.head() % u64::from(self.count())) as u32
    }

    /// Returns the shard of a task: that of the digest of its id.
    ///
    /// ```
    /// use vtryon_webhooks::Shards;
    /// let shards = Shards::new(16).unwrap();
    /// assert_eq!(shards.shard_of_task("task_123"), 6);
    /// ```
    pub fn shard_of_task(self, task_id: &str) -> u32 {
        self.shard_of(&Digest::of_task(task_id))
    }
}
