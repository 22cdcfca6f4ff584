//! The two classes of Durable Objects.

pub(crate) mod directory;
pub(crate) mod shard;
