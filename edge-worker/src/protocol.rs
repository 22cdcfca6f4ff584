//! Requests to Durable Objects, and the clients that send them. The messages are the engine's.

pub(crate) mod directory_client;
pub(crate) mod object;
pub(crate) mod reports;
pub(crate) mod shard_client;

pub(crate) use vtryon_gateway_engine::protocol::*;
