//! Pushes all settings to all shards after every change, by version, before the change is confirmed.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream;
use vtryon_webhooks::Millis;
use worker::{Delay, SqlStorage, console_error};

use super::Directory;
use super::{records, replays};
use crate::config::Config;
use crate::http::response::ApiError;
use crate::platform::{clock, migrations, sql};
use crate::protocol::settings::Settings;
use crate::protocol::{ShardRequest, shard_client};
use crate::testing::metering::{self, BilledOperation};

/// How many shards are configured at the same time.
const AT_ONCE: usize = 16;

/// How long a request waits for the shards to confirm.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how many seconds unconfirmed settings are pushed again.
const AGAIN: i64 = 5;

/// How long the settings name a deleted endpoint, in seconds.
const DELETED_FOR: i64 = 30 * 24 * 3600;

/// How many shards there are, as recorded with the first change.
pub(super) const SHARDS: &str = "shards";

/// The version of the settings, and the one that all shards have confirmed.
const VERSION: &str = "version";
const CONFIRMED: &str = "confirmed";

/// How many shards have confirmed a change.
pub(super) struct Applied {
    pub(super) applied: u32,
    pub(super) shards: u32,
}

impl Directory {
    /// Stores a change and pushes it to all shards. The alarm that repeats the push is set in the same commit.
    pub(super) async fn commit(
        &self,
        config: &Config,
        mut change: impl FnMut(&SqlStorage) -> worker::Result<()>,
    ) -> Result<Applied, ApiError> {
        let storage = self.state.storage();
        let sql = storage.sql();
        if migrations::meta(&sql, SHARDS)?.is_none() {
            // Events may have come before the first endpoint: then their number of shards stands.
            shard_client::call(&self.env, config.shards, 0, ShardRequest::Topology, &[]).await?;
        }
        sql::transaction(&storage, || {
            change(&sql)?;
            if migrations::meta(&sql, SHARDS)?.is_none() {
                migrations::set_meta(&sql, SHARDS, config.shards.count().into())?;
            }
            let version = migrations::meta(&sql, VERSION)?.unwrap_or(0) + 1;
            migrations::set_meta(&sql, VERSION, version)
        })?;
        self.schedule_push()?;
        Ok(self.push(config).await?)
    }

    /// Pushes the current settings to all shards, and waits for them for a limited time.
    pub(super) async fn push(&self, config: &Config) -> worker::Result<Applied> {
        let sql = self.state.storage().sql();
        let settings = self.settings(&sql)?;
        let confirmed = Cell::new(0);
        let pushes = (0..config.shards.count()).map(|shard| {
            let ask = ShardRequest::Configure(settings.clone());
            let confirmed = &confirmed;
            async move {
                if shard_client::call(&self.env, config.shards, shard, ask, &[]).await.is_ok() {
                    confirmed.set(confirmed.get() + 1);
                }
            }
        });
        let pushed = stream::iter(pushes).for_each_concurrent(AT_ONCE, |push| push);
        if let Either::Right(_) = select(pin!(pushed), Delay::from(PATIENCE)).await {
            console_error!("directory: not all shards have confirmed in time");
        }
        let applied = Applied { applied: confirmed.get(), shards: config.shards.count() };
        if applied.applied == applied.shards && migrations::meta(&sql, CONFIRMED)? < Some(settings.version) {
            migrations::set_meta(&sql, CONFIRMED, settings.version)?;
        }
        Ok(applied)
    }

    /// Returns whether a shard has not confirmed the current settings.
    pub(super) fn has_unconfirmed(&self) -> worker::Result<bool> {
        let sql = self.state.storage().sql();
        Ok(migrations::meta(&sql, CONFIRMED)? < migrations::meta(&sql, VERSION)?)
    }

    /// Sets the alarm where shards have unconfirmed settings.
    pub(super) fn schedule_push(&self) -> worker::Result<()> {
        let storage = self.state.storage();
        if self.has_unconfirmed()? {
            let at = clock::now().plus_millis(clock::span(AGAIN));
            metering::count(BilledOperation::AlarmSet);
            // The promise need not be awaited: the platform holds the answer back until the write is durable.
            drop(storage.as_raw().set_alarm(clock::alarm_date(at), js_sys::Object::new())?);
        }
        Ok(())
    }

    fn settings(&self, sql: &SqlStorage) -> worker::Result<Settings> {
        let now = clock::now();
        Ok(Settings {
            version: migrations::meta(sql, VERSION)?.unwrap_or(0),
            endpoints: records::all(sql)?.into_iter().map(|record| record.endpoint).collect(),
            deleted: records::deleted_since(sql, Millis(now.0 - DELETED_FOR * 1000))?,
            replays: replays::all(sql)?,
        })
    }
}
