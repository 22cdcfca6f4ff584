//! What unit tests of a shard's types are about: an empty database, and a deployment.

use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{Secret, Shards, Verifier};

use super::schema::MIGRATIONS;
use crate::keys::MasterKey;
use crate::log::Level;
use crate::protocol::placement::Placement;
use crate::sqlite::Sqlite;
use crate::tickets::Tickets;
use crate::{Deployment, MAX_OBJECT_BYTES, MAX_TICKET_SOCKETS, Result, meta};

/// Makes the database of a new shard.
pub(crate) fn database() -> Result<Sqlite> {
    let db = Sqlite::in_memory()?;
    meta::migrate(&db, MIGRATIONS)?;
    Ok(db)
}

/// Makes a deployment that stores events for an hour.
pub(crate) fn deployment() -> Result<Deployment> {
    let key = MasterKey::parse(&"0f".repeat(32)).ok_or("the master key is none")?;
    let secrets = Secret::new(b"a secret of the tests, which is long enough").map(|secret| [secret]);
    let verifier = secrets.ok().and_then(|secrets| Verifier::new(secrets).ok());
    Ok(Deployment {
        verifier: verifier.ok_or("the secret is none")?,
        tickets: Tickets::new(&key),
        shards: Shards::new(4).ok_or("4 is no number of shards")?,
        placement: Placement::default(),
        endpoint_urls: UrlRules::default(),
        retention_hours: 1,
        max_ticket_sockets: MAX_TICKET_SOCKETS,
        max_object_bytes: MAX_OBJECT_BYTES,
        clock_scale: 1,
        log_level: Level::default(),
    })
}
