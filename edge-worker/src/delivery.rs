//! Deliveries: the first attempts, which the Worker makes after its 200, under leases of the shard.

mod attempt;
pub(crate) mod seal;

use futures_util::StreamExt;
use futures_util::stream;
use worker::{Env, console_error};

pub(crate) use attempt::attempt;

use crate::config::Config;
use crate::protocol::delivery::Dispatch;
use crate::protocol::{ShardRequest, shard_client};

/// How many attempts run at the same time: the platform gives a request six connections, and reports need some.
const AT_ONCE: usize = 5;

/// Makes the attempts that a shard has leased to the Worker, and reports them. It is best effort: the shard's
/// alarm retries.
pub(crate) async fn dispatch(env: &Env, config: &Config, shard: u32, dispatches: Vec<Dispatch>, body: &[u8]) {
    let attempts = dispatches.into_iter().map(|dispatch| async move {
        let Some(report) = attempt(config, shard, &dispatch, body).await else { return };
        let reported = shard_client::call(env, config.shards, shard, ShardRequest::Report(report), &[]).await;
        if reported.is_err() {
            console_error!("a delivery was attempted, but not reported: it will be attempted again");
        }
    });
    stream::iter(attempts).for_each_concurrent(AT_ONCE, |attempt| attempt).await;
}
