use core::num::NonZeroU32;

use crate::digest::Digest;

/// The most shards that a deployment may have.
pub const MAX_SHARDS: u32 = 1024;

/// The number of shards that tasks are spread over; fixed for the life of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards(NonZeroU32);

impl Shards {
    /// Takes a count from 1 to [`MAX_SHARDS`]; outside of that there is none.
    pub fn new(count: u32) -> Option<Self> {
        NonZeroU32::new(count).filter(|count| count.get() <= MAX_SHARDS).map(Self)
    }

    /// Returns the count.
    pub const fn count(self) -> u32 {
        self.0.get()
    }

    /// Returns the shard that holds what has this digest: its first 8 bytes, big-endian, modulo the count.
    ///
    /// The digest is that of a task's id, or of a whole body where no id could be read. The mapping
    /// is pinned by a vector: stored tasks are found by it for as long as a deployment lives.
    ///
    /// ```
    /// use vtryon_webhooks::{Digest, Shards};
    /// let shards = Shards::new(16).unwrap();
    /// assert_eq!(shards.of(&Digest::of(b"task_123")), 6);
    /// ```
    pub fn of(self, digest: &Digest) -> u32 {
        // Less than the count, which is a u32.
        (digest.head() % u64::from(self.count())) as u32
    }
}
