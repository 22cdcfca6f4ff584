//! The gateway: verifies Vtryon's webhooks at the edge, stores what they mean, and acknowledges what is stored.
//!
//! Data flows one way: request bytes → verified → event → decision → stored row → 200. This crate is
//! the only one that knows Cloudflare; what is true or false of an event is decided in `vtryon-webhooks`.

mod admin;
mod api;
mod body;
mod clock;
mod config;
mod cursor;
mod faults;
mod ingest;
mod reply;
mod route;
mod shard;
mod stub;
mod wire;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use vtryon_webhooks::Code;
use worker::{Context, Env, Request, Response, console_error, event};

use crate::config::Config;
use crate::reply::Refusal;
use crate::route::Route;

pub use shard::TaskShard;

/// Answers a request. Whatever goes wrong inside, its sender sees a 503 and no detail.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let answer = AssertUnwindSafe(answer(request, env)).catch_unwind().await;
    match answer {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(_) => {
            console_error!("a request panicked");
            Refusal::new(Code::Unavailable).into_response()
        }
    }
}

async fn answer(request: Request, env: Env) -> Result<Response, Refusal> {
    faults::before_request(&request);
    let route = Route::of(&request);
    route.check_method(&request)?;
    let config = Config::current(&env)?;
    match route {
        Route::Webhook => ingest::receive(request, &env, &config).await,
        Route::Health => reply::json_text(200, r#"{"status":"ok"}"#.to_owned()),
        Route::Api(api) => {
            config.admin.admit(&request)?;
            api::answer(api, &env, &config).await
        }
        Route::Nowhere => Err(Refusal::new(Code::NotFound)),
    }
}
