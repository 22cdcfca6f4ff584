//! What the gateway decides and stores, without a platform: rules over a database.
//!
//! A request, the time and a [`storage::database::Database`] come in; the answer comes out, and effects as data: attempts to
//! dispatch, messages to broadcast, when the alarm is wanted. Nothing here reads a clock, draws a random number, waits,
//! or knows of Cloudflare. Durable Objects are shells around it.

pub mod access;
mod alarm;
pub mod credentials;
mod deployment;
pub mod directory;
mod error;
pub mod keys;
pub mod log;
pub mod protocol;
pub mod shard;
pub mod storage;
pub mod text;
pub mod variables;

pub use deployment::{Context, Deployment, MAX_OBJECT_BYTES, MAX_TICKET_SOCKETS};
pub use error::{Error, Failure, Refusal, Result};
