//! Pushes all settings to all shards after every change, before the change is confirmed.

use std::cell::Cell;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use vtryon_gateway_engine::directory::settings::{self, Applied, SettingsChange};
use vtryon_gateway_engine::directory::topology::Purpose;
use vtryon_gateway_engine::protocol::{AuditedRequest, ShardRequest};
use vtryon_gateway_engine::{self as engine, json};
use worker::console_error;

use super::Directory;
use crate::config::Config;
use crate::http::response::ApiError;
use crate::platform::clock;
use crate::platform::timeout::with_timeout;

/// How many shards are configured at the same time.
const CONCURRENT_SHARDS: usize = 16;

/// How long a request waits for the shards to confirm.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

impl Directory {
    /// Stores a change and pushes it to all shards. The alarm that repeats the push is set in the same commit.
    ///
    /// # Errors
    /// Nothing is stored. What fails afterwards is logged, and answered as a change that no shard has confirmed yet.
    pub(super) async fn commit(
        &self,
        config: &Config,
        change: SettingsChange<'_>,
        audited: Option<&AuditedRequest>,
    ) -> Result<Applied, ApiError> {
        self.check_topology(config, Purpose::Change).await?;
        self.with_context(config, clock::now(), |context| settings::commit(context, &change, audited))?;
        self.schedule_alarm_after_change();
        Ok(self.push(config).await.unwrap_or_else(|error| {
            console_error!("directory: a change is stored, and not pushed yet: {error}");
            Applied { applied: 0, shards: config.shards.count() }
        }))
    }

    /// Pushes the current settings to all shards, and waits for them for a limited time. Where a shard has newer ones, the
    /// alarm pushes them again.
    pub(super) async fn push(&self, config: &Config) -> engine::Result<Applied> {
        let settings = self.with_context(config, clock::now(), settings::current)?;
        let (confirmed, in_force) = (Cell::new(0), Cell::new(settings.version));
        let client = config.shard_client(&self.env);
        let pushes = (0..config.shards.count()).map(|shard| {
            let ask = ShardRequest::Configure(settings.clone());
            let (client, confirmed, in_force) = (&client, &confirmed, &in_force);
            async move {
                if let Ok(Some(answer)) = client.call(shard, ask, &[]).await {
                    confirmed.set(confirmed.get() + 1);
                    let version: i64 = json::read(&answer).unwrap_or_default();
                    in_force.set(version.max(in_force.get()));
                }
            }
        });
        let pushed = stream::iter(pushes).for_each_concurrent(CONCURRENT_SHARDS, |push| push);
        if with_timeout(CONFIRM_TIMEOUT, pushed).await.is_none() {
            console_error!("directory: not all shards have confirmed in time");
        }
        let shards = config.shards.count();
        if self
            .with_context(config, clock::now(), |context| settings::overtake(context.db, in_force.get()))?
        {
            console_error!(
                "directory: it was restored, and shards had newer settings: they are pushed again"
            );
            self.schedule_alarm().map_err(|error| error.to_string())?;
            return Ok(Applied { applied: 0, shards });
        }
        let applied = Applied { applied: confirmed.get(), shards };
        self.with_context(config, clock::now(), |context| {
            settings::confirm(context.db, settings.version, applied)
        })?;
        Ok(applied)
    }

    /// Sets the alarm for what a change has made due. Where that fails, the hourly sweep sets it: the change is stored.
    pub(super) fn schedule_alarm_after_change(&self) {
        if let Err(error) = self.schedule_alarm() {
            console_error!("directory: alarm not set: {error}");
        }
    }

    /// Sets the alarm for whatever is due first, unless it is set for an earlier time.
    pub(super) fn schedule_alarm(&self) -> worker::Result<()> {
        self.open().map_err(|refusal| refusal.message().to_owned())?;
        let alarm =
            self.with_memory(|memory| memory.schedule_alarm(&*self.database, clock::now(), clock::scale()));
        if let Some(at) = alarm.transpose().map_err(|error| error.to_string())?.flatten() {
            let set = self.database.set_alarm(at);
            if set.is_err() {
                self.with_memory(engine::directory::Directory::alarm_failed);
            }
            set?;
        }
        Ok(())
    }
}
