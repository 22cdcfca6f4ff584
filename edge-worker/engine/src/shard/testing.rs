//! What unit tests of a shard's types are about: an empty database, and a deployment.

use vtryon_webhooks::{Secret, Shards, Verifier};

use super::schema::MIGRATIONS;
use crate::credentials::tickets::Tickets;
use crate::keys::MasterKey;
use crate::storage::meta;
use crate::storage::sqlite::Sqlite;
use crate::{Deployment, Result};

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
        retention_hours: 1,
        ..Deployment::new(
            verifier.ok_or("the secret is none")?,
            Tickets::new(&key),
            Shards::new(4).ok_or("4 is no number of shards")?,
        )
    })
}
