//! The hourly sweep: every object sets its alarm again, so that none is forgotten.

use futures_util::StreamExt;
use futures_util::stream;
use vtryon_gateway_engine::protocol::{DirectoryRequest, ShardRequest, SweepFindings, SweepReport};
use vtryon_gateway_engine::text::json;
use worker::{Env, console_error};

use crate::clients::{CONCURRENT_SHARDS, OBJECT_LIMIT};
use crate::config::Config;
use crate::platform::timeout::with_timeout;

pub(crate) async fn sweep(env: &Env) {
    let Ok(config) = Config::current(env) else { return };
    let shards = &config.shard_client(env);
    let swept = (0..config.deployment.shards.count()).map(|shard| async move {
        let answer = with_timeout(OBJECT_LIMIT, shards.call(shard, ShardRequest::Sweep, &[])).await;
        let Some(Ok(answer)) = answer else {
            console_error!("the hourly sweep did not reach shard {shard}");
            return None;
        };
        json::read::<SweepFindings>(&answer?).ok()
    });
    let findings: Vec<_> = stream::iter(swept).buffer_unordered(CONCURRENT_SHARDS).collect().await;
    let report = DirectoryRequest::Sweep(SweepReport::of(&findings));
    if !config.directory_client(env).report(report).await {
        console_error!("the hourly sweep did not reach the directory");
    }
}
