//! What shards report: endpoints that are unhealthy, and causes of alerts.

use vtryon_gateway_engine::directory::settings::SettingsChange;
use vtryon_gateway_engine::directory::{alerts, endpoints};
use vtryon_gateway_engine::log::Decision;
use vtryon_gateway_engine::protocol::conditions::{ShardReport, UnhealthyEndpoint};
use vtryon_gateway_engine::protocol::settings::endpoint_id;
use vtryon_gateway_engine::protocol::{EndpointHealth, ShardRequest};
use vtryon_gateway_engine::{Context, json};
use worker::{Response, console_error};

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::log;
use crate::platform::clock;

impl Directory {
    /// Stores what a shard has reported: disables endpoints where the reports stand, and notes causes of alerts.
    pub(super) async fn report_conditions(
        &self,
        config: &Config,
        report: &ShardReport,
    ) -> Result<Response, ApiError> {
        self.with_context(config, clock::now(), |context| alerts::report(context, &report.conditions))?;
        self.schedule_alarm()?;
        for unhealthy in &report.unhealthy {
            if self.disable_if_unhealthy(config, unhealthy).await.is_err() {
                console_error!("directory: an unhealthy endpoint is not disabled yet");
            }
        }
        response::json(200, &())
    }

    async fn disable_if_unhealthy(
        &self,
        config: &Config,
        unhealthy: &UnhealthyEndpoint,
    ) -> Result<(), ApiError> {
        let UnhealthyEndpoint { endpoint, reason, .. } = unhealthy;
        let now = clock::now();
        let healths = if endpoints::needs_healths(reason) {
            self.healths(config, *endpoint).await?
        } else {
            Vec::new()
        };
        let disable = |context: &Context<'_>| endpoints::disable(context, unhealthy, &healths);
        if let Some(record) = self.with_context(config, now, disable)? {
            self.commit(config, SettingsChange::Put(&record), None).await?;
            let decision =
                Decision::EndpointDisabled { endpoint: endpoint_id(*endpoint), reason: reason.clone() };
            log::write(config.deployment.log_level, &decision, None);
        }
        Ok(())
    }

    async fn healths(&self, config: &Config, no: i64) -> Result<Vec<EndpointHealth>, ApiError> {
        let shards = config.shard_client(&self.env);
        let answers = shards.call_all(|| ShardRequest::Health { endpoint: no }).await?;
        Ok(answers.iter().filter_map(|text| json::read(text).ok()).collect())
    }
}
