#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

pub mod delivery;
pub mod diagnosis;
mod digest;
pub mod endpoint;
mod error;
pub mod event;
pub mod health;
mod json;
pub mod lifecycle;
mod millis;
mod prehashed;
pub mod retry;
mod secret;
mod shards;
mod signature;
pub mod standard_webhooks;
mod verifier;

pub use digest::Digest;
pub use error::{Code, Error};
pub use event::{Event, Status, TaskId};
pub use millis::Millis;
pub use secret::{Fingerprint, Key, Secret};
pub use shards::{MAX_SHARDS, Shards};
pub use signature::{SIGNATURE_HEADER, Signature};
pub use verifier::{BodyLimit, Verified, Verifier};
