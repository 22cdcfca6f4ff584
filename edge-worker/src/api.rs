//! What administrators, and holders of lesser scopes, read and do.

mod access;
mod deliveries;
mod endpoints;
mod import;
mod listing;
mod metrics;
mod results;
pub(crate) mod route;
mod stats;
mod tasks;
mod test_delivery;
mod tickets;

use vtryon_gateway_engine::{directory, shard};
use vtryon_webhooks::Code;
use worker::{Context, Env, Request, Response};

use crate::api::route::Api;
use crate::config::Config;
use crate::http::body;
use crate::http::response::{self, ApiError};
use crate::protocol::{AuditedRequest, DirectoryRequest, directory_client};

/// The API as OpenAPI 3.1 describes it.
const OPENAPI: &str = include_str!("api/openapi.json");

/// How long the body of a request may be, in bytes.
const LIMIT: usize = 64 * 1024;

/// Answers a request whose sender has been admitted; `audited` is how a change is recorded.
pub(crate) async fn answer(
    api: Api,
    request: Request,
    audited: &AuditedRequest,
    env: &Env,
    config: &Config,
    context: &Context,
) -> Result<Response, ApiError> {
    match api {
        Api::Task(id, query) => match &*request.inner().method() {
            "DELETE" => tasks::erase(id, &query, audited, env, config).await,
            _ => tasks::task(id, env, config).await,
        },
        Api::Result(id) => results::show(id, env, config, context).await,
        Api::Tasks(query) => tasks::tasks(&query, env, config).await,
        Api::Quarantine(query) => tasks::quarantine(&query, env, config).await,
        Api::Endpoints(kind) => endpoints::all(kind, &request, audited, env).await,
        Api::Endpoint(kind, id) => endpoints::one(kind, &id, &request, audited, env).await,
        Api::Rotate(kind, id) => endpoints::rotate(kind, &id, &request, audited, env).await,
        Api::Retire(kind, id) => endpoints::retire(kind, &id, audited, env).await,
        Api::Test(kind, id) => test_delivery::send(kind, &id, audited, env, config).await,
        Api::Deliveries(query) => deliveries::list(&query, env, config).await,
        Api::Delivery(id) => deliveries::show(&id, env, config).await,
        Api::DeliveryBody(id) => deliveries::body(&id, env, config).await,
        Api::ReplayDelivery(id) => deliveries::replay(&id, audited, env, config).await,
        Api::Replays => {
            let key = request.headers().get("idempotency-key")?;
            let input = text(&request).await?;
            directory_client::change(env, DirectoryRequest::Replay { input, key }, audited).await
        }
        Api::Replay(id) => match &*request.inner().method() {
            "DELETE" => directory_client::change(env, DirectoryRequest::CancelReplay { id }, audited).await,
            _ => directory_client::send(env, DirectoryRequest::Progress { id }).await,
        },
        Api::Import(query) => import::import(&query, &request, audited, env, config).await,
        Api::Tickets => tickets::issue(&text(&request).await?, config),
        Api::Tokens => access::tokens(&request, audited, env).await,
        Api::Token(id) => access::revoke(id, audited, env).await,
        Api::Audit(query) => access::audit(&query, env).await,
        Api::Secrets => directory_client::send(env, DirectoryRequest::Secrets).await,
        Api::Secret(fingerprint) => {
            directory_client::change(env, DirectoryRequest::PurgeSecret { fingerprint }, audited).await
        }
        Api::Rejections => directory_client::send(env, DirectoryRequest::Rejections).await,
        Api::Metrics => metrics::show(env, config).await,
        Api::Stats(query) => stats::show(&query, env, config).await,
        Api::Document => response::json_text(200, OPENAPI),
        Api::Version => response::json_text(200, &version()),
        Api::NotFound => Err(ApiError::new(Code::NotFound)),
    }
}

/// Returns the version of the gateway and those of what its objects store, as `/healthz` and `/api` tell them.
pub(crate) fn version() -> String {
    let (version, shard, directory) = (env!("CARGO_PKG_VERSION"), shard::SCHEMA, directory::SCHEMA);
    format!(r#"{{"status":"ok","version":"{version}","schema":{{"shard":{shard},"directory":{directory}}}}}"#)
}

/// Records a change that a shard is about to make. It is made only once that is stored, so that none is without a record.
async fn record_change(env: &Env, target: &str, audited: &AuditedRequest) -> Result<(), ApiError> {
    record(env, DirectoryRequest::RecordChange { target: target.to_owned() }, audited).await
}

async fn record(env: &Env, request: DirectoryRequest, audited: &AuditedRequest) -> Result<(), ApiError> {
    directory_client::done(directory_client::change(env, request, audited).await?).await.map(drop)
}

/// Reads the body of a request as text.
async fn text(request: &Request) -> Result<String, ApiError> {
    let bytes = body::of(request, LIMIT).await?;
    String::from_utf8(bytes).map_err(|_| ApiError::because(Code::InvalidRequest, "the body is not UTF-8"))
}
