//! What administrators, and holders of lesser scopes, read and do.

mod audit;
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

use vtryon_gateway_engine::protocol::{AuditedRequest, DirectoryRequest};
use vtryon_gateway_engine::{directory, shard};
use vtryon_webhooks::Code;
use worker::{Context, Env, Request, Response};

use crate::api::route::Api;
use crate::clients::{DirectoryClient, ShardClient, text_of};
use crate::config::Config;
use crate::http::body;
use crate::http::response::{self, ApiError};

/// The API as OpenAPI 3.1 describes it.
const OPENAPI: &str = include_str!("api/openapi.json");

/// How long the body of a request may be, in bytes.
const LIMIT: usize = 64 * 1024;

/// What the handlers of all requests share.
struct ApiContext<'a> {
    env: &'a Env,
    config: &'a Config,
    shards: ShardClient,
    directory: DirectoryClient,
    /// How a change is recorded.
    audited: &'a AuditedRequest,
}

impl ApiContext<'_> {
    /// Sends the directory a request that changes something.
    async fn change(&self, request: DirectoryRequest) -> Result<Response, ApiError> {
        self.directory.change(request, self.audited).await
    }

    /// Records a change that a shard is about to make. It is made only once that is stored, so that none is without a
    /// record.
    async fn record_change(&self, target: &str) -> Result<(), ApiError> {
        self.record(DirectoryRequest::RecordChange { target: target.to_owned() }).await
    }

    async fn record(&self, request: DirectoryRequest) -> Result<(), ApiError> {
        text_of(self.change(request).await?).await.map(drop)
    }
}

/// Answers a request whose sender has been admitted; `audited` is how a change is recorded.
pub(crate) async fn answer(
    operation: Api,
    request: Request,
    audited: &AuditedRequest,
    env: &Env,
    config: &Config,
    context: &Context,
) -> Result<Response, ApiError> {
    let (shards, directory) = (config.shard_client(env), config.directory_client(env));
    let api = &ApiContext { env, config, shards, directory, audited };
    match operation {
        Api::ListTasks { query } => tasks::list(&query, api).await,
        Api::ShowTask { id } => tasks::show(id, api).await,
        Api::EraseTask { id, query } => tasks::erase(id, &query, api).await,
        Api::ShowResult { id } => results::show(id, api, context).await,
        Api::ListQuarantine { query } => tasks::quarantine(&query, api).await,
        Api::CreateEndpoint { kind } => endpoints::create(kind, &request, api).await,
        Api::ShowEndpoint { kind, id } => endpoints::show(kind, &id, api).await,
        Api::ChangeEndpoint { kind, id } => endpoints::change(kind, &id, &request, api).await,
        Api::DeleteEndpoint { kind, id } => endpoints::delete(kind, &id, api).await,
        Api::RotateSecret { kind, id } => endpoints::rotate(kind, &id, &request, api).await,
        Api::RetireSecret { kind, id } => endpoints::retire(kind, &id, api).await,
        Api::TestEndpoint { kind, id } => test_delivery::send(kind, &id, api).await,
        Api::ListDeliveries { query } => deliveries::list(&query, api).await,
        Api::ShowDelivery { id } => deliveries::show(&id, api).await,
        Api::ShowDeliveryBody { id } => deliveries::body(&id, api).await,
        Api::ReplayDelivery { id } => deliveries::replay(&id, api).await,
        Api::ReplayRange => {
            let key = request.headers().get("idempotency-key")?;
            let input = text(&request).await?;
            api.change(DirectoryRequest::Replay { input, key }).await
        }
        Api::Import { query } => import::import(&query, &request, api).await,
        Api::IssueTicket => tickets::issue(&text(&request).await?, config),
        Api::CreateToken => {
            let input = text(&request).await?;
            api.change(DirectoryRequest::CreateToken { input }).await
        }
        Api::ListAudit { query } => audit::list(&query, api).await,
        Api::ShowMetrics => metrics::show(api).await,
        Api::ShowStats { query } => stats::show(&query, api).await,
        Api::ShowDocument => response::json_text(200, OPENAPI),
        Api::ShowVersion => response::json_text(200, &version()),
        Api::Read(request) => api.directory.send(request).await,
        Api::Change(request) => api.change(request).await,
        Api::NotFound => Err(ApiError::new(Code::NotFound)),
    }
}

/// Returns the version of the gateway and those of what its objects store, as `/healthz` and `/api` tell them.
pub(crate) fn version() -> String {
    let (version, shard, directory) = (env!("CARGO_PKG_VERSION"), shard::SCHEMA, directory::SCHEMA);
    format!(r#"{{"status":"ok","version":"{version}","schema":{{"shard":{shard},"directory":{directory}}}}}"#)
}

/// Reads the body of a request as text.
async fn text(request: &Request) -> Result<String, ApiError> {
    let bytes = body::of(request, LIMIT).await?;
    String::from_utf8(bytes).map_err(|_| ApiError::invalid_request("the body is not UTF-8"))
}
