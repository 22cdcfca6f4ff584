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

/// How long a shard is waited for: one that hangs must not keep the settings from those after it.
const SHARD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for all shards to confirm.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a run of the alarm waits for them: longer than it takes where the most shards there can be all hang, and less
/// than the 15 minutes that the platform gives a run.
pub(super) const ALARM_TIMEOUT: Duration = Duration::from_secs(600);

/// Pushes settings to all shards, and waits for them for a limited time. Those that are not reached by then have not
/// confirmed.
pub(super) async fn push(
    config: &Config,
    client: &ShardClient,
    settings: Settings,
    timeout: Duration,
) -> Pushed {
    let (confirmed, in_force) = (Cell::new(0), Cell::new(settings.version));
    let pushes = (0..config.deployment.shards.count()).map(|shard| {
        let ask = ShardRequest::Configure(json::to_raw(&settings));
        let (confirmed, in_force) = (&confirmed, &in_force);
        async move {
            let answer = with_timeout(SHARD_TIMEOUT, client.call(shard, ask, &[])).await;
            if let Some(Ok(Some(answer))) = answer {
                confirmed.set(confirmed.get() + 1);
                let version: i64 = json::read(&answer).unwrap_or_default();
                in_force.set(version.max(in_force.get()));
            }
        }
    });
    let pushed = stream::iter(pushes).for_each_concurrent(CONCURRENT_SHARDS, |push| push);
    let _ = with_timeout(timeout, pushed).await;
    if confirmed.get() < config.deployment.shards.count() {
        console_error!("directory: not all shards have confirmed");
    }
    Pushed { confirmed: confirmed.get(), in_force: in_force.get() }
}
