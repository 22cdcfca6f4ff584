//! The settings that all shards get: changed in one transaction, by version, until every shard has confirmed them.

use serde::Serialize;

use super::records::{self, EndpointRecord};
use super::replays::{self, NewReplay};
use super::{alerts, audit};
use crate::database::Database;
use crate::protocol::AuditedRequest;
use crate::protocol::settings::{Replay, Settings, endpoint_id};
use crate::{Context, Result, meta};

/// How long the settings name a deleted endpoint, in seconds.
const DELETED_FOR: i64 = 30 * 24 * 3600;

/// The version of the settings, and the one that all shards have confirmed.
const VERSION: &str = "version";
const CONFIRMED: &str = "confirmed";

/// A change of the settings.
pub enum SettingsChange<'a> {
    /// An endpoint is new or has changed.
    Put(&'a EndpointRecord),
    Delete {
        endpoint: i64,
    },
    Replay(&'a NewReplay),
    /// A range has changed.
    ChangeReplay(&'a Replay),
}

/// How many shards have confirmed a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub applied: u32,
    pub shards: u32,
}

impl Applied {
    pub const fn is_complete(self) -> bool {
        self.applied == self.shards
    }
}

impl SettingsChange<'_> {
    /// Returns the id of what it changes.
    fn target(&self) -> String {
        match self {
            SettingsChange::Put(record) => endpoint_id(record.endpoint.no),
            SettingsChange::Delete { endpoint } => endpoint_id(*endpoint),
            SettingsChange::Replay(new) => new.replay.id.clone(),
            SettingsChange::ChangeReplay(replay) => replay.id.clone(),
        }
    }
}

/// Stores a change as the next version of the settings, which all shards are to confirm, with a record of the request
/// that asks for it.
pub fn commit(
    context: &Context<'_>,
    change: &SettingsChange<'_>,
    request: Option<&AuditedRequest>,
) -> Result<()> {
    let Context { db, now, .. } = *context;
    db.transaction(|| {
        match change {
            SettingsChange::Put(record) => {
                let before = records::find(db, record.endpoint.no)?;
                records::put(db, record)?;
                alerts::put_endpoint(db, before.as_ref(), record, now)?;
            }
            SettingsChange::Delete { endpoint } => {
                records::delete(db, *endpoint, now)?;
                alerts::delete_endpoint(db, *endpoint)?;
            }
            SettingsChange::Replay(replay) => replays::put(db, replay, now)?,
            SettingsChange::ChangeReplay(replay) => replays::change(db, replay)?,
        }
        audit::record(context, request, &change.target())?;
        meta::set(db, VERSION, version(db)? + 1)
    })
}

/// Returns the settings as they are to be pushed.
pub fn current(context: &Context<'_>) -> Result<Settings> {
    let Context { db, now, .. } = *context;
    Ok(Settings {
        version: version(db)?,
        endpoints: records::all(db)?.into_iter().map(|record| record.endpoint).collect(),
        deleted: records::deleted_since(db, now.plus_seconds(-DELETED_FOR))?,
        replays: replays::all(db)?,
    })
}

/// Notes which version the shards have confirmed, where all of them have.
pub fn confirm(db: &dyn Database, version: i64, applied: Applied) -> Result<()> {
    if applied.is_complete() && meta::get(db, CONFIRMED)? < Some(version) {
        meta::set(db, CONFIRMED, version)?;
    }
    Ok(())
}

/// Makes the current settings the newest, where a shard has newer ones in force: the directory was restored from an earlier
/// state, and shards would ignore what it says. Returns whether that was so.
pub fn overtake(db: &dyn Database, in_force: i64) -> Result<bool> {
    let is_behind = version(db)? < in_force;
    if is_behind {
        meta::set(db, VERSION, in_force + 1)?;
    }
    Ok(is_behind)
}

/// Returns whether a shard has not confirmed the current settings.
pub fn has_unconfirmed(db: &dyn Database) -> Result<bool> {
    Ok(meta::get(db, CONFIRMED)? < meta::get(db, VERSION)?)
}

/// Returns the version of the current settings.
pub fn version(db: &dyn Database) -> Result<i64> {
    meta::number(db, VERSION)
}
