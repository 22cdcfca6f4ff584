//! Range replays: requested here, and counted by the shards.

use serde::de::DeserializeOwned;
use vtryon_gateway_engine::directory::replays::{self, DryRunView, ReplayView, Requested};
use vtryon_gateway_engine::directory::settings::SettingsChange;
use vtryon_gateway_engine::protocol::settings::{RangeCount, Replay, ReplayProgress};
use vtryon_gateway_engine::protocol::{AuditedRequest, ShardRequest};
use vtryon_gateway_engine::{self as engine, Context, json};
use worker::Response;

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::{clock, crypto};

impl Directory {
    /// Begins a range replay. The same key with the same request finds the former one.
    pub(super) async fn replay(
        &self,
        config: &Config,
        body: &str,
        key: Option<String>,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let random = crypto::random()?;
        let request = |context: &Context<'_>| replays::request(context, body, key, random);
        let id = match self.with_context(config, clock::now(), request)? {
            Requested::Known(id) => id,
            Requested::DryRun(replay) => return self.count_range(config, &replay).await,
            Requested::New(new) => {
                self.commit(config, SettingsChange::Replay(&new), audited).await?;
                new.replay.id
            }
        };
        self.progress(config, 202, &id).await
    }

    /// Returns what a range would replay.
    async fn count_range(&self, config: &Config, replay: &Replay) -> Result<Response, ApiError> {
        let counts: Vec<RangeCount> =
            self.ask_shards(config, || ShardRequest::CountRange(replay.clone())).await?;
        response::json(200, &DryRunView::new(replay, &counts))
    }

    /// Cancels a range: what is not enqueued yet is left out.
    pub(super) async fn cancel_replay(
        &self,
        config: &Config,
        id: &str,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let cancelled = self.with_context(config, clock::now(), |context| replays::cancel(context.db, id))?;
        if let Some(replay) = cancelled {
            self.commit(config, SettingsChange::ChangeReplay(&replay), audited).await?;
        }
        self.progress(config, 200, id).await
    }

    /// Returns the progress of a range over all shards.
    pub(super) async fn progress(
        &self,
        config: &Config,
        status: u16,
        id: &str,
    ) -> Result<Response, ApiError> {
        let replay = self.with_context(config, clock::now(), |context| replays::find(context.db, id))?;
        let progress: Vec<ReplayProgress> =
            self.ask_shards(config, || ShardRequest::Progress { id: id.to_owned() }).await?;
        response::json(status, &ReplayView::new(&replay, &progress))
    }

    async fn ask_shards<T: DeserializeOwned>(
        &self,
        config: &Config,
        request: impl Fn() -> ShardRequest,
    ) -> Result<Vec<T>, ApiError> {
        let answers = config.shard_client(&self.env).call_all(request).await?;
        let answers: engine::Result<Vec<T>> = answers.iter().map(|text| json::read(text)).collect();
        Ok(answers?)
    }
}
