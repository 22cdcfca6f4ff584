//! The directory over SQLite: what it refuses, stores and returns. Nothing here needs a platform.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "that is how a test fails"
)]

#[path = "directory/alerts.rs"]
mod alerts;
#[path = "directory/audit.rs"]
mod audit;
#[path = "directory/credentials.rs"]
mod credentials;
#[path = "directory/documents.rs"]
mod documents;
#[path = "directory/endpoints.rs"]
mod endpoints;
#[path = "directory/fields.rs"]
mod fields;
#[path = "directory/fixture.rs"]
mod fixture;
#[path = "directory/life.rs"]
mod life;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "directory/rejections.rs"]
mod rejections;
#[path = "directory/replays.rs"]
mod replays;
#[path = "directory/requests.rs"]
mod requests;
#[path = "directory/secrets.rs"]
mod secrets;
#[path = "directory/settings.rs"]
mod settings;
#[path = "directory/tokens.rs"]
mod tokens;
#[path = "directory/topology.rs"]
mod topology;
