//! The database that the engine decides over, and what it says of itself.

pub mod database;
pub mod meta;
#[cfg(feature = "sqlite")]
pub mod sqlite;
