//! The clients of the Durable Objects: they send the requests of the engine's protocol.

mod directory;
mod object;
mod reports;
mod shard;

use std::time::Duration;

pub(crate) use directory::{DirectoryClient, text_of};
pub(crate) use shard::ShardClient;

/// How long an object is waited for by another one, by the sweep, or by a reader that confirms a result: one that hangs must
/// not stop what concerns the others. The requests of the API and the reports of attempts have limits of their own.
pub(crate) const OBJECT_LIMIT: Duration = Duration::from_secs(10);

/// How many shards are called at the same time by what concerns all of them and waits for none in particular.
pub(crate) const CONCURRENT_SHARDS: usize = 16;
