//! Alerts: handed to a shard, which delivers them like events.

use vtryon_gateway_engine::directory::alerts;
use vtryon_gateway_engine::protocol::{ALERT_SHARD, ShardRequest};
use vtryon_webhooks::Code;

use super::Directory;
use crate::config::Config;
use crate::http::response::ApiError;
use crate::platform::clock;

impl Directory {
    /// Sends the messages that are due. What is not confirmed is sent again by the next run of the alarm.
    pub(super) async fn send_alerts(&self, config: &Config) -> Result<(), ApiError> {
        let shards = config.shard_client(&self.env);
        for message in self.with_context(config, clock::now(), alerts::queue)? {
            for part in &message.parts {
                let request = ShardRequest::StoreAlert(message.incoming(part));
                let body = part.body.as_bytes();
                let stored = shards.call(ALERT_SHARD, request, body).await?;
                if stored.is_none() {
                    let message = "the shard that delivers alerts does not know all destinations yet";
                    return Err(ApiError::with_message(Code::Unavailable, message));
                }
            }
            self.with_context(config, clock::now(), |context| alerts::confirm(context.db, &message))?;
        }
        Ok(())
    }
}
