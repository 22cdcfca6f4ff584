//! Credentials that the gateway itself gives out: tokens with a scope, cookies of sessions, and tickets for one task.

pub mod known_tokens;
pub mod sessions;
pub mod tickets;
pub mod token;
