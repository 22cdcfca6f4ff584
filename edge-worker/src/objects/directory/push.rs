//! Pushes all settings to all shards after every change, before the change is confirmed.

use std::cell::Cell;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use vtryon_gateway_engine::directory::Pushed;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::settings::Settings;
use vtryon_gateway_engine::text::json;
use worker::console_error;

use crate::clients::{CONCURRENT_SHARDS, ShardClient};
use crate::config::Config;
use crate::platform::timeout::with_timeout;

/// How long a request waits for the shards to confirm.
pub(super) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// Pushes settings to all shards, and waits for them for a limited time.
pub(super) async fn push(config: &Config, client: &ShardClient, settings: Settings) -> Pushed {
    let (confirmed, in_force) = (Cell::new(0), Cell::new(settings.version));
    let pushes = (0..config.deployment.shards.count()).map(|shard| {
        let ask = ShardRequest::Configure(json::to_raw(&settings));
        let (confirmed, in_force) = (&confirmed, &in_force);
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
    Pushed { confirmed: confirmed.get(), in_force: in_force.get() }
}
