//! The platform: objects whose instances die, their databases and alarms.

pub mod alarm;
pub mod database;
pub mod object;
