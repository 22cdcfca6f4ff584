//! Every change is told to all shards, as a whole and by its version, before it is confirmed.

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
use crate::bill::{self, Item};
use crate::config::Config;
use crate::reply::Refusal;
use crate::wire::Ask;
use crate::wire::settings::Settings;
use crate::{clock, sql, stored, stub};

/// How many shards are told at the same time.
const AT_ONCE: usize = 16;

/// How long a request waits for the shards to confirm.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how many seconds those that have not confirmed are told again.
const AGAIN: i64 = 5;

/// How long shards are told that an endpoint was deleted, in seconds.
const DELETED_FOR: i64 = 30 * 24 * 3600;

/// How many shards there are, as recorded with the first change.
pub(super) const SHARDS: &str = "shards";

/// The version of what shards are told, and the one that all of them have confirmed.
const VERSION: &str = "version";
const CONFIRMED: &str = "confirmed";

/// How far a change has come.
pub(super) struct Applied {
    pub(super) applied: u32,
    pub(super) shards: u32,
}

impl Directory {
    /// Makes a change, and tells it to all shards. The alarm that goes on with it is set in the same commit.
    pub(super) async fn commit(
        &self,
        config: &Config,
        mut change: impl FnMut(&SqlStorage) -> worker::Result<()>,
    ) -> Result<Applied, Refusal> {
        let storage = self.state.storage();
        let sql = storage.sql();
        if stored::meta(&sql, SHARDS)?.is_none() {
            // Events may have come before the first endpoint: then their number of shards stands.
            stub::ask(&self.env, config.shards, 0, Ask::Topology, &[]).await?;
        }
        sql::transaction(&storage, || {
            change(&sql)?;
            if stored::meta(&sql, SHARDS)?.is_none() {
                stored::set_meta(&sql, SHARDS, config.shards.count().into())?;
            }
            let version = stored::meta(&sql, VERSION)?.unwrap_or(0) + 1;
            stored::set_meta(&sql, VERSION, version)
        })?;
        self.look_again()?;
        Ok(self.push(config).await?)
    }

    /// Tells all shards what stands now, and waits for them, but not for ever.
    pub(super) async fn push(&self, config: &Config) -> worker::Result<Applied> {
        let sql = self.state.storage().sql();
        let settings = self.settings(&sql)?;
        let confirmed = Cell::new(0);
        let told = (0..config.shards.count()).map(|shard| {
            let ask = Ask::Configure(settings.clone());
            let confirmed = &confirmed;
            async move {
                if stub::ask(&self.env, config.shards, shard, ask, &[]).await.is_ok() {
                    confirmed.set(confirmed.get() + 1);
                }
            }
        });
        let told = stream::iter(told).for_each_concurrent(AT_ONCE, |told| told);
        if let Either::Right(_) = select(pin!(told), Delay::from(PATIENCE)).await {
            console_error!("directory: not all shards have confirmed in time");
        }
        let applied = Applied { applied: confirmed.get(), shards: config.shards.count() };
        if applied.applied == applied.shards && stored::meta(&sql, CONFIRMED)? < Some(settings.version) {
            stored::set_meta(&sql, CONFIRMED, settings.version)?;
        }
        Ok(applied)
    }

    /// Tells whether shards have still to be told.
    pub(super) fn has_news(&self) -> worker::Result<bool> {
        let sql = self.state.storage().sql();
        Ok(stored::meta(&sql, CONFIRMED)? < stored::meta(&sql, VERSION)?)
    }

    /// Sets the alarm where shards have still to be told.
    pub(super) fn look_again(&self) -> worker::Result<()> {
        let storage = self.state.storage();
        if self.has_news()? {
            let at = clock::now().plus_millis(clock::span(AGAIN));
            bill::count(Item::AlarmSet);
            // The promise need not be awaited: the platform holds the answer back until the write is durable.
            drop(storage.as_raw().set_alarm(clock::alarm_date(at), js_sys::Object::new())?);
        }
        Ok(())
    }

    fn settings(&self, sql: &SqlStorage) -> worker::Result<Settings> {
        let now = clock::now();
        Ok(Settings {
            version: stored::meta(sql, VERSION)?.unwrap_or(0),
            endpoints: records::all(sql)?.into_iter().map(|record| record.endpoint).collect(),
            deleted: records::deleted_since(sql, Millis(now.0 - DELETED_FOR * 1000))?,
            replays: replays::all(sql)?,
        })
    }
}
