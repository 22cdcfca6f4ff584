//! The clients of the Durable Objects: they send the requests of the engine's protocol.

mod directory;
mod object;
mod reports;
mod shard;

pub(crate) use directory::{DirectoryClient, text_of};
pub(crate) use shard::{ShardClient, SubscribeResponse};
