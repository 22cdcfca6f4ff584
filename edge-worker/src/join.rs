//! Futures that run at the same time. They are boxed, so that what runs them is compiled once for all of them.

use std::cell::Cell;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

/// Runs futures and returns what they do, in their order. The first error ends all of them.
pub(crate) async fn all<T, E>(
    futures: impl Iterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    let futures: Vec<_> = futures.collect();
    let results: Vec<Cell<Option<T>>> = futures.iter().map(|_| Cell::new(None)).collect();
    let error = Cell::new(None);
    let mut tasks = Vec::new();
    for (future, result) in futures.into_iter().zip(&results) {
        let task = future.map(|done| match done {
            Ok(value) => {
                result.set(Some(value));
                true
            }
            Err(fault) => {
                error.set(Some(fault));
                false
            }
        });
        tasks.push(task.boxed_local());
    }
    run(usize::MAX, tasks).await;
    match error.take() {
        Some(error) => Err(error),
        None => Ok(results.into_iter().filter_map(Cell::into_inner).collect()),
    }
}

/// Runs futures, at most so many at a time.
pub(crate) async fn each(at_once: usize, futures: impl Iterator<Item = impl Future<Output = ()>>) {
    run(at_once, futures.map(|future| future.map(|()| true).boxed_local()).collect()).await;
}

/// Runs tasks until one of them says that it is of no use to go on.
async fn run(at_once: usize, tasks: Vec<LocalBoxFuture<'_, bool>>) {
    let mut waiting = tasks.into_iter();
    let mut running: FuturesUnordered<_> = waiting.by_ref().take(at_once).collect();
    while let Some(true) = running.next().await {
        running.extend(waiting.next());
    }
}
