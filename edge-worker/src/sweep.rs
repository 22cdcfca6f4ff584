//! The hourly sweep: every object is woken, looks for what is due, and sets its alarm anew.

use futures_util::StreamExt;
use futures_util::stream;
use worker::{Env, console_error};

use crate::config::Config;
use crate::stub;
use crate::wire::{Ask, Tell};

/// How many shards are woken at the same time.
const AT_ONCE: usize = 16;

pub(crate) async fn sweep(env: &Env) {
    let Ok(config) = Config::current(env) else { return };
    let shards = config.shards;
    let woken = (0..shards.count()).map(|shard| async move {
        if stub::ask(env, shards, shard, Ask::Sweep, &[]).await.is_err() {
            console_error!("the hourly sweep did not reach shard {shard}");
        }
    });
    stream::iter(woken).for_each_concurrent(AT_ONCE, |woken| woken).await;
    if !stub::tell(env, &Tell::Sweep).await.is_ok_and(|answer| answer.status_code() == 200) {
        console_error!("the hourly sweep did not reach the directory");
    }
}
