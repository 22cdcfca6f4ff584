//! What has to be, and what has been so far: what the invariants compare the databases with.

pub mod ledger;
pub mod log;
pub mod oracle;
pub mod pages;
pub mod registrations;
