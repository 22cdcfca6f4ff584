//! Final results. A result never changes, so KV, where there is a namespace for it, keeps each that was read once, near
//! its readers. The shard stays the one place that is always right: whatever KV can't do, the shard is asked.

use std::time::Duration;

use vtryon_gateway_engine::protocol::{ShardRequest, result_key, seconds_kept};
use vtryon_webhooks::{Code, Digest};
use worker::{Context, Delay, Env, Response, console_error};

use super::ApiContext;
use crate::clients::{OBJECT_LIMIT, ShardClient};
use crate::config::RESULTS;
use crate::http::response::{self, ApiError};
use crate::http::task_id::task_id;
use crate::platform::clock;
use crate::platform::timeout::with_timeout;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// How long a reader waits for KV before the shard is asked.
const READ_TIME: Duration = Duration::from_secs(2);

/// How long after it was written a result is deleted again. KV refuses a second write to a key within a second
/// (<https://developers.cloudflare.com/kv/api/write-key-value-pairs/#limits-to-kv-writes-to-the-same-key>), and a deletion
/// is billed as a write.
const BETWEEN_WRITES: Duration = Duration::from_millis(1100);

/// Shows the final result of a task: from KV, else from its shard, and then KV keeps it.
pub(super) async fn show(
    id: Option<String>,
    api: &ApiContext<'_>,
    context: &Context,
) -> Result<Response, ApiError> {
    let id = task_id(id)?;
    let digest = Digest::of_task(id.as_str());
    if api.config.has_results {
        match read(api.env, &digest).await {
            Ok(Some(result)) => return response::json_text(200, &result),
            Ok(None) => {}
            Err(error) => console_error!("results: {error}"),
        }
    }
    let result = ask(&api.shards, id.as_str()).await?;
    let result =
        result.ok_or_else(|| ApiError::with_message(Code::NotFound, "this task has no result yet"))?;
    let retention = api.config.deployment.retention_seconds();
    if api.config.has_results
        && let Some(seconds) = seconds_kept(&result, retention, clock::now())
    {
        let (env, shards) = (api.env.clone(), api.shards.clone());
        let (task_id, result) = (id.as_str().to_owned(), result.clone());
        context.wait_until(async move {
            if let Err(error) = write_unless_erased(&env, &shards, (&task_id, &digest), result, seconds).await
            {
                console_error!("results: {error}");
            }
        });
    }
    response::json_text(200, &result)
}

/// Deletes the result of a task from KV, by the digest of its id.
pub(super) async fn forget(task: &Digest, api: &ApiContext<'_>) -> Result<(), ApiError> {
    if !api.config.has_results {
        return Ok(());
    }
    delete(api.env, task).await.map_err(|error| {
        console_error!("results: {error}");
        ApiError::with_message(Code::Unavailable, NOT_FORGOTTEN)
    })
}

const NOT_FORGOTTEN: &str = "the task is erased, but KV may still have its result: repeat the request";

/// Asks the shard for a result.
async fn ask(shards: &ShardClient, task_id: &str) -> Result<Option<String>, ApiError> {
    let request = ShardRequest::Result { task_id: task_id.to_owned() };
    shards.call_task(task_id, request).await
}

/// Writes a result to KV, and deletes it again unless the shard still has it: the task may have been erased since the
/// shard was asked, and then KV must not have it.
async fn write_unless_erased(
    env: &Env,
    shards: &ShardClient,
    (task_id, digest): (&str, &Digest),
    result: String,
    seconds: u64,
) -> worker::Result<()> {
    write(env, digest, result, seconds).await?;
    match with_timeout(OBJECT_LIMIT, ask(shards, task_id)).await {
        Some(Ok(Some(_))) => Ok(()),
        Some(Ok(None) | Err(_)) | None => {
            Delay::from(BETWEEN_WRITES).await;
            console_error!(
                "results: a result was deleted from KV again, since its task may have been erased"
            );
            delete(env, digest).await
        }
    }
}

async fn read(env: &Env, task: &Digest) -> worker::Result<Option<String>> {
    faults::before_kv(task)?;
    metering::count(BilledOperation::KvRead);
    let read = env.kv(RESULTS)?.get(&result_key(task));
    Ok(with_timeout(READ_TIME, read.text()).await.ok_or("KV took too long")??)
}

async fn write(env: &Env, task: &Digest, result: String, seconds: u64) -> worker::Result<()> {
    faults::before_kv(task)?;
    faults::before_kv_write(task).await;
    metering::count(BilledOperation::KvWrite);
    env.kv(RESULTS)?.put(&result_key(task), result)?.expiration_ttl(seconds).execute().await?;
    faults::after_kv_write(task, clock::now());
    Ok(())
}

async fn delete(env: &Env, task: &Digest) -> worker::Result<()> {
    faults::before_kv(task)?;
    faults::before_kv_delete(task, clock::now())?;
    // It costs as much as a write.
    metering::count(BilledOperation::KvWrite);
    Ok(env.kv(RESULTS)?.delete(&result_key(task)).await?)
}
