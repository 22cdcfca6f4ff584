//! What the gateway counts, in the text format of Prometheus.

use vtryon_gateway_engine::protocol::metrics::Counts;
use vtryon_gateway_engine::protocol::{DirectoryRequest, ShardRequest};
use vtryon_gateway_engine::text::json;
use worker::{Headers, Response};

use super::ApiContext;
use crate::http::response::ApiError;
use crate::platform::clock;

/// Counts over all shards, and what the directory knows of refused requests.
pub(super) async fn show(api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let mut sum = Counts::default();
    for text in api.shards.call_all(|| ShardRequest::Metrics).await? {
        sum.add(json::read(&text)?);
    }
    let refused: Vec<(String, i64)> = api.directory.read(DirectoryRequest::RejectionTotals).await?;
    let headers = Headers::new();
    headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8")?;
    headers.set("cache-control", "no-store")?;
    let text = sum.text(&refused, env!("CARGO_PKG_VERSION"), clock::now());
    Ok(Response::ok(text)?.with_headers(headers))
}
