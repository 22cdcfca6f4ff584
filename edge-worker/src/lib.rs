//! The gateway: verifies Vtryon's webhooks at the edge, stores what they mean, and acknowledges what is stored.
//!
//! Data flows one way: request bytes → verified → event → decision → stored row → 200. This crate is
//! the only one that knows Cloudflare; what is true or false of an event is decided in `vtryon-webhooks`.

mod api;
mod auth;
mod clients;
mod config;
mod delivery;
mod entry;
mod http;
mod ingest;
mod live;
mod log;
mod objects;
mod platform;
mod sealing;
mod testing;

pub use entry::fetch;
pub use objects::directory::Directory;
pub use objects::shard::TaskShard;
