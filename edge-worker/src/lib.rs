//! The gateway: verifies Vtryon's webhooks at the edge, stores what they mean, and acknowledges what is stored.
//!
//! Data flows one way: request bytes → verified → event → decision → stored row → 200. This crate is
//! the only one that knows Cloudflare; what is true or false of an event is decided in `vtryon-webhooks`.

mod api;
mod auth;
mod base64;
mod bill;
mod body;
mod clock;
mod config;
mod deliver;
mod directory;
mod faults;
mod ingest;
mod join;
mod json;
mod keys;
mod live;
mod rejections;
mod reply;
mod route;
mod shard;
mod sorted;
mod sql;
mod stored;
mod stub;
mod sweep;
mod web_crypto;
mod wire;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use vtryon_webhooks::Code;
use worker::{Context, Delay, Env, Request, Response, ScheduleContext, ScheduledEvent, console_error, event};

use crate::auth::Scope;
use crate::bill::Item;
use crate::config::Config;
use crate::rejections::Body;
use crate::reply::Refusal;
use crate::route::{Api, Route};

pub use directory::Directory;
pub use shard::TaskShard;

/// How long a request may take, its sender's share included: far more than it needs, far less than a
/// sender waits. A test event may take as long as an endpoint may, and a little.
const DEADLINE: Duration = Duration::from_secs(10);
const TEST_DEADLINE: Duration = Duration::from_secs(15);

/// Answers a request. Whatever goes wrong inside, its sender sees a 503 and no detail.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let is_test = matches!(Route::of(&request), Route::Api(Api::Test(_)));
    let deadline = if is_test { TEST_DEADLINE } else { DEADLINE };
    let answer = pin!(AssertUnwindSafe(answer(request, env, &context)).catch_unwind());
    let fault = match select(answer, Delay::from(deadline)).await {
        Either::Left((Ok(Ok(response)), _)) => return Ok(response),
        Either::Left((Ok(Err(refusal)), _)) => return refusal.into_response(),
        Either::Left((Err(_), _)) => "panicked",
        Either::Right(_) => "took too long",
    };
    console_error!("a request {fault}");
    Refusal::new(Code::Unavailable).into_response()
}

async fn answer(mut request: Request, env: Env, context: &Context) -> Result<Response, Refusal> {
    faults::configure(&env);
    if let Some(bill) = bill::asked_by(&request) {
        return reply::json_text(200, bill);
    }
    bill::count(Item::Request);
    faults::before_request(&request);
    let route = Route::of(&request);
    if let Err(refusal) = route.check_method(&request) {
        if let Route::Webhook = route {
            ingest::reject(Code::MethodNotAllowed, &mut request, Body::Unwanted, &env, context).await;
        }
        return Err(refusal);
    }
    let config = Config::current(&env)?;
    match route {
        Route::Webhook => ingest::receive(request, env, config, context).await,
        Route::Health => reply::json_text(200, r#"{"status":"ok"}"#.to_owned()),
        Route::Session => config.admin.session(request, clock::now()).await,
        Route::Live(query) => live::all(&query, &request, &env, &config).await,
        Route::LiveShard(name, query) => live::shard(&name, &query, &request, &env, &config).await,
        Route::LiveTask(id, query) => live::task(id, &query, &request, &env, &config).await,
        Route::Api(api) => {
            let scope = if let Api::Tickets = api { Scope::Tickets } else { Scope::Everything };
            config.admin.admit(&request, scope, clock::now()).await?;
            api::answer(api, request, &env, &config).await
        }
        Route::Nowhere => Err(Refusal::new(Code::NotFound)),
    }
}

/// Looks after every object once an hour, so that none is forgotten whose alarm was lost.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    faults::configure(&env);
    bill::count(Item::Request);
    if AssertUnwindSafe(sweep::sweep(&env)).catch_unwind().await.is_err() {
        console_error!("the hourly sweep panicked");
    }
}
