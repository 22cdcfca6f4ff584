//! Range replays: requested here, and counted by the shards.

use vtryon_gateway_engine::directory::replays::{self, ReplayView, Requested};
use vtryon_gateway_engine::directory::settings::Change;
use vtryon_gateway_engine::{Context, Result as EngineResult, json};
use worker::Response;

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::{clock, crypto};
use crate::protocol::settings::ReplayProgress;
use crate::protocol::{AuditedRequest, ShardRequest, shard_client};

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
        let id = match self.at(config, clock::now(), request)? {
            Requested::Known(id) => id,
            Requested::New(new) => {
                self.commit(config, Change::Replay(&new), audited).await?;
                new.replay.id
            }
        };
        self.progress(config, 202, &id).await
    }

    /// Returns the progress of a range over all shards.
    pub(super) async fn progress(
        &self,
        config: &Config,
        status: u16,
        id: &str,
    ) -> Result<Response, ApiError> {
        let replay = self.at(config, clock::now(), |context| replays::find(context.db, id))?;
        let answers =
            shard_client::call_all(&self.env, config.shards, || ShardRequest::Progress { id: id.to_owned() })
                .await?;
        let shards: EngineResult<Vec<ReplayProgress>> = answers.iter().map(|text| json::read(text)).collect();
        response::json(status, &ReplayView::new(replay, &shards?))
    }
}
