//! `POST /webhooks/vtryon`: verify, parse, decide, commit, 200 — in this order. What follows, the first
//! attempt to deliver, may be lost: the shard has it in hand.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use vtryon_webhooks::{Code, Signature};
use worker::web_sys::{Request, Response};
use worker::{Context, Env, console_error};

use crate::config::Config;
use crate::head::Head;
use crate::json;
use crate::rejections::Body;
use crate::reply::{self, Refusal};
use crate::wire::rejection::PathKind;
use crate::wire::{Arrival, Ask, Kept};
use crate::{body, clock, deliver, rejections, stub};

thread_local! {
    /// How long the last commit took, in milliseconds: told to a shard with the next event.
    static LAST_COMMIT: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Receives an event. Its 200 means that a shard has stored it, or has had it before.
pub(crate) async fn receive(
    head: &Head,
    request: &Request,
    env: Env,
    config: Rc<Config>,
    context: &Context,
) -> Result<Response, Refusal> {
    let signature = match Signature::parse(head.signature.as_bytes()) {
        Ok(signature) => signature,
        Err(error) => return Err(reject(error.code(), head, Body::Unread(request), &env, context).await),
    };
    let body = body::read(request, head.declared(), config.verifier.limit()).await?;
    let verified = match config.verifier.verify(&body, &signature) {
        Ok(verified) => verified,
        Err(error) => {
            return Err(reject(error.code(), head, Body::Read(&body), &env, context).await);
        }
    };
    let received_at = clock::now();
    let (digest, mut arrival) = Arrival::read(&verified, received_at);
    arrival.last_commit_ms = LAST_COMMIT.take();
    let shard = config.shards.of(&digest);
    let kept = stub::ask(&env, config.shards, shard, Ask::Keep(arrival), verified.payload()).await;
    LAST_COMMIT.set(kept.is_ok().then(|| clock::now().0 - received_at.0));
    // Why not is for the log: its sender is told to come again.
    let Ok(Some(kept)) = kept else { return Err(Refusal::new(Code::Unavailable)) };
    // An answer that can't be read is of another version: what it owes is the alarm's.
    let Kept { owed, .. } = json::read(&kept).unwrap_or_default();
    if !owed.is_empty() {
        context.wait_until(async move {
            let attempts = deliver::dispatch(&env, &config, shard, owed, &body);
            if AssertUnwindSafe(attempts).catch_unwind().await.is_err() {
                console_error!("a delivery panicked: it will be attempted again");
            }
        });
    }
    reply::raw(200, r#"{"received":true}"#)
}

/// Tells the tally why, and the sender only that.
async fn reject(code: Code, head: &Head, body: Body<'_>, env: &Env, context: &Context) -> Refusal {
    rejections::note(code, PathKind::Webhook, head, body, env, context).await;
    Refusal::new(code)
}
