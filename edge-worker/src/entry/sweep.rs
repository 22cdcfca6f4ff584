//! The hourly sweep: every object sets its alarm again, so that none is forgotten.

use futures_util::StreamExt;
use futures_util::stream;
use worker::{Env, console_error};

use crate::config::Config;
use crate::protocol::{
    DirectoryRequest, ShardRequest, SweepFindings, SweepReport, directory_client, shard_client,
};
use vtryon_gateway_engine::json;

/// How many shards are woken at the same time.
const AT_ONCE: usize = 16;

pub(crate) async fn sweep(env: &Env) {
    let Ok(config) = Config::current(env) else { return };
    let shards = config.shards;
    let swept = (0..shards.count()).map(|shard| async move {
        let answer = shard_client::call(env, shards, shard, ShardRequest::Sweep, &[]).await;
        if answer.is_err() {
            console_error!("the hourly sweep did not reach shard {shard}");
        }
        json::read::<SweepFindings>(&answer.ok()??).ok()
    });
    let findings: Vec<_> = stream::iter(swept).buffer_unordered(AT_ONCE).collect().await;
    if !directory_client::send(env, DirectoryRequest::Sweep(SweepReport::of(&findings)))
        .await
        .is_ok_and(|answer| answer.status_code() == 200)
    {
        console_error!("the hourly sweep did not reach the directory");
    }
}
