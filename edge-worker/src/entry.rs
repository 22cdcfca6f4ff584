//! The entry points: a request from beginning to end, and the hourly event.

#[cfg(feature = "faults")]
mod inspection;
mod route;
mod sweep;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use js_sys::Promise;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::log::Decision;
use vtryon_webhooks::Code;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::{
    Context, Env, Request, ScheduleContext, ScheduledEvent, console_error, event, wasm_bindgen, web_sys,
    worker_sys,
};

use self::route::Target;
use crate::api::route::Api;
use crate::auth::sign_out;
use crate::config::Config;
use crate::http::head::Head;
use crate::http::response::ApiError;
use crate::http::router::RouteMatch;
use crate::http::{body, response};
use crate::ingest::{receive, rejections};
use crate::live::LiveContext;
use crate::platform::clock;
use crate::platform::timeout::with_timeout;
use crate::testing::metering::BilledOperation;
use crate::testing::{faults, metering};
use crate::{api, live, log};

/// How long a request may take, its sender's share included: far more than it needs, far less than a
/// sender waits. A test event may take as long as an endpoint may, 30 seconds, and a little.
const DEADLINE: Duration = Duration::from_secs(10);
const TEST_DEADLINE: Duration = Duration::from_secs(40);
const _: () =
    assert!(body::DEADLINE.as_millis() < DEADLINE.as_millis(), "a slow body has an answer of its own");

/// Answers a request. Whatever goes wrong inside, its sender sees a 503, and no detail but where the deployment contradicts
/// what is stored.
///
/// Exported by hand: the attribute `event` reads more of a request than a webhook needs.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env, context: worker_sys::Context) -> Promise {
    // Unwind safe: what a panic leaves behind is dropped with the request.
    future_to_promise(AssertUnwindSafe(async { Ok(answer_in_time(request, env, context).await?.into()) }))
}

async fn answer_in_time(
    request: web_sys::Request,
    env: Env,
    context: worker_sys::Context,
) -> worker::Result<web_sys::Response> {
    faults::configure(&env);
    let head = Head::of(&request);
    let found = route::find(&head);
    let is_test =
        matches!(&found.target, Ok(RouteMatch { request: Target::Api(Api::TestEndpoint { .. }), .. }));
    let deadline = faults::prolonged(if is_test { TEST_DEADLINE } else { DEADLINE });
    let context = Context::new(context);
    let answer = answer(&head, found, request, env, &context);
    let answer = match with_timeout(deadline, AssertUnwindSafe(answer).catch_unwind()).await {
        Some(Ok(answer)) => answer,
        Some(Err(_)) => Err(failed("panicked")),
        None => Err(failed("took too long")),
    };
    let response = answer.or_else(ApiError::into_response)?;
    response::secured(response, head.url.starts_with("https:"))
}

/// Logs how a request has failed; its sender sees only 503.
fn failed(how: &str) -> ApiError {
    console_error!("a request {how}");
    ApiError::new(Code::Unavailable)
}

async fn answer(
    head: &Head,
    found: route::PathMatch,
    request: web_sys::Request,
    env: Env,
    context: &Context,
) -> Result<web_sys::Response, ApiError> {
    let answer = serve(head, found.target, request, env.clone(), context).await;
    if let Err(refusal) = &answer {
        rejections::count_refusal(refusal, found.kind, head, &env, context).await;
    }
    answer
}

async fn serve(
    head: &Head,
    target: Result<RouteMatch<Target>, ApiError>,
    request: web_sys::Request,
    env: Env,
    context: &Context,
) -> Result<web_sys::Response, ApiError> {
    #[cfg(feature = "faults")]
    {
        body::set_budget(faults::body_budget(&env));
        if let Some(answer) = inspection::inspect(&request, &env)? {
            return response::raw(200, &answer);
        }
    }
    metering::count(BilledOperation::Request);
    faults::before_request(&request);
    let RouteMatch { request: target, path, scope } = target?;
    let config = Config::current(&env)?;
    if let Target::Webhook = target {
        return receive::receive(head, &request, env, config, context).await;
    }
    let request = Request::from(request);
    // Whatever names no scope, and is not admitted in a way of its own, needs the widest one.
    let needed = scope.unwrap_or(Scope::Admin);
    let response = match target {
        Target::Health => response::json_text(200, &api::version()),
        Target::SignIn => config.admin.sign_in(request, &config.directory_client(&env), clock::now()).await,
        Target::SignOut => sign_out(),
        Target::Live { stream, query } => {
            let (request, query, env, config) = (&request, &*query, &env, &*config);
            live::open(stream, &LiveContext { request, query, needed, env, config }).await
        }
        Target::LiveTaskPreflight { id } => live::preflight(id, &request, &config),
        Target::Api(api) => {
            let caller =
                config.admin.admit(&request, &config.directory_client(&env), needed, clock::now()).await?;
            let audited = caller.audited(&request, format!("{} /api/{path}", head.method))?;
            let is_change = api.is_change(&head.method);
            let answer = api::answer(api, request, &audited, &env, &config, context).await;
            let status = match &answer {
                Ok(response) => response.status_code(),
                Err(refusal) => refusal.code().http_status(),
            };
            if is_change(status) {
                let decision = Decision::ChangeMade { operation: audited.operation, status };
                log::write(config.deployment.log_level, &decision, None);
            }
            answer
        }
        Target::Webhook | Target::NotFound => Err(ApiError::new(Code::NotFound)),
    }?;
    Ok(response.into())
}

/// Looks after every object once an hour, so that none is forgotten whose alarm was lost.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    faults::configure(&env);
    metering::count(BilledOperation::Request);
    if AssertUnwindSafe(sweep::sweep(&env)).catch_unwind().await.is_err() {
        console_error!("the hourly sweep panicked");
    }
}
