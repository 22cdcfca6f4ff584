//! `POST /webhooks/vtryon`: verify, parse, decide, commit, 200, in this order. The first attempts to deliver
//! follow; they are best effort: the shard's alarm retries.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use vtryon_gateway_engine::protocol::directory::rejection::PathKind;
use vtryon_gateway_engine::protocol::{IncomingEvent, ShardRequest, StoreResult};
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::{Code, Signature};
use worker::web_sys::{Request, Response};
use worker::{Context, Env, console_error};

use crate::config::Config;
use crate::delivery;
use crate::http::body;
use crate::http::head::Head;
use crate::http::response::{self, ApiError};
use crate::ingest::rejections;
use crate::ingest::rejections::SampleBody;
use crate::platform::clock;

thread_local! {
    /// How long the last commit took, in milliseconds: sent to a shard with the next event.
    static LAST_COMMIT: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Receives an event. Its 200 means that a shard has stored it, or has had it before.
pub(crate) async fn receive(
    head: &Head,
    request: &Request,
    env: Env,
    config: Rc<Config>,
    context: &Context,
) -> Result<Response, ApiError> {
    let signature = match Signature::parse(head.signature.as_bytes()) {
        Ok(signature) => signature,
        Err(error) => {
            return Err(reject(error.code(), head, SampleBody::Unread(request), &env, context).await);
        }
    };
    let body = body::read(request, head.declared(), config.deployment.verifier.limit().bytes()).await?;
    let verified = match config.deployment.verifier.verify(&body, &signature) {
        Ok(verified) => verified,
        Err(error) => {
            return Err(reject(error.code(), head, SampleBody::Read(&body), &env, context).await);
        }
    };
    let received_at = clock::now();
    let (digest, mut incoming) = IncomingEvent::read(&verified, received_at);
    incoming.last_commit_ms = LAST_COMMIT.take();
    let shard = config.deployment.shards.shard_of(&digest);
    let shards = config.shard_client(&env);
    let stored = shards.call(shard, ShardRequest::StoreEvent(incoming), verified.payload()).await;
    LAST_COMMIT.set(stored.is_ok().then(|| (clock::now().0 - received_at.0).max(0)));
    // The cause is logged; the answer 503 makes Vtryon retry.
    let Ok(Some(stored)) = stored else { return Err(ApiError::new(Code::Unavailable)) };
    // An unknown format (rolling deploy): the alarm delivers.
    let StoreResult { dispatches } = json::read(&stored).unwrap_or_default();
    if !dispatches.is_empty() {
        context.wait_until(async move {
            let attempts = delivery::dispatch(&shards, &config, shard, dispatches, &body);
            if AssertUnwindSafe(attempts).catch_unwind().await.is_err() {
                console_error!("a delivery panicked: it will be attempted again");
            }
        });
        delivery::give_way().await;
    }
    response::raw(200, r#"{"received":true}"#)
}

/// Counts the rejection with its code; the sender sees only the public code.
async fn reject(code: Code, head: &Head, body: SampleBody<'_>, env: &Env, context: &Context) -> ApiError {
    rejections::note(code, PathKind::Webhook, head, body, env, context).await;
    ApiError::new(code)
}
