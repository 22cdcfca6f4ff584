//! Stored events: those of Vtryon, those that another deployment has exported, alerts, and bodies that cannot be parsed.

pub mod alerts;
mod import;
mod quarantine;
mod store;
