//! Deliveries: the first attempts, which the Worker makes after its 200, under leases of the shard.

mod attempt;
mod redaction;

use futures_util::StreamExt;
use futures_util::stream;
use vtryon_gateway_engine::protocol::delivery::Dispatch;

pub(crate) use attempt::attempt;

use crate::clients::ShardClient;
use crate::config::Config;

/// How many attempts run at the same time: the platform gives a request six connections, and reports need some.
const CONCURRENT_ATTEMPTS: usize = 5;

/// Makes the attempts that a shard has leased to the Worker, and reports them. It is best effort: the shard's
/// alarm retries.
pub(crate) async fn dispatch(
    shards: &ShardClient,
    config: &Config,
    shard: u32,
    dispatches: Vec<Dispatch>,
    body: &[u8],
) {
    let attempts = dispatches.into_iter().map(|dispatch| async move {
        if let Some(report) = attempt(config, shard, &dispatch, body).await {
            shards.report(shard, report).await;
        }
    });
    stream::iter(attempts).for_each_concurrent(CONCURRENT_ATTEMPTS, |attempt| attempt).await;
}
