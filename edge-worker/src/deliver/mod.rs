//! Deliveries: the first attempts, which the Worker makes after its 200, under the shard's lease.

mod attempt;
pub(crate) mod seal;

use futures_util::StreamExt;
use futures_util::stream;
use worker::{Env, console_error};

pub(crate) use attempt::attempt;

use crate::config::Config;
use crate::stub;
use crate::wire::Ask;
use crate::wire::delivery::Dispatch;

/// How many attempts run at the same time: the platform gives a request six connections, and reports need some.
const AT_ONCE: usize = 5;

/// Makes the attempts that a shard has handed out, and reports what came of them. Whatever ends it early,
/// the shard's alarm makes up for it.
pub(crate) async fn dispatch(env: &Env, config: &Config, shard: u32, owed: Vec<Dispatch>, body: &[u8]) {
    let attempts = owed.into_iter().map(|owed| async move {
        let Some(report) = attempt(config, shard, &owed, body).await else { return };
        let reported = stub::ask(env, config.shards, shard, Ask::Report(report), &[]).await;
        if reported.is_err() {
            console_error!("a delivery was attempted, but not reported: it will be attempted again");
        }
    });
    stream::iter(attempts).for_each_concurrent(AT_ONCE, |attempt| attempt).await;
}
