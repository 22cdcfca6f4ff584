#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

mod digest;
mod error;
pub mod event;
mod json;
pub mod lifecycle;
mod secret;
mod shards;
mod signature;
mod verifier;

pub use digest::Digest;
pub use error::{Code, Error};
pub use event::{Event, Status, TaskId};
pub use secret::{Fingerprint, Key, Secret};
pub use shards::{MAX_SHARDS, Shards};
pub use signature::{SIGNATURE_HEADER, Signature};
pub use verifier::{BodyLimit, Verified, Verifier};
