//! Deliveries: the first attempts, which the Worker makes after its 200, under leases of the shard.

mod attempt;
mod redaction;

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::join_all;
use vtryon_gateway_engine::protocol::delivery::Dispatch;
use worker::Delay;

pub(crate) use attempt::attempt;

use crate::clients::ShardClient;
use crate::config::Config;

/// Where an isolate has attempts of so many events in progress, it answers the next event a turn of the event loop later.
const MANY_IN_PROGRESS: usize = 32;

thread_local! {
    /// How many events have first attempts in progress.
    static IN_PROGRESS: Cell<usize> = const { Cell::new(0) };
}

/// Lets attempts go on before an event is answered, where many are in progress. A runtime with more requests than it can
/// answer prefers them to the answers of endpoints: attempts would end only when the requests do.
pub(crate) async fn give_way() {
    if IN_PROGRESS.get() >= MANY_IN_PROGRESS {
        Delay::from(Duration::ZERO).await;
    }
}

/// An event whose attempts are in progress: it is counted until this is dropped.
struct InProgress;

impl InProgress {
    fn new() -> Self {
        IN_PROGRESS.set(IN_PROGRESS.get() + 1);
        Self
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        IN_PROGRESS.set(IN_PROGRESS.get() - 1);
    }
}

/// Makes the attempts that a shard has leased to the Worker, all at once, and reports them. It is best effort: the shard's
/// alarm retries.
pub(crate) async fn dispatch(
    shards: &ShardClient,
    config: &Config,
    shard: u32,
    dispatches: Vec<Dispatch>,
    body: &[u8],
) {
    let _counted = InProgress::new();
    let attempts = dispatches.into_iter().map(|dispatch| async move {
        if let Some(report) = attempt(config, shard, &dispatch, body).await {
            shards.report(shard, report).await;
        }
    });
    join_all(attempts).await;
}
