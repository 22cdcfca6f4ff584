//! The settings that all shards get: changed in one transaction, by version, until every shard has confirmed them.

pub(crate) mod versions;

pub use self::versions::{Applied, confirm, has_unconfirmed, overtake, unconfirm, version};

use super::endpoints::records::{self, EndpointRecord};
use super::replays::{self, NewReplay};
use super::{alerts, audit};
use crate::protocol::AuditedRequest;
use crate::protocol::settings::{Replay, Settings, endpoint_id};
use crate::{Context, Result};

/// How long the settings name a deleted endpoint, in seconds.
const DELETED_FOR: i64 = 30 * 24 * 3600;

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
                let mut record = EndpointRecord::clone(record);
                if let Some(before) = &before {
                    record.endpoint.renew_health(&before.endpoint, version(db)? + 1);
                }
                records::put(db, &record)?;
                alerts::put_endpoint(db, before.as_ref(), &record, now)?;
            }
            SettingsChange::Delete { endpoint } => {
                records::delete(db, *endpoint, now)?;
                alerts::delete_endpoint(db, *endpoint)?;
            }
            SettingsChange::Replay(replay) => replays::put(db, replay, now)?,
            SettingsChange::ChangeReplay(replay) => replays::change(db, replay)?,
        }
        audit::record(context, request, &change.target())?;
        versions::advance(db)
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
